"""Names are cleaned and sealed; kinds are told by content."""

from __future__ import annotations

import gzip
import unicodedata
from collections.abc import Callable

import pytest
from rest_framework.test import APIClient

from fulfillment.models import SourceFile, SourceKind
from fulfillment.uploads import staging
from fulfillment.uploads.names import clean_relative_path, content_digest, is_noise, name_digest
from fulfillment.uploads.sniff import sniff_kind
from getdata.common import crypto
from getdata.common.problems import CannotDo
from tests.factories import batch
from tests.fulfillment.uploads.conftest import Scene, Tus


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("a/b/c.dcm", "a/b/c.dcm"),
        ("/a//b/./c.dcm", "a/b/c.dcm"),
        ("a\\b\\c.dcm", "a/b/c.dcm"),
        ("C:\\export\\c.dcm", "export/c.dcm"),
        (unicodedata.normalize("NFD", "Müller.dcm"), "Müller.dcm"),
        (" spaced name ", " spaced name "),
    ],
)
def test_a_path_has_one_spelling(raw: str, clean: str) -> None:
    assert clean_relative_path(raw) == clean


@pytest.mark.parametrize(
    "raw", ["", "/", "./", "../a.dcm", "a/../../etc/passwd", "a\x00.dcm", "a\n.dcm", "a\u202emcd.exe", "x" * 1025]
)
def test_a_path_with_tricks_is_refused_without_repeating_it(raw: str) -> None:
    with pytest.raises(CannotDo) as refusal:
        clean_relative_path(raw)
    assert refusal.value.code == "bad_file_name"
    assert refusal.value.remedy
    assert not raw.strip("./") or raw not in refusal.value.message


@pytest.mark.parametrize("name", ["x/.DS_Store", "Thumbs.db", "._IM1.dcm", "__MACOSX/a/b.dcm"])
def test_the_noise_of_operating_systems_is_known(name: str) -> None:
    assert is_noise(name)
    assert not is_noise("IM1.dcm")


@pytest.mark.parametrize(
    ("head", "name", "kind"),
    [
        (b"\0" * 128 + b"DICM", "a.zip", SourceKind.INSTANCE),
        (b"PK\x03\x04" + b"\0" * 124 + b"DICM", "polyglot", SourceKind.INSTANCE),
        (b"PK\x03\x04rest", "no-extension", SourceKind.ARCHIVE),
        (b"PK\x05\x06" + b"\0" * 18, "empty.zip", SourceKind.ARCHIVE),
        (b"anything", "x/Labels.CSV", SourceKind.LABELS),
        (b"sop_instance_uid,finding,state\n1.2,Edema,present", "reads.txt", SourceKind.LABELS),
        (b"\xef\xbb\xbfFile;Finding;State;reader\r\n", "export.csv", SourceKind.LABELS),
        (b'"file"\t"finding"\t"state"\n', "t.tsv", SourceKind.LABELS),
        (b"finding,state\n", "no-which.csv", SourceKind.LABELS),  # what lacks is told when it is read
        (b"Image Index,Finding Labels,Patient Age\n", "Data_Entry.csv", SourceKind.LABELS),
        (b'{"images": [], "annotations": []}', "boxes.json", SourceKind.LABELS),
        (b"not a table", "notes.csv", SourceKind.INSTANCE),
        (b"", "empty", SourceKind.INSTANCE),
        (gzip.compress(b"sop_instance_uid,finding,state\n1.2,Edema,present"), "labels.csv.gz", SourceKind.LABELS),
        (gzip.compress(b"\0" * 128 + b"DICM"), "a.dcm.gz", SourceKind.ARCHIVE),
        (b"BZh91AY&SY", "a.tar.bz2", SourceKind.ARCHIVE),
        (b"7z\xbc\xaf\x27\x1c", "a.7z", SourceKind.ARCHIVE),
        (b"MZ\x90", "VIEWER.EXE", SourceKind.ASIDE),
        (b"MZ\x90", "IM0001.dcm", SourceKind.INSTANCE),  # a program that calls itself an image is refused as one
        (b"[autorun]", "AUTORUN.INF", SourceKind.ASIDE),
        (b"<html>", "INDEX.HTM", SourceKind.ASIDE),
        (b"any", "x/Thumbs.db", SourceKind.ASIDE),
        (b"file,patient_id,study_id,view\n", "pictures.csv", SourceKind.PICTURES),
        (b"file,patient_id,study_id,Edema\n", "labels.csv", SourceKind.LABELS),
        (b"\x89PNG\r\n\x1a\n", "a.png", SourceKind.LABELS),  # a mask, where the request takes no pictures
    ],
)
def test_the_kind_is_told_by_content(head: bytes, name: str, kind: SourceKind) -> None:
    assert sniff_kind(head, name) == kind


@pytest.mark.django_db
def test_fingerprints_differ_between_hospitals_so_that_nobody_can_match_originals() -> None:
    one, other = batch(), batch()
    assert one.fulfillment.hospital_id != other.fulfillment.hospital_id
    assert name_digest(one, "a.dcm") != name_digest(other, "a.dcm")
    assert content_digest(one, "ab" * 32) != content_digest(other, "ab" * 32)
    assert "ab" * 8 not in content_digest(one, "ab" * 32)


@pytest.mark.django_db
def test_a_stored_name_opens_for_its_hospital_only(scene: Scene, tus: Tus) -> None:
    tus.send("Meier_Anna/IM1.dcm", b"x")
    sealed = bytes(SourceFile.objects.get().sealed_name)
    assert b"Meier" not in sealed
    with pytest.raises(crypto.CannotOpen):
        crypto.unseal(sealed, scope="originals:somebody-else")


@pytest.mark.parametrize("name", ["../secrets", "a", "", "member-../../x", "/etc/passwd"])
def test_a_staged_file_is_only_ever_named_by_a_key_of_ours(name: str) -> None:
    with pytest.raises(ValueError):
        staging.path(name)


def ask(client: APIClient, scene: Scene, *files: dict[str, object]) -> list[dict[str, object]]:
    answer = client.post(f"/api/v1/batches/{scene.batch.pk}/uploads/known/", {"files": list(files)}, format="json")
    assert answer.status_code == 200, answer.content
    found: list[dict[str, object]] = answer.json()["files"]
    return found


@pytest.mark.django_db
def test_the_server_tells_what_it_has_of_a_folder(scene: Scene, tus: Tus, api: Callable[..., APIClient]) -> None:
    import hashlib

    client = api(scene.manager)
    data = b"content"
    tus.send("done.dcm", data)
    half = tus.create("half.dcm", 10, b"12345", HTTP_UPLOAD_METADATA=_meta("half.dcm", lastModified="7"))["Location"]
    sha = hashlib.sha256(data).hexdigest()
    answers = ask(
        client,
        scene,
        {"relative_path": "new.dcm", "size": 3},
        {"relative_path": "done.dcm", "size": 7},
        {"relative_path": "done.dcm", "size": 7, "sha256": sha},
        {"relative_path": "done.dcm", "size": 7, "sha256": "00" * 32},
        {"relative_path": "done.dcm", "size": 8},
        {"relative_path": "half.dcm", "size": 10, "modified": "7"},
        {"relative_path": "half.dcm", "size": 10, "modified": "8"},
    )
    assert [one["state"] for one in answers] == ["new", "compare", "here", "new", "new", "resume", "new"]
    assert answers[2]["number"] == 1
    assert (answers[5]["upload"], answers[5]["offset"]) == (half, 5)


def _meta(name: str, **more: str) -> str:
    from tests.fulfillment.uploads.conftest import metadata

    return metadata(name, **more)
