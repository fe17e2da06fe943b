"""The files of a release get rows of their own: a hundred thousand paths are too much for one JSON value."""

from __future__ import annotations

import zipfile
from typing import Any

import django.db.models.deletion
from django.db import migrations, models

_HEADER = 30  # bytes of a local header before the name (APPNOTE 4.3.7)


def note_files(apps: Any, schema_editor: Any) -> None:
    """The directory of each archive says where its files lie; the manifest and the bag's own files give their digests."""
    import hashlib

    from django.core.files.storage import storages

    Release = apps.get_model("fulfillment", "Release")
    ReleaseFile = apps.get_model("fulfillment", "ReleaseFile")
    for release in Release.objects.exclude(archive=""):
        try:
            handle = storages["released"].open(release.archive, "rb")
        except FileNotFoundError:
            continue  # nothing can be downloaded of it either
        with handle, zipfile.ZipFile(handle) as bundle:
            rows = []
            for entry in bundle.infolist():
                path = entry.filename.split("/", 1)[1]
                digest = release.manifest.get(path) or hashlib.sha256(bundle.read(entry)).hexdigest()
                handle.seek(entry.header_offset + 26)
                name, extra = (int.from_bytes(handle.read(2), "little") for _ in range(2))
                rows.append(
                    ReleaseFile(
                        release=release,
                        path=path,
                        size=entry.file_size,
                        sha256=digest,
                        crc32=entry.CRC,
                        offset=entry.header_offset + _HEADER + name + extra,
                    )
                )
        ReleaseFile.objects.bulk_create(rows, batch_size=1000)


def back_to_manifests(apps: Any, schema_editor: Any) -> None:
    for release in apps.get_model("fulfillment", "Release").objects.exclude(archive=""):
        release.manifest = dict(release.files.filter(path__startswith="data/").values_list("path", "sha256"))
        release.save(update_fields=["manifest"])


class Migration(migrations.Migration):
    dependencies = [("fulfillment", "0010_near_duplicates")]

    operations = [
        migrations.CreateModel(
            name="ReleaseFile",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("path", models.CharField(max_length=300)),
                ("size", models.PositiveBigIntegerField()),
                ("sha256", models.CharField(max_length=64)),
                ("crc32", models.PositiveBigIntegerField()),
                ("offset", models.PositiveBigIntegerField(help_text="where the file's bytes begin in the archive")),
                (
                    "release",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="files",
                        to="fulfillment.release",
                    ),
                ),
            ],
            options={
                "ordering": ["offset"],
                "constraints": [
                    models.UniqueConstraint(fields=("release", "path"), name="one_path_a_release"),
                    models.UniqueConstraint(fields=("release", "offset"), name="one_place_a_release_file"),
                ],
            },
        ),
        migrations.RunPython(note_files, back_to_manifests),
    ]
