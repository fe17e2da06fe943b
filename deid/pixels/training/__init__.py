"""How the text network is made: synthetic text over radiographs, the network, the training loop, the export.

Nothing here runs when the engine runs. `python -m deid.pixels.training.train --help` makes `deid/pixels/data/textnet.onnx`
anew; it needs PyTorch (`pip install torch onnx`), which the product does not. Source of the recipe: DEID.md, "Finding text in
pixels"; the card is `deid/pixels/data/textnet.md`.
"""
