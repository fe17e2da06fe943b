"""How the network of the truth checks is made. Needs PyTorch, SciPy and onnx; nothing here runs in the portal.

`volume.py` renders a CT of a chest, `thorax.py` an invented one, `limbs.py` and `clutter.py` what is no chest at all,
`exposure.py` makes pictures of what they draw, `train.py` trains, `judge.py` measures.
"""
