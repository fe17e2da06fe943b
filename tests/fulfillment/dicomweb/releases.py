"""A published release whose instances differ: native and compressed, grey and colour, one frame and several."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from pydicom import dcmread, dcmwrite
from pydicom.dataset import Dataset
from pydicom.uid import RLELossless
from rest_framework.test import APIClient

from fulfillment.models import Image, Release
from fulfillment.services import releases
from getdata.accounts.models import User
from getdata.accounts.tokens import make_token
from getdata.common import storage
from tests.factories import ReviewerFactory
from tests.support.images import accepted_batch


def published(images: int = 3) -> Release:
    """A release of so many images, granted to the organization that asked."""
    request = accepted_batch(images=images).fulfillment.request
    made = releases.prepare_release(request=request, actor=ReviewerFactory.create())
    releases.build_release(made.pk)
    made.refresh_from_db()
    return releases.publish_release(release=made, actor=ReviewerFactory.create())


def header(image: Image) -> Dataset:
    return dcmread(io.BytesIO(storage.get(storage.released(), image.stored)))


def rewrite(image: Image, **changes: Any) -> Dataset:
    """Change the stored header of an image, in place."""
    dataset = header(image)
    for keyword, value in changes.items():
        setattr(dataset, keyword, value)
    return keep(image, dataset)


def keep(image: Image, dataset: Dataset) -> Dataset:
    out = io.BytesIO()
    dcmwrite(out, dataset, enforce_file_format=True)
    storage.put(storage.released(), image.stored, out.getvalue())
    return dataset


def compress(image: Image) -> np.ndarray[Any, Any]:
    """Store the image in RLE; returns its pixels."""
    dataset = header(image)
    pixels = dataset.pixel_array.copy()
    dataset.compress(RLELossless, generate_instance_uid=False)
    keep(image, dataset)
    return pixels


def colour_frames(image: Image) -> np.ndarray[Any, Any]:
    """Store three frames in colour; returns them."""
    values = np.random.default_rng(7).integers(0, 255, (3, 10, 12, 3), dtype=np.uint8)
    dataset = header(image)
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation, dataset.PlanarConfiguration = 3, "RGB", 0
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.NumberOfFrames = 8, 8, 7, 3
    dataset.Rows, dataset.Columns = 10, 12
    for keyword in ("WindowCenter", "WindowWidth", "RescaleSlope", "RescaleIntercept"):
        if keyword in dataset:
            delattr(dataset, keyword)
    dataset.add_new(0x7FE00010, "OB", values.tobytes())
    dataset.compress(RLELossless, generate_instance_uid=False)
    keep(image, dataset)
    return values


def client_of(user: User, *, scopes: tuple[str, ...] = ("releases:read",)) -> APIClient:
    """A client with a token of the person."""
    made = APIClient()
    _, secret = make_token(user=user, name="viewer", scopes=scopes)
    made.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
    return made


def content(answer: Any) -> bytes:
    return b"".join(answer.streaming_content) if answer.streaming else bytes(answer.content)
