"""Which image of a batch a label file means: by replaced UID, keyed fingerprint of a name, or accession number. Never by guess.

The same answers as ``fulfillment.intake.linking`` gives once labels are rows, before there is any.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from deid import Keyring
from fulfillment.labels.formats import ImageRef, Size
from fulfillment.models import Batch, Image, SourceFile, SourceFileStatus, SourceKind
from fulfillment.uploads import names
from getdata.common.problems import CannotDo

_UID = re.compile(r"^[0-9]+(\.[0-9]+){3,}$")


@dataclass(frozen=True)
class Found:
    """The image's key, or why there is none."""

    image: Any = None
    why: Literal["", "unmatched", "ambiguous", "several_in_study"] = "unmatched"


class ImageNames:
    """The live images of one batch (by UID: of its delivery), under every name that a label file may use."""

    def __init__(self, batch: Batch, keyring: Keyring) -> None:
        self._batch, self._keyring = batch, keyring
        self._found: dict[ImageRef, Found] = {}

    @cached_property
    def _rows(self) -> list[dict[str, Any]]:
        live = Image.objects.live().filter(source__batch__fulfillment=self._batch.fulfillment_id)
        columns = ("pk", "sop_instance_uid", "source_id", "source__batch_id", "source__name_digest", "source__stem_digest",
                   "series__study_id", "series__study__accession", "facts__rows", "facts__columns")  # fmt: skip
        return list(live.order_by().values(*columns))

    @cached_property
    def _by_pk(self) -> dict[Any, dict[str, Any]]:
        return {row["pk"]: row for row in self._rows}

    @cached_property
    def _twins(self) -> list[tuple[Any, str, str, str]]:
        live = Image.objects.live().filter(source__batch__fulfillment=self._batch.fulfillment_id)
        files = SourceFile.objects.filter(batch__fulfillment=self._batch.fulfillment_id, twin__in=live)
        return list(files.values_list("twin_id", "twin_uid", "name_digest", "stem_digest").order_by())

    @cached_property
    def _by_uid(self) -> dict[str, Any]:
        return {uid: pk for pk, uid, _, _ in self._twins if uid} | {
            row["sop_instance_uid"]: row["pk"] for row in self._rows
        }

    @cached_property
    def _by_name(self) -> dict[str, Any]:
        here = {
            row["source__name_digest"]: row["pk"] for row in self._rows if row["source__batch_id"] == self._batch.pk
        }
        return {name: pk for pk, _, name, _ in self._twins} | here

    @cached_property
    def _by_stem(self) -> dict[str, set[Any]]:
        found: defaultdict[str, set[Any]] = defaultdict(set)
        files = self._batch.files.filter(kind=SourceKind.INSTANCE).exclude(status=SourceFileStatus.WITHDRAWN)
        by_file = {row["source_id"]: row["pk"] for row in self._rows}
        for pk, stem, twin in files.exclude(stem_digest="").values_list("pk", "stem_digest", "twin_id").order_by():
            found[stem].add(by_file.get(pk) or twin or pk)
        return found

    @cached_property
    def _by_accession(self) -> dict[str, set[Any]]:
        found: defaultdict[str, set[Any]] = defaultdict(set)
        for row in self._rows:
            if row["series__study__accession"]:
                found[row["series__study__accession"]].add(row["pk"])
        return found

    def find(self, ref: ImageRef) -> Found:
        """The image that ``ref`` means."""
        if ref not in self._found:
            self._found[ref] = self._find(ref)
        return self._found[ref]

    def _find(self, ref: ImageRef) -> Found:
        if ref.kind == "accession_number":
            several = self._by_accession.get(self._keyring.accession(ref.value), set())
            if len(several) > 1:
                return Found(None, "several_in_study")
            return Found(next(iter(several)), "") if several else Found()
        if ref.kind == "sop_instance_uid":
            return self._known(self._by_uid.get(self._keyring.uid(ref.value)))
        try:
            path = names.clean_relative_path(ref.value)
        except CannotDo:
            return Found()
        found = self._by_uid.get(self._keyring.uid(path)) if _UID.match(path) else None
        found = found or self._by_name.get(names.name_digest(self._batch, path))
        if found or "/" in path:
            return self._known(found)
        stems = self._by_stem.get(names.stem_digest(self._batch, path), set())
        if len(stems) > 1:
            return Found(None, "ambiguous")
        return self._known(next(iter(stems), None))

    def _known(self, pk: Any) -> Found:
        return Found(pk, "") if pk in self._by_pk else Found()

    def size_of(self, pk: Any) -> Size | None:
        """Rows and columns of an image."""
        row = self._by_pk[pk]
        rows, columns = row["facts__rows"], row["facts__columns"]
        return (int(rows), int(columns)) if rows and columns else None

    def path_of(self, ref: ImageRef) -> ImageRef | None:
        """The image that ``ref`` means by the path under which it was sent. Identity: for the worker, never kept."""
        pk = self.find(ref).image
        if pk is None or self._by_pk[pk]["source__batch_id"] != self._batch.pk:
            return None
        source = SourceFile.objects.select_related("batch__fulfillment").get(pk=self._by_pk[pk]["source_id"])
        return ImageRef("file", names.unseal_name(source))

    def sizes_by_name(self) -> dict[ImageRef, Size]:
        """Sizes by the names under which images were sent, for formats whose numbers are shares of the image. Identity."""
        found: dict[ImageRef, Size] = {}
        files = SourceFile.objects.filter(image__in=Image.objects.live().filter(source__batch=self._batch))
        for file in files.select_related("batch__fulfillment", "image").iterator(chunk_size=2000):
            size = self.size_of(file.image.pk) if file.image.pk in self._by_pk else None
            if size:
                found[ImageRef("file", names.unseal_name(file))] = size
        return found
