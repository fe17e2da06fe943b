"""The viewer of radiographs: who may look, what the screen needs to draw an image, and its stored values."""
