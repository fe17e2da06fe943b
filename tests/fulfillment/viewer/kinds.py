"""Radiographs of every kind the viewer must draw right, and what pydicom makes of them."""

from __future__ import annotations

import io
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.pixels import apply_modality_lut, apply_voi_lut, apply_windowing

from getdata.demo.dicomize import encode

ROWS, COLUMNS = 150, 131  # odd and unequal: what is mixed up shows
WINDOW = {"WindowCenter": 1900, "WindowWidth": 2300}


@cache
def plane(bits: int = 12, seed: int = 1) -> NDArray[np.uint16]:
    """A soft slope with noise and both ends of the range, (ROWS, COLUMNS)."""
    noise = np.random.default_rng(seed).normal(0, 2**bits / 40, (ROWS, COLUMNS))
    slope = np.linspace(0, 2**bits, COLUMNS)[None, :] * np.linspace(0.4, 1, ROWS)[:, None]
    return np.clip(slope + noise, 0, 2**bits - 1).astype(np.uint16)


def curve(entries: int, bits: int) -> list[int]:
    """A bent table that rises."""
    return [int(value) for value in np.linspace(0, 1, entries) ** 1.7 * (2**bits - 1)]


def lut(entries: int, first: int, bits: int, values: list[int]) -> dict[str, Any]:
    return {"LUTDescriptor": [entries, first, bits], "LUTData": np.array(values, dtype="<u2").tobytes()}


def changed(data: bytes, header: dict[str, Any]) -> bytes:
    """The file with other values in its header; None takes one out."""
    dataset = dcmread(io.BytesIO(data))
    for keyword, value in header.items():
        if value is None:
            delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    out = io.BytesIO()
    dataset.save_as(out, enforce_file_format=True)
    return out.getvalue()


@cache
def kinds() -> dict[str, bytes]:
    """Name -> a Part 10 file."""
    twelve, sixteen = plane(), plane(16, 2)
    signed = (plane(12, 3).astype(np.int32) - 1500).astype(np.int16).view(np.uint16)
    signs = {"PixelRepresentation": 1}
    voi = {"VOILUTSequence": [lut(3000, 400, 12, curve(3000, 12))]}
    made: dict[str, bytes] = {
        "12 bits": encode(twelve, WINDOW),
        "MONOCHROME1": encode(twelve, WINDOW, photometric="MONOCHROME1"),
        "16 bits": encode(sixteen, {"WindowCenter": 30000, "WindowWidth": 41000}, bits_stored=16),
        "8 bits": encode(
            (twelve >> 4).astype(np.uint8), {"WindowCenter": 120, "WindowWidth": 170}, bits_stored=8, sop_class="SC"
        ),
        "signed": changed(encode(signed, {"WindowCenter": 300, "WindowWidth": 2100}, bits_stored=16), signs),
        "signed and rescaled": changed(
            encode(signed, {"WindowCenter": "-75.5", "WindowWidth": "900.5"}, bits_stored=16, syntax="rle"),
            {**signs, "RescaleSlope": "0.5", "RescaleIntercept": "-250.25", "RescaleType": "US"},
        ),
        "rescaled downwards": encode(
            twelve, {"RescaleSlope": "-2", "RescaleIntercept": "4095", "WindowCenter": 100, "WindowWidth": 6000}
        ),
        "exact": encode(twelve, {**WINDOW, "VOILUTFunction": "LINEAR_EXACT"}),
        "sigmoid": encode(twelve, {**WINDOW, "VOILUTFunction": "SIGMOID"}),
        "narrow": encode(twelve, {"WindowCenter": 2000, "WindowWidth": 1}),
        "VOI LUT": encode(twelve, voi),
        "VOI LUT before a window, MONOCHROME1": encode(twelve, {**voi, **WINDOW}, photometric="MONOCHROME1"),
        "VOI LUT of a rescaled image": encode(
            twelve,
            {
                "RescaleSlope": "1.5",
                "RescaleIntercept": "-800",
                "VOILUTSequence": [lut(4000, 250, 10, curve(4000, 10))],
            },
        ),
        "modality LUT": encode(
            twelve,
            {
                "ModalityLUTSequence": [{**lut(4096, 0, 16, curve(4096, 16)), "ModalityLUTType": "US"}],
                "WindowCenter": 22000,
                "WindowWidth": 50000,
            },
        ),
        "no window": changed(encode(twelve, {}), {"WindowCenter": None, "WindowWidth": None}),
    }
    for name in ("rle", "jpeg-lossless", "jpeg-ls", "jpeg-2000", "big-endian", "deflated", "implicit"):
        made[name] = encode(twelve, WINDOW, syntax=name)
    return made


def expected(data: bytes) -> NDArray[np.float64]:
    """Grey levels from 0 to 255, not rounded, (ROWS, COLUMNS): pydicom's modality LUT and VOI LUT, then the polarity."""
    dataset = dcmread(io.BytesIO(data))
    values = apply_modality_lut(dataset.pixel_array, dataset)
    if dataset.get("VOILUTSequence"):
        grey = apply_voi_lut(values, dataset) / (2 ** int(dataset.VOILUTSequence[0].LUTDescriptor[2]) - 1)
    elif "WindowCenter" in dataset:
        dark, bright = apply_windowing(np.array([-1e9, 1e9]), dataset)  # the ends of pydicom's output
        grey = (apply_windowing(values, dataset) - dark) / (bright - dark)
    else:  # no window: the viewer's own choice, from the 0.5th to the 99.5th percentile
        low, high = np.percentile(values, [0.5, 99.5], method="inverted_cdf")
        grey = np.clip((values - low) / (high - low), 0, 1)
    if dataset.PhotometricInterpretation == "MONOCHROME1":
        grey = 1 - grey
    return np.asarray(grey * 255, dtype=np.float64)
