"""How a release is loaded: the first lines for each library, as they stand on its page. Every one is run by a test.

They begin in the folder beside which the archive was unpacked, or into which it was pulled.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

CROISSANT = "data/croissant.json"


@dataclass(frozen=True)
class Snippet:
    """``key`` for the address, ``title`` for the tab, ``needs`` for pip, ``note`` for a person."""

    key: str
    title: str
    code: str
    needs: str = ""
    note: str = ""


def snippets(*, name: str, release: str, server: str, paths: Collection[str] = ()) -> list[Snippet]:
    """For the release's folder ``name``, its id and the portal's address. ``paths``: files of the bag that decide what is shown."""
    made = [
        Snippet(
            "pull",
            "getdata pull",
            f"getdata pull {release} \\\n  --to {name} \\\n  --server {server} --token-file token.txt\n"
            f"getdata pull --verify --to {name}",
            note="Goes on where it stopped and checks every file. The token is made on your account page, with the scope "
            "releases:read. A part: --finding, --view, --split, --only.",
        ),
        Snippet("pandas", "pandas", _PANDAS.format(name=name), "pandas"),
        Snippet("datasets", "datasets", _DATASETS.format(name=name), "datasets"),
        Snippet("pydicom", "pydicom", _PYDICOM.format(name=name), "pydicom"),
        Snippet("torch", "torch", _TORCH.format(name=name), "torch pandas pydicom"),
        Snippet(
            "dicomweb",
            "dicomweb-client",
            _DICOMWEB.format(server=server, release=release),
            "dicomweb-client",
            note="Nothing is unpacked: studies are looked up and fetched over DICOMweb, under the same access.",
        ),
    ]
    if CROISSANT in paths:
        made.insert(3, Snippet("mlcroissant", "mlcroissant", _CROISSANT.format(name=name), "mlcroissant"))
    return made


_PANDAS = """\
import pandas as pd

images = pd.read_csv("{name}/data/metadata/images.csv")
labels = pd.read_csv("{name}/data/metadata/labels.csv")
print(len(images), "images")
print(labels.groupby(["finding", "state"]).size())"""

_DATASETS = """\
from datasets import load_dataset

images = load_dataset("csv", data_files="{name}/data/metadata/images.csv", split="train")
print(images)
print(images[0]["path"])"""

_CROISSANT = """\
import mlcroissant as mlc

dataset = mlc.Dataset("{name}/data/croissant.json")
for number, record in enumerate(dataset.records("images")):
    print(record)
    if number == 2:
        break"""

_PYDICOM = """\
import csv
from pathlib import Path

import pydicom

root = Path("{name}/data")
with open(root / "metadata/images.csv", newline="") as table:
    rows = list(csv.DictReader(table))
image = pydicom.dcmread(root / rows[0]["path"])
pixels = image.pixel_array
print(pixels.shape, pixels.dtype, image.PhotometricInterpretation)"""

_TORCH = """\
from pathlib import Path

import numpy as np
import pandas as pd
import pydicom
import torch

class Radiographs(torch.utils.data.Dataset):
    def __init__(self, root):
        self.root = Path(root)
        self.images = pd.read_csv(self.root / "metadata/images.csv")

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        row = self.images.iloc[index]
        image = pydicom.dcmread(self.root / row["path"])
        pixels = image.pixel_array.astype(np.float32)
        if image.PhotometricInterpretation == "MONOCHROME1":
            pixels = pixels.max() - pixels
        return torch.from_numpy(pixels)[None], row["path"]

print(Radiographs("{name}/data")[0][0].shape)"""

_DICOMWEB = """\
from pathlib import Path

from dicomweb_client.api import DICOMwebClient

token = Path("token.txt").read_text().strip()
client = DICOMwebClient(
    "{server}/dicomweb/releases/{release}",
    headers={{"Authorization": f"Bearer {{token}}"}},
)
studies = client.search_for_studies(limit=5)
print(len(studies), "studies")"""
