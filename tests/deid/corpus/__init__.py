"""An adversarial corpus with an answer key: radiographs with planted identity, and what must survive of them.

`python -m tests.deid.corpus SEED [N]` makes N files, runs the engine over them and prints the score.
"""
