"""Clients of other makers against a running portal: Orthanc, dicomweb-client and dcmtk store, search and retrieve."""

from __future__ import annotations

import base64
import io
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import requests
from dicomweb_client.api import DICOMwebClient
from pydicom import dcmread
from pynetdicom import AE
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]

from tests.e2e.portal import ROOT, Portal, until
from tests.e2e.portal import portal as start_portal
from tests.support.images import tiny_dicom

pytestmark = [pytest.mark.e2e]
ORTHANC, ORTHANC_DICOMWEB = "/usr/sbin/Orthanc", "/usr/share/orthanc/plugins/libOrthancDicomWeb.so"


@dataclass
class Stage:
    """The portal without a worker, its listener, and whom its addresses serve."""

    portal: Portal
    where: dict[str, str]
    dimse: int

    @property
    def store_url(self) -> str:
        return f"{self.portal.url}/dicomweb/batches/{self.where['batch']}"

    @property
    def read_url(self) -> str:
        return f"{self.portal.url}/dicomweb/releases/{self.where['release']}"

    def taken(self) -> int:
        """Files in the batch, by the API."""
        with self.portal.client(self.where["sender"]) as client:
            return int(client.get(f"batches/{self.where['batch']}/files/").json()["count"])


def client(url: str, token: str) -> DICOMwebClient:
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {token}"
    return DICOMwebClient(url, session=session, chunk_size=20_000)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with start_portal(tmp_path_factory.mktemp("dicom")) as running:
        where = json.loads(running.manage("-m", "tests.fulfillment.dicomweb.stage").strip().splitlines()[-1])
        listener = subprocess.Popen(
            [sys.executable, "manage.py", "dicom_listener", "--port", "0"],
            cwd=ROOT,
            env=running.env,
            stdout=subprocess.PIPE,
            stderr=running.log.open("ab"),
            text=True,
        )
        assert listener.stdout is not None
        try:
            port = int(listener.stdout.readline().split(":")[1].split()[0])
            yield Stage(running, where, port)
        finally:
            listener.send_signal(signal.SIGTERM)
            listener.wait(timeout=20)


@pytest.fixture(scope="module")
def orthanc(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an Orthanc that knows the portal's doors: to store, and to search and retrieve."""
    folder = tmp_path_factory.mktemp("orthanc")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    def door(url: str, token: str) -> dict[str, Any]:
        return {"Url": f"{url}/", "Username": "orthanc", "Password": token, "ChunkedTransfers": True}

    configuration = {
        "StorageDirectory": str(folder / "db"),
        "IndexDirectory": str(folder / "db"),
        "Plugins": [ORTHANC_DICOMWEB],
        "HttpPort": port,
        "DicomServerEnabled": False,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "DicomWeb": {
            "Enable": True,
            "Servers": {
                "store": door(stage.store_url, stage.where["sender"]),
                "read": {
                    "Url": f"{stage.read_url}/",
                    "HttpHeaders": {"Authorization": f"Bearer {stage.where['reader']}"},
                },
                "stranger": door(stage.read_url, stage.where["stranger"]),
            },
        },
    }
    (folder / "orthanc.json").write_text(json.dumps(configuration))
    with (folder / "log").open("wb") as log:
        running = subprocess.Popen(
            [ORTHANC, str(folder / "orthanc.json")], stdout=log, stderr=log, env={**os.environ, "TZ": "UTC"}
        )
    url = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        assert running.poll() is None, (folder / "log").read_text()[-2000:]
        try:
            return httpx.get(f"{url}/system", timeout=2).status_code == 200
        except httpx.HTTPError:
            return False

    try:
        until(answers, seconds=30, what="Orthanc to answer")
        yield url
    finally:
        running.terminate()
        try:
            running.wait(timeout=10)
        except subprocess.TimeoutExpired:
            running.kill()


def post(url: str, **body: Any) -> httpx.Response:
    return httpx.post(url, timeout=30, **body)


@pytest.mark.orthanc
def test_orthanc_stores_into_the_batch_and_its_chunked_body_loses_nothing(stage: Stage, orthanc: str) -> None:
    before = stage.taken()
    ids = [post(f"{orthanc}/instances", content=tiny_dicom(number)).json()["ID"] for number in range(40, 45)]
    for _ in range(2):  # the second time everything is here already, and that is success
        sent = post(f"{orthanc}/dicom-web/servers/store/stow", json={"Resources": ids, "Synchronous": True})
        assert sent.status_code == 200, sent.text
    assert stage.taken() == before + 5


@pytest.mark.orthanc
def test_orthanc_searches_and_retrieves_a_release_and_a_stranger_gets_nothing(stage: Stage, orthanc: str) -> None:
    found = post(
        f"{orthanc}/dicom-web/servers/read/qido", json={"Uri": "/studies", "Arguments": {"PatientID": "GD-0001"}}
    )
    assert found.status_code == 200, found.text
    study = found.json()[0]["0020000D"]["Value"]
    got = post(
        f"{orthanc}/dicom-web/servers/read/retrieve", json={"Resources": [{"Study": study}], "Synchronous": True}
    )
    assert got.status_code == 200, got.text
    held = httpx.get(f"{orthanc}/studies?expand", timeout=20).json()
    assert study in {one["MainDicomTags"]["StudyInstanceUID"] for one in held}
    assert post(f"{orthanc}/dicom-web/servers/stranger/qido", json={"Uri": "/studies"}).status_code >= 400


def test_dicomweb_client_stores_chunked_and_in_one_piece(stage: Stage) -> None:
    before = stage.taken()
    datasets = [dcmread(io.BytesIO(tiny_dicom(number))) for number in (60, 61)]
    large = dcmread(io.BytesIO(tiny_dicom(62)))
    large.Rows, large.Columns, large.PixelData = 300, 300, b"\1\2" * 90_000
    speaker = client(stage.store_url, stage.where["sender"])
    one = speaker.store_instances(datasets[:1])
    assert len(one.ReferencedSOPSequence) == 1 and "FailedSOPSequence" not in one
    several = speaker.store_instances([*datasets, large])
    assert [item.ReferencedSOPInstanceUID for item in several.ReferencedSOPSequence] == [
        dataset.SOPInstanceUID for dataset in (*datasets, large)
    ]
    hospital = client(f"{stage.portal.url}/dicomweb/hospitals/{stage.where['hospital']}", stage.where["sender"])
    assert (
        len(hospital.store_instances(datasets, study_instance_uid=datasets[0].StudyInstanceUID).FailedSOPSequence) == 1
    )
    assert stage.taken() == before + 3


def test_a_chunked_body_that_breaks_off_keeps_what_was_whole(stage: Stage) -> None:
    """Over the wire: the server hands an early end over, and half an instance is no instance."""
    before = stage.taken()
    head = f"POST /dicomweb/batches/{stage.where['batch']}/studies HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    secret = base64.b64encode(f"pacs:{stage.where['sender']}".encode()).decode()
    head += f"Authorization: Basic {secret}\r\nTransfer-Encoding: chunked\r\n"
    head += "Content-Type: multipart/related; type=application/dicom; boundary=bb\r\n\r\n"
    port = int(stage.portal.url.rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port), timeout=20) as raw:
        raw.sendall(head.encode())
        for part in (tiny_dicom(70), tiny_dicom(71)[:900]):
            piece = b"\r\n--bb\r\nContent-Type: application/dicom\r\n\r\n" + part
            raw.sendall(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
    until(lambda: stage.taken() > before, seconds=20, what="the whole instance to be taken")
    assert stage.taken() == before + 1


def test_dicomweb_client_searches_and_retrieves_a_release(stage: Stage) -> None:
    reader = client(stage.read_url, stage.where["reader"])
    studies = reader.search_for_studies()
    assert len(studies) == 3 and reader.search_for_studies(limit=1, offset=2) == studies[2:]
    uids = [
        tuple(one[tag]["Value"][0] for tag in ("0020000D", "0020000E", "00080018"))
        for one in reader.search_for_instances()
    ]
    compressed = uids[1]
    stored = reader.retrieve_instance(*compressed)
    assert stored.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.5"
    decoded = reader.retrieve_instance(*compressed, media_types=(("application/dicom", "1.2.840.10008.1.2.1"),))
    pixels = decoded.pixel_array
    frame = reader.retrieve_instance_frames(*compressed, frame_numbers=[1])[0]
    assert np.array_equal(np.frombuffer(frame, pixels.dtype).reshape(pixels.shape), pixels)
    metadata = reader.retrieve_series_metadata(*compressed[:2])[0]
    assert reader.retrieve_bulkdata(metadata["7FE00010"]["BulkDataURI"])[0] == frame
    assert reader.retrieve_instance_rendered(*compressed, media_types=("image/png",))[:4] == b"\x89PNG"
    assert reader.retrieve_instance_rendered(*compressed, media_types=("image/jpeg",))[:2] == b"\xff\xd8"
    assert len(reader.retrieve_study(compressed[0])) == 1
    assert len(list(reader.iter_series(*compressed[:2]))) == 1
    with pytest.raises(requests.HTTPError, match="404"):
        client(stage.read_url, stage.where["stranger"]).search_for_studies()


@pytest.mark.dcmtk
def test_dcmtk_echoes_and_stores_and_is_refused_under_another_name(stage: Stage, tmp_path: Path) -> None:
    before = stage.taken()
    files = [tmp_path / f"{number}.dcm" for number in (80, 81)]
    for path in files:
        path.write_bytes(tiny_dicom(int(path.stem)))
    there = ["127.0.0.1", str(stage.dimse)]

    def run(tool: str, *arguments: str) -> int:
        return subprocess.run([f"/usr/bin/{tool}", *arguments], capture_output=True, timeout=30).returncode

    assert run("echoscu", "-aec", "GETDATA", *there) == 0
    assert run("echoscu", "-aet", "STRANGER", "-aec", "GETDATA", *there) != 0
    assert run("storescu", "-aec", "GETDATA", *there, *map(str, files)) == 0
    assert run("storescu", "-aec", "OTHER", *there, str(files[0])) != 0
    assert stage.taken() == before + 2


def test_nothing_of_any_of_it_is_in_a_log(stage: Stage) -> None:
    entity = AE(ae_title="CANARYTITLE")
    entity.add_requested_context(Verification)
    assert entity.associate("127.0.0.1", stage.dimse, ae_title="GETDATA").is_rejected
    log = stage.portal.everything_logged()
    for secret in (b"CANARYTITLE", b"STORESCU", b"2.25.80", b"GD-00", stage.where["sender"].encode()):
        assert secret not in log


@pytest.mark.dcmtk
def test_the_listener_speaks_tls_to_holders_of_a_certificate_only(stage: Stage, tmp_path: Path) -> None:
    ours, theirs, strangers = (certificate(tmp_path, name) for name in ("listener", "pacs", "stranger"))
    env = {
        **stage.portal.env,
        "GETDATA_DICOM_TLS_CERTIFICATE": ours[0],
        "GETDATA_DICOM_TLS_KEY": ours[1],
        "GETDATA_DICOM_TLS_CLIENT_CA": theirs[0],
    }
    listener = subprocess.Popen(
        [sys.executable, "manage.py", "dicom_listener", "--port", "0"],
        cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert listener.stdout is not None
    try:
        port = listener.stdout.readline().split(":")[1].split()[0]
        stalled = socket.create_connection(("127.0.0.1", int(port)), timeout=20)

        def echo(*tls: str) -> int:
            command = ["/usr/bin/echoscu", *tls, "-to", "5", "-ta", "3", "-aec", "GETDATA", "127.0.0.1", port]
            return subprocess.run(command, capture_output=True, timeout=30).returncode

        assert echo("+tls", theirs[1], theirs[0], "+cf", ours[0]) == 0
        assert echo("+tls", strangers[1], strangers[0], "+cf", ours[0]) != 0
        assert echo() != 0
        stalled.close()
    finally:
        listener.send_signal(signal.SIGTERM)
        listener.wait(timeout=20)


def certificate(folder: Path, name: str) -> tuple[str, str]:
    """A self-signed certificate and its key, as PEM files."""
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / f"{name}.crt", folder / f"{name}.key"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return str(paths[0]), str(paths[1])
