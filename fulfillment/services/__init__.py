"""Verbs of delivery: each keyword-only, with an actor, in its own transaction."""
