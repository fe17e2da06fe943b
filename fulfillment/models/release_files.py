"""What is in the package of a release, file by file, and where in its archive each file's bytes lie."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from getdata.common.models import ImmutableRow


class ReleaseFile(models.Model):
    """One file of a release's archive. The entries are stored without compression, so a file is the byte range
    ``offset`` to ``offset + size`` of the archive, and its SHA-256 is that of these bytes.

    ``path`` is below the folder that the archive unpacks to: ``data/...`` for the payload, and the bag's own files
    (``bagit.txt``, the manifests). Rows come while the package is built: until ``Release.is_built`` they are a worker's
    notes of what it has written so far, and serve nobody else.
    """

    id = models.BigAutoField(primary_key=True)
    release = models.ForeignKey("fulfillment.Release", on_delete=models.CASCADE, related_name="files")
    path = models.CharField(max_length=300)
    size = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    crc32 = models.PositiveBigIntegerField()
    offset = models.PositiveBigIntegerField(help_text="where the file's bytes begin in the archive")

    class Meta:
        ordering = ["offset"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["release", "path"], name="one_path_a_release"),
            models.UniqueConstraint(fields=["release", "offset"], name="one_place_a_release_file"),
        ]

    def __str__(self) -> str:
        return self.path

    def save(self, *args: object, **kwargs: object) -> None:
        if not self._state.adding:
            raise ImmutableRow("the files of a release are noted once")
        super().save(*args, **kwargs)  # type: ignore[arg-type]
