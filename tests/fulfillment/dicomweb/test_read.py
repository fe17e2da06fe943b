"""QIDO-RS and WADO-RS over a release: what is found is what is there, in the form that was asked for, and noted before it leaves."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.utils import timezone
from PIL import Image as Picture
from pydicom import dcmread
from rest_framework.test import APIClient

from fulfillment.dicomweb import searching
from fulfillment.dicomweb.related import related_type
from fulfillment.models import AccessGrant, DownloadEvent, Image, Release, SourceFile
from fulfillment.services import releases as services
from getdata.accounts.models import Organization, Role, User
from getdata.audit.models import AuditEvent
from tests.factories import AdministratorFactory, OrganizationFactory, ReviewerFactory, member
from tests.fulfillment.dicomweb.related_bodies import in_blocks
from tests.fulfillment.dicomweb.releases import (
    client_of,
    colour_frames,
    compress,
    content,
    header,
    keep,
    published,
    rewrite,
)
from tests.fulfillment.dicomweb.test_related import whole_parts
from tests.support.access import downloader, named

pytestmark = pytest.mark.django_db
AS_STORED = 'multipart/related; type="application/dicom"; transfer-syntax=*'


@pytest.fixture
def release() -> Release:
    return published()


@pytest.fixture
def reader(release: Release) -> User:
    return downloader(release)


@pytest.fixture
def viewer(reader: User) -> APIClient:
    return client_of(reader)


@pytest.fixture
def images(release: Release) -> list[Image]:
    return [item.image for item in release.items.select_related("image__series__study").order_by("path")]


def place(image: Image, below: str = "") -> str:
    study, series = image.series.study.study_instance_uid, image.series.series_instance_uid
    return f"studies/{study}/series/{series}/instances/{image.sop_instance_uid}{below}"


def ask(client: APIClient, release: Release, path: str, accept: str = "", **headers: str) -> Any:
    extra: dict[str, Any] = {"HTTP_ACCEPT": accept} if accept else {}
    return client.get(f"/dicomweb/releases/{release.pk}/{path}", **extra, **headers)


def found(client: APIClient, release: Release, path: str) -> list[dict[str, Any]]:
    answer = ask(client, release, path, "application/dicom+json")
    assert answer.status_code in (200, 204), content(answer)
    return json.loads(content(answer)) if answer.status_code == 200 else []


def value(document: dict[str, Any], tag: str) -> Any:
    return document[tag]["Value"][0]


def parts(answer: Any) -> list[bytes]:
    assert answer.status_code == 200
    kind = related_type(answer["Content-Type"])
    assert kind is not None
    made, complete = whole_parts(in_blocks(content(answer)), kind.boundary)
    assert complete
    return made


# --- search -----------------------------------------------------------------------------------------------------------


def test_every_level_finds_what_is_in_the_release(viewer: APIClient, release: Release, images: list[Image]) -> None:
    studies = found(viewer, release, "studies")
    assert [value(one, "0020000D") for one in studies] == [i.series.study.study_instance_uid for i in images]
    assert [value(one, "00201208") for one in studies] == [1, 1, 1]
    assert value(studies[0], "00080061") == "CR"
    series = found(viewer, release, f"studies/{value(studies[1], '0020000D')}/series")
    assert [value(one, "0020000E") for one in series] == [images[1].series.series_instance_uid]
    instances = found(viewer, release, "instances")
    assert [value(one, "00080018") for one in instances] == [image.sop_instance_uid for image in images]
    assert value(instances[0], "00280010") == 24
    assert value(instances[2], "00081190").endswith(place(images[2]))


SEARCHES = [
    ("limit=1", [0]),
    ("limit=2&offset=1", [1, 2]),
    ("offset=9", []),
    ("StudyInstanceUID=2.25.8001", [1]),
    ("0020000D=2.25.8000,2.25.8002", [0, 2]),
    ("PatientID=GD-0001", [1]),
    ("PatientID=gd-000*", [0, 1, 2]),
    ("00100040=M", [1]),
    ("PatientSex=M&PatientID=GD-0000", []),
    ("StudyDate=20240612", [0]),
    ("StudyDate=20240101-20241231", [0, 1]),
    ("StudyDate=-20231231", [2]),
    ("StudyDate=20250101-", []),
    ("ModalitiesInStudy=CR", [0, 1, 2]),
    ("ModalitiesInStudy=CT", []),
    ("StudyDescription=*pa*&StudyDate=2024*", []),
    ("PatientName=*", [0, 1, 2]),
]


def test_searches_match_page_and_count(viewer: APIClient, release: Release, images: list[Image]) -> None:
    for image, date in zip(images, ("20240612", "20240101", "20231101"), strict=True):
        rewrite(image, StudyDate=date)
    for query, numbers in SEARCHES:
        got = [images.index(_image(images, one)) for one in found(viewer, release, f"studies?{query}")]
        assert got == numbers, query


def _image(images: list[Image], document: dict[str, Any]) -> Image:
    return next(image for image in images if image.series.study.study_instance_uid == value(document, "0020000D"))


def test_more_results_fuzziness_and_unknown_keys_are_said_in_warnings(viewer: APIClient, release: Release) -> None:
    answer = ask(viewer, release, "studies?limit=1&fuzzymatching=true&DeviceSerialNumber=7")
    assert answer.status_code == 200
    for words in ("literal matching", "Additional results", "DeviceSerialNumber"):
        assert words in answer["Warning"]
    assert "Warning" not in ask(viewer, release, "studies?fuzzymatching=false")


def test_includefield_adds_attributes(viewer: APIClient, release: Release, images: list[Image]) -> None:
    for image in images:
        rewrite(image, Manufacturer="Maker", DetectorType="DIRECT")
    plain = found(viewer, release, "series")[0]
    assert "00080070" not in plain
    named = found(viewer, release, "series?includefield=Manufacturer,00187004")[0]
    assert (value(named, "00080070"), value(named, "00187004")) == ("Maker", "DIRECT")
    assert value(found(viewer, release, "series?includefield=all")[0], "00080070") == "Maker"


def test_a_query_that_cannot_be_understood_is_a_bad_request(viewer: APIClient, release: Release) -> None:
    for query in ("limit=x", "offset=-1", "NoSuchKeyword=1", "includefield=Nonsense", "99990000=1"):
        answer = ask(viewer, release, f"studies?{query}")
        assert answer.status_code == 400 and answer.json()["remedy"], query


def test_a_search_that_opens_too_much_is_refused(
    viewer: APIClient, release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "MAX_OPENED", 2)
    assert ask(viewer, release, "studies?StudyDate=19990101").status_code == 413


# --- metadata, instances, frames ------------------------------------------------------------------------------------


def test_metadata_is_the_header_with_addresses_for_bulk(
    viewer: APIClient, release: Release, images: list[Image]
) -> None:
    dataset = header(images[0])
    dataset.private_block(0x0029, "GETDATA TEST", create=True).add_new(0x01, "OB", b"\1\2" * 1000)
    keep(images[0], dataset)
    answer = ask(viewer, release, place(images[0], "/metadata"), "application/dicom+json")
    document = json.loads(content(answer))[0]
    assert answer["Content-Type"] == "application/dicom+json"
    assert value(document, "00080018") == images[0].sop_instance_uid
    assert value(document, "00083002") == "1.2.840.10008.1.2.1"
    assert document["7FE00010"]["BulkDataURI"].endswith(place(images[0], "/bulkdata/7FE00010"))
    address = document["00291001"]["BulkDataURI"].split("/dicomweb/", 1)[1].split("/", 2)[2]
    bulk = ask(viewer, release, address, 'multipart/related; type="*/*"')
    assert parts(bulk) == [b"\1\2" * 1000]
    alone = ask(viewer, release, place(images[0], "/bulkdata/7FE00010"), "application/octet-stream")
    assert content(alone) == dataset.PixelData
    for path in ("00291002", "0029100", "00081115/9/00081155", "00100010"):
        assert ask(viewer, release, place(images[0], f"/bulkdata/{path}")).status_code == 404


@pytest.mark.parametrize("accept", [AS_STORED, "*/*", "", "application/dicom; transfer-syntax=*"])
def test_an_instance_comes_as_it_is_stored(
    viewer: APIClient, release: Release, images: list[Image], accept: str
) -> None:
    compress(images[1])
    answer = ask(viewer, release, place(images[1]), accept)
    data = content(answer) if accept.startswith("application") else parts(answer)[0]
    assert dcmread(io.BytesIO(data)).file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.5"


@pytest.mark.parametrize("accept", ['multipart/related; type="application/dicom"', "application/dicom"])
def test_an_instance_is_decoded_where_the_syntax_is_not_said(
    viewer: APIClient, release: Release, images: list[Image], accept: str
) -> None:
    pixels = compress(images[1])
    answer = ask(viewer, release, place(images[1]), accept)
    data = content(answer) if accept.startswith("application") else parts(answer)[0]
    dataset = dcmread(io.BytesIO(data))
    assert dataset.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"
    assert np.array_equal(dataset.pixel_array, pixels)


def test_a_study_comes_whole_and_an_unknown_one_not_at_all(
    viewer: APIClient, release: Release, images: list[Image]
) -> None:
    study = images[0].series.study.study_instance_uid
    assert len(parts(ask(viewer, release, f"studies/{study}", AS_STORED))) == 1
    assert ask(viewer, release, "studies/1.2.3", AS_STORED).status_code == 404
    assert ask(viewer, release, f"studies/{study}", "application/dicom").status_code == 406
    assert ask(viewer, release, f"studies/{study}", "image/gif").status_code == 406


def test_frames_are_decoded_or_as_stored(viewer: APIClient, release: Release, images: list[Image]) -> None:
    values = colour_frames(images[2])
    for accept in ('multipart/related; type="application/octet-stream"', "*/*", 'multipart/related; type="*/*"'):
        made = parts(ask(viewer, release, place(images[2], "/frames/3,1"), accept))
        assert made == [values[2].tobytes(), values[0].tobytes()], accept
    stored = ask(viewer, release, place(images[2], "/frames/2"), 'multipart/related; type="image/dicom-rle"')
    assert "image/dicom-rle" in stored["Content-Type"] and len(parts(stored)) == 1
    anything = ask(viewer, release, place(images[2], "/frames/2"), 'multipart/related; type="*/*"; transfer-syntax=*')
    assert "image/dicom-rle" in anything["Content-Type"]
    single = ask(viewer, release, place(images[2], "/frames/2"), "application/octet-stream")
    assert content(single) == values[1].tobytes()
    assert ask(viewer, release, place(images[2], "/frames/4")).status_code == 404
    assert ask(viewer, release, place(images[2], "/frames/0")).status_code == 404
    assert ask(viewer, release, place(images[2], "/frames/x")).status_code == 400
    assert ask(viewer, release, place(images[2], "/frames/1"), "image/jls").status_code == 406


def test_rendered_pictures_have_the_window_and_the_right_way_round(
    viewer: APIClient, release: Release, images: list[Image]
) -> None:
    dataset = header(images[0])
    ramp = np.arange(24 * 20, dtype=np.uint16).reshape(24, 20)
    rewrite(
        images[0], PixelData=ramp.tobytes(), PhotometricInterpretation="MONOCHROME2", WindowCenter=240, WindowWidth=480
    )
    assert dataset.Rows == 24

    def picture(query: str = "", accept: str = "image/png") -> np.ndarray[Any, Any]:
        answer = ask(viewer, release, place(images[0], f"/rendered{query}"), accept)
        assert answer.status_code == 200 and answer["Content-Type"] == accept
        return np.asarray(Picture.open(io.BytesIO(content(answer))))

    usual = picture()
    assert usual.shape == (24, 20) and usual[0, 0] < 4 and usual[-1, -1] > 250
    narrow = picture("?window=100,2,linear")
    assert narrow[0, 0] == 0 and narrow[-1, -1] == 255 and set(np.unique(narrow)) <= {0, 128, 255}
    assert picture("?viewport=10,12").shape == (12, 10)
    assert picture("", "image/jpeg").shape == (24, 20)
    rewrite(images[0], PhotometricInterpretation="MONOCHROME1")
    assert picture()[0, 0] > 250
    for bad in ("window=1", "window=1,0", "window=nan,5", "viewport=0,4", "viewport=1,2,3,4", "quality=0", "quality=x"):
        assert ask(viewer, release, place(images[0], f"/rendered?{bad}"), "image/png").status_code == 400, bad
    assert ask(viewer, release, place(images[0], "/rendered"), "video/mp4").status_code == 406
    assert ask(viewer, release, place(images[0], "/frames/2/rendered")).status_code == 404
    small = ask(viewer, release, place(images[0], "/thumbnail"))
    assert max(Picture.open(io.BytesIO(content(small))).size) == 128


def test_pixels_that_do_not_decode_are_said_to(viewer: APIClient, release: Release, images: list[Image]) -> None:
    rewrite(images[0], PixelData=b"\0\0")
    answer = ask(viewer, release, place(images[0], "/rendered"), "image/png")
    assert (answer.status_code, answer.json()["code"]) == (406, "no_picture")


# --- who --------------------------------------------------------------------------------------------------------------


def doors(images: list[Image]) -> list[str]:
    one = images[0]
    study = one.series.study.study_instance_uid
    return [
        "studies",
        "series",
        "instances",
        f"studies/{study}/series",
        f"studies/{study}/instances",
        f"studies/{study}/metadata",
        f"studies/{study}",
        f"studies/{study}/series/{one.series.series_instance_uid}/instances",
        f"studies/{study}/thumbnail",
        place(one),
        *(place(one, below) for below in ("/metadata", "/frames/1", "/rendered", "/frames/1/rendered")),
        place(one, "/bulkdata/7FE00010"),
    ]


def test_every_door_opens_for_the_holder(viewer: APIClient, release: Release, images: list[Image]) -> None:
    for door in doors(images):
        answer = ask(viewer, release, door)
        assert answer.status_code == 200, door
        assert answer["Cache-Control"] == "private, no-store"


def unattested(release: Release) -> User:
    person = member(release.request.organization, Role.READER)
    named(release.grants.get(), person, attested=False)
    return person


OTHERS: dict[str, Callable[[Release], User]] = {
    "a viewer of the organization": lambda release: downloader(release, Role.VIEWER),
    "a reader who is not named": lambda release: member(release.request.organization, Role.READER),
    "a named one who has not attested": lambda release: unattested(release),
    "the hospital": lambda release: member(release.request.fulfillments.get().hospital, Role.OWNER),
    "another organization": lambda release: member(OrganizationFactory.create(), Role.OWNER),
    "a reviewer": lambda release: ReviewerFactory.create(),
    "an administrator": lambda release: AdministratorFactory.create(),
}


def test_without_a_grant_nothing_is_behind_any_door(release: Release, images: list[Image]) -> None:
    for name, who in OTHERS.items():
        client = client_of(who(release))
        assert {ask(client, release, door).status_code for door in doors(images)} == {404}, name
    assert not DownloadEvent.objects.exists()


@pytest.mark.parametrize("end", ["expired", "revoked", "suspended", "withdrawn"])
def test_a_grant_that_ended_closes_every_door(
    release: Release, images: list[Image], viewer: APIClient, end: str
) -> None:
    match end:
        case "expired":
            AccessGrant.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
        case "revoked":
            AccessGrant.objects.update(revoked_at=timezone.now())
        case "suspended":
            Organization.objects.filter(pk=release.request.organization_id).update(status="suspended")
        case _:
            services.withdraw_release(release=release, actor=ReviewerFactory.create(), reason="A name was seen.")
    assert {ask(viewer, release, door).status_code for door in doors(images)} == {404}


def test_the_grant_of_one_release_opens_no_other(viewer: APIClient, images: list[Image]) -> None:
    other = published(1)
    assert {ask(viewer, other, door).status_code for door in ("studies", place(images[0]))} == {404}


def test_a_visitor_is_asked_who_it_is_and_a_token_needs_the_scope(
    release: Release, reader: User, images: list[Image]
) -> None:
    for door in doors(images):
        assert ask(APIClient(), release, door).status_code == 401, door
        assert ask(client_of(reader, scopes=("deliveries:write",)), release, door).status_code == 403, door


def test_an_image_that_no_longer_stands_is_gone(viewer: APIClient, release: Release, images: list[Image]) -> None:
    SourceFile.objects.filter(pk=images[0].source_id).update(status="withdrawn")
    assert len(found(viewer, release, "studies")) == 2
    for below in ("", "/metadata", "/frames/1", "/rendered", "/bulkdata/7FE00010"):
        assert ask(viewer, release, place(images[0], below)).status_code == 404


@pytest.mark.parametrize("below", ["", "/metadata", "/frames/1", "/rendered", "/bulkdata/7FE00010"])
def test_what_is_taken_is_in_the_ledger_before_a_byte_leaves(
    viewer: APIClient, release: Release, images: list[Image], reader: User, below: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = ask(viewer, release, place(images[0], below))
    event = DownloadEvent.objects.get()  # nothing was read from the answer yet
    assert event.user == reader and event.path.startswith(images[0].path_in_release)
    assert AuditEvent.objects.filter(verb="release.downloaded").count() == 1
    content(answer)

    def broken(**_: object) -> None:
        raise OSError("no ledger")

    monkeypatch.setattr("fulfillment.dicomweb.released.note_download", broken)
    with pytest.raises(OSError, match="no ledger"):
        ask(viewer, release, place(images[0], below))


def test_a_viewer_on_another_site_is_let_in_only_where_it_is_named(
    viewer: APIClient, release: Release, settings: Any
) -> None:
    settings.DICOMWEB_ORIGINS = ["https://viewer.example.org"]
    asked = APIClient().options(f"/dicomweb/releases/{release.pk}/studies", HTTP_ORIGIN="https://viewer.example.org")
    assert asked.status_code == 204 and "Authorization" in asked["Access-Control-Allow-Headers"]
    answer = ask(viewer, release, "studies", HTTP_ORIGIN="https://viewer.example.org")
    assert answer["Access-Control-Allow-Origin"] == "https://viewer.example.org"
    assert "Access-Control-Allow-Credentials" not in answer
    assert "Access-Control-Allow-Origin" not in ask(viewer, release, "studies", HTTP_ORIGIN="https://evil.example")


def test_nothing_can_be_written_through_these_doors(viewer: APIClient, release: Release, images: list[Image]) -> None:
    for door in doors(images)[:3]:
        assert viewer.post(f"/dicomweb/releases/{release.pk}/{door}").status_code in (403, 405)
        assert viewer.delete(f"/dicomweb/releases/{release.pk}/{door}").status_code in (403, 405)
