"""The standard as data: PS3.15 Table E.1-1, the safe private attributes, the policies and the word lists."""
