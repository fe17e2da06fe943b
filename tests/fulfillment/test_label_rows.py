"""Labels and their shapes are written once; a correction is a new row."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from fulfillment.models import Annotation, Image, Label
from getdata.accounts.models import User
from getdata.common.models import ImmutableRow
from tests.factories import UserFactory
from tests.support.images import image, label, sealed_batch

pytestmark = pytest.mark.django_db


@pytest.fixture
def shown() -> Image:
    return image(sealed_batch(images=0))


def superseding(old: Label, state: str, actor: User, **fields: Any) -> Label:
    given = {"origin": "corrected", "reason": "Read again.", "entered_by": actor, **fields}
    return label(old.image, old.finding, state, row=old.row, supersedes=old, **given)  # type: ignore[arg-type]


def test_neither_the_model_nor_the_database_lets_a_label_be_changed(shown: Image) -> None:
    given = label(shown, "Pneumothorax")
    box = Annotation.objects.create(label=given, kind="box", box=[1, 2, 3, 4], row=2)
    with pytest.raises(ImmutableRow):
        given.save()
    tries = {
        "state": lambda: Label.objects.filter(pk=given.pk).update(state="absent"),
        "provenance": lambda: Label.objects.filter(pk=given.pk).update(board_certified=True),
        "row": lambda: Label.objects.filter(pk=given.pk).delete(),
        "box": lambda: Annotation.objects.filter(pk=box.pk).update(box=[0, 0, 9, 9]),
        "shape": lambda: connection.cursor().execute("DELETE FROM fulfillment_annotation"),
    }
    for what, act in tries.items():
        with pytest.raises(DatabaseError, match=r"written once|protected"), transaction.atomic():
            act()
        assert Label.objects.get().state == "present", what
        assert Annotation.objects.get().box == [1, 2, 3, 4], what


def test_a_label_finds_its_image_once_and_never_moves_to_another(shown: Image) -> None:
    other = image(shown.source.batch)
    waiting = Label.objects.filter(pk=label(shown, "Pneumothorax").pk)
    waiting.update(image=None)  # a retried file's image goes
    waiting.update(image=shown)
    with pytest.raises(DatabaseError, match="written once"), transaction.atomic():
        waiting.update(image=other)


def test_a_correction_supersedes_and_the_old_row_stays(shown: Image) -> None:
    actor = UserFactory.create()
    old = label(shown, "Pneumothorax")
    new = superseding(old, "absent", actor)
    assert list(Label.objects.standing()) == [new]
    assert Label.objects.count() == 2
    with pytest.raises(IntegrityError), transaction.atomic():
        superseding(old, "likely", actor)  # two people at once: the second one is told


@pytest.mark.parametrize("wrong", [{"reason": ""}, {"entered_by": None}, {"origin": "imported"}])
def test_a_correction_says_who_and_why(shown: Image, wrong: dict[str, Any]) -> None:
    old, actor = label(shown, "Pneumothorax"), UserFactory.create()
    with pytest.raises(IntegrityError), transaction.atomic():
        superseding(old, "absent", actor, **wrong)


@pytest.mark.parametrize(
    "wrong",
    [{"state": "maybe"}, {"method": "Dr Grey"}, {"laterality": "X"}, {"adjudication": "coin"}, {"readers": 0}],
)
def test_the_database_knows_the_words(shown: Image, wrong: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        label(shown, "Pneumothorax", **wrong)


@pytest.mark.parametrize("wrong", [{"kind": "circle"}, {"kind": "mask"}, {"kind": "box", "mask": "masks/a.png"}])
def test_a_shape_is_what_it_says(shown: Image, wrong: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Annotation.objects.create(label=label(shown, "Pneumothorax"), box=[0, 0, 1, 1], row=2, **wrong)
