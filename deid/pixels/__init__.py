"""Pixels: decode, find text, decide what may stay, mask, look again."""
