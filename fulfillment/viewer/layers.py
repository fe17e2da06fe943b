"""What lies over an image in the viewer: the findings that are marked on it, what de-identification covered, and what it doubted."""

from __future__ import annotations

from typing import Any

from django.urls import reverse

from fulfillment.label_passport import annotation_path
from fulfillment.labels.outline import box_path
from fulfillment.models import Label
from fulfillment.viewer.access import Look
from requests_app.taxonomy import LabelState

#: Shapes of one image that are drawn; a page must stay a page.
MAX_SHAPES = 200
#: Statements that are listed beside the image.
MAX_LABELS = 60


def layers_of(look: Look) -> tuple[list[dict[str, Any]], int]:
    """The layers with their shapes as SVG paths in pixels of the image, and how many shapes were left out."""
    found = [_masks(look)]
    if look.sees_evidence:
        found.append(_hints(look))
    marks, left_out = _marks(look)
    return [layer for layer in [*found, *marks] if layer["shapes"]], left_out


def _masks(look: Look) -> dict[str, Any]:
    shapes = [_tile(box, "Covered by de-identification") for box in look.image.masks]
    return {"key": "masks", "title": "De-identification masks", "shapes": [shape for shape in shapes if shape["path"]]}


def _hints(look: Look) -> dict[str, Any]:
    """Places that may be text and were neither read nor covered: the tiles a reviewer looks at."""
    boxes = look.image.deid_record.get("hints") or []
    shapes = [_tile(box, f"May be text, score {float(box.get('detector', 0)):.2f}") for box in boxes[:MAX_SHAPES]]
    return {"key": "tiles", "title": "Text tiles, not covered", "shapes": [shape for shape in shapes if shape["path"]]}


def _tile(box: dict[str, Any], words: str) -> dict[str, Any]:
    numbers = [float(box.get(name, 0)) for name in ("x", "y", "width", "height")]
    return {"kind": "tile", "path": box_path(numbers), "words": words, "frame": int(box.get("frame", 0)) + 1}


def readable_labels(look: Look) -> list[Label]:
    """The standing labels of the image that this person may read, those that are marked on it first."""
    rows = Label.objects.readable_by(look.user).standing().filter(image=look.image)
    listed = rows.prefetch_related("annotations").order_by("finding", "state", "reader", "pk")
    return sorted(listed, key=lambda row: not row.annotations.all())


def _marks(look: Look) -> tuple[list[dict[str, Any]], int]:
    """A layer for each finding that has a shape."""
    layers: dict[str, dict[str, Any]] = {}
    drawn = left_out = 0
    for row in readable_labels(look):
        for shape in row.annotations.all():
            if drawn >= MAX_SHAPES:
                left_out += 1
                continue
            path = annotation_path(shape)
            if not path:
                continue
            drawn += 1
            layer = layers.setdefault(
                row.finding, {"key": f"finding-{len(layers)}", "title": row.finding, "shapes": []}
            )
            who = _who(row)
            words = f"{row.finding}, {shape.get_kind_display().lower()}, {who}"
            layer["shapes"].append({"kind": shape.kind, "path": path, "words": words, "frame": shape.frame + 1})
    return list(layers.values()), left_out


def statements_of(look: Look) -> list[dict[str, str]]:
    """What is said of the image, each with its passport."""
    rows = [row for row in readable_labels(look) if row.state != LabelState.NOT_MENTIONED.value][:MAX_LABELS]
    return [
        {
            "finding": row.finding,
            "state": row.get_state_display(),
            "who": _who(row),
            "url": reverse("label_passport", args=[row.pk]),
        }
        for row in rows
    ]


def _who(row: Label) -> str:
    return row.reader or (row.get_method_display() if row.method else "method not said")
