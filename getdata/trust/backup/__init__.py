"""Backups: the database row by row, the keys, a manifest of every stored object; sealed, and restored with proof."""
