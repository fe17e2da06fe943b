"""The hostile zoo through a worker process, as far as the suite has time for; `python -m tests.security.zoo` carries all of it."""

from __future__ import annotations

import pytest

from tests.security.zoo import GOOD, carry, kinds
from tests.support.zoo_images import image_animals

pytestmark = pytest.mark.pure  # the worker has a database of its own
#: What takes long to make or to refuse is left to the program.
_SLOW = (
    "bomb",
    "labels-400000",
    "labels-of-one",
    "reports-of",
    "reports-60000",
    "many-files",
    "trailing-mega",
    "yolo-300000",
)


def chosen() -> list[str]:
    images = {f"{name}.dcm" for name in image_animals()}
    own = [name for name in kinds() if not name.startswith("pwnlab") and not any(part in name for part in _SLOW)]
    return [name for name in own if name in images or ("." in name and not name.endswith(".dcm"))]


def test_the_zoo_has_more_than_eighty_kinds() -> None:
    assert len(kinds()) > 300
    assert len(chosen()) > 80


def test_every_animal_ends_as_a_reason_and_the_next_good_file_passes() -> None:
    seen = list(carry(chosen(), good_every=60))
    assert {verdict.name: verdict.faults for verdict in seen if set(verdict.faults) - {"too slow"}} == {}
    assert sum(verdict.name == GOOD for verdict in seen) >= 2
    assert not [verdict.name for verdict in seen if verdict.lost], "no worker was lost"
