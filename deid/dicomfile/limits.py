"""Limits that hold before anything is decoded. A radiograph of 2026 stays far below each of them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Refuse beyond: bytes of the file, sequence depth, data elements and items together, bytes of text outside private
    elements, pixels a frame, frames, all samples."""

    file_bytes: int = 256 * 1024 * 1024
    depth: int = 16
    elements: int = 40_000
    text_bytes: int = 256 * 1024
    side: int = 12_000
    frame_pixels: int = 50_000_000
    frames: int = 64
    samples: int = 120_000_000


DEFAULT_LIMITS = Limits()
