"""Cleaning of descriptors and other short text: known identifiers, patterns, and a fail-closed vocabulary."""
