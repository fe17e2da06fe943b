"""How the shipped component model of the quality score is made; not needed to run it. See ``fit.py``."""
