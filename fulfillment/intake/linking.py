"""Labels and the images they name find each other, whichever comes first. By replaced UID or keyed fingerprint, never by a name.

A label names an image by SOPInstanceUID, by its path as it was sent, or by a file name without folders. The last is taken for an
image only while one file of the batch goes by that name: two of them make it nobody's.
"""

from __future__ import annotations

from typing import Any

from django.db.models import Count, F

from fulfillment.models import Image, Label, SourceFile, SourceFileStatus, SourceKind


def link_table(table: SourceFile) -> None:
    """Join the table's rows to the images that are here. After the rows are written: an image that comes meanwhile finds them."""
    live = Image.objects.live().filter(source__batch__fulfillment=table.batch.fulfillment_id)
    twins = SourceFile.objects.filter(batch__fulfillment=table.batch.fulfillment_id, twin__in=live)
    by_uid = dict(twins.values_list("twin_uid", "twin")) | dict(live.values_list("sop_instance_uid", "pk"))
    here, doubles = live.filter(source__batch=table.batch), twins.filter(batch=table.batch)
    by_name = dict(doubles.values_list("name_digest", "twin")) | dict(here.values_list("source__name_digest", "pk"))
    by_stem = dict(doubles.values_list("stem_digest", "twin")) | dict(here.values_list("source__stem_digest", "pk"))
    ambiguous = set(_ambiguous(table))
    changed: list[Label] = []
    for label in Label.objects.filter(table=table, image=None).iterator(chunk_size=2000):
        found: Any = by_uid.get(label.sop_instance_uid) if label.sop_instance_uid else None
        if found is None and label.name_digest:
            found = by_name.get(label.name_digest)
        if found is None and label.stem_digest and label.stem_digest not in ambiguous:
            found = by_stem.get(label.stem_digest)
        if found is not None:
            label.image_id = found
            changed.append(label)
    Label.objects.bulk_update(changed, ["image"], batch_size=500)


def adopt_labels(file: SourceFile, image: Image, uid: str) -> None:
    """Give the image the labels that came before it and name its file, by replaced UID, by path or by the file's name alone."""
    waiting = Label.objects.filter(batch__fulfillment=file.batch.fulfillment_id, image=None)
    waiting.filter(sop_instance_uid=uid).exclude(sop_instance_uid="").update(image=image)
    waiting.filter(batch=file.batch, name_digest=file.name_digest).exclude(name_digest="").update(image=image)
    if not file.stem_digest:
        return
    if _namesakes(file).count() == 1:
        waiting.filter(batch=file.batch, stem_digest=file.stem_digest).update(image=image)
    else:
        mine = Label.objects.filter(batch=file.batch, stem_digest=file.stem_digest, image__isnull=False)
        by_name_alone = mine.exclude(name_digest=F("image__source__name_digest")).exclude(
            sop_instance_uid=F("image__sop_instance_uid")
        )
        Label.objects.filter(pk__in=list(by_name_alone.values_list("pk", flat=True))).update(image=None)


def remember_twin(file: SourceFile, twin: Image, uid: str) -> None:
    """Note which image was kept in a duplicate's place: which of two twins arrives first is chance, and labels may name either."""
    SourceFile.objects.filter(pk=file.pk).update(twin=twin, twin_uid=uid)
    adopt_labels(file, twin, uid)


def _namesakes(file: SourceFile) -> Any:
    return _sent(file.batch_id).filter(stem_digest=file.stem_digest)


def _ambiguous(table: SourceFile) -> Any:
    """Names without folders that several files of the batch have."""
    named = _sent(table.batch_id).exclude(stem_digest="").order_by().values("stem_digest")
    return named.annotate(n=Count("pk")).filter(n__gt=1).values_list("stem_digest", flat=True)


def _sent(batch: Any) -> Any:
    return SourceFile.objects.filter(batch=batch, kind=SourceKind.INSTANCE).exclude(status=SourceFileStatus.WITHDRAWN)
