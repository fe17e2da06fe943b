"""A small server that answers as the portal does for one release, and misbehaves as it is told."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

RELEASE = "11111111-2222-4333-8444-555555555555"
TOKEN = "gd_" + "t" * 43


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def bag(payload: dict[str, bytes]) -> dict[str, bytes]:
    """Path -> bytes of a whole BagIt bag around the payload (paths below ``data/``)."""
    files = {f"data/{path}": data for path, data in payload.items()}
    size = sum(map(len, files.values()))
    tags = {
        "bagit.txt": b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n",
        "bag-info.txt": f"Payload-Oxum: {size}.{len(files)}\n".encode(),
        "manifest-sha256.txt": "".join(f"{sha256(data)}  {path}\n" for path, data in sorted(files.items())).encode(),
    }
    tags["tagmanifest-sha256.txt"] = "".join(
        f"{sha256(data)}  {path}\n" for path, data in sorted(tags.items())
    ).encode()
    return {**files, **tags}


def small_release() -> dict[str, bytes]:
    """Four images of two views as DICOM and PNG, their tables, one fold, a read-me."""
    ids = ["1.2.1", "1.2.2", "1.2.3", "1.2.4"]
    views = ["PA", "PA", "AP", "AP"]
    images = "image_id,path,view\n" + "".join(
        f"{key},dicom/p/s/{key}.dcm,{view}\n" for key, view in zip(ids, views, strict=True)
    )
    labels = "image_id,path,finding,state,key\n"
    for key, state in zip(ids, ["present", "absent", "likely", "possible"], strict=True):
        labels += f"{key},dicom/p/s/{key}.dcm,Pleural effusion,{state},pleural-effusion\n"
    splits = "image_id,fold,role\n" + "".join(
        f"{key},test_site-01,{role}\n" for key, role in zip(ids, ["test", "train", "train", "left_out"], strict=True)
    )
    payload = {
        "README.md": b"# A release\n",
        "metadata/images.csv": images.encode(),
        "metadata/labels.csv": labels.encode(),
        "splits/leave_one_site_out.csv": splits.encode(),
    }
    for number, key in enumerate(ids):
        payload[f"dicom/p/s/{key}.dcm"] = bytes([number]) * (40_000 + number)
        payload[f"png16/p/s/{key}.png"] = bytes([number + 9]) * 3_000
        payload[f"seg/{key}.dcm"] = bytes([number + 90]) * 500
    return bag(payload)


@dataclass
class Portal:
    """The server's mood. Paths are those in the bag."""

    files: dict[str, bytes]
    url: str = ""
    flip: Counter[str] = field(default_factory=Counter)  # how often still to send the path with a flipped byte
    cut: Counter[str] = field(default_factory=Counter)  # how often still to cut the connection in the middle of it
    stall: threading.Event | None = None  # after half of each image: wait until it is set, then hang up
    busy: list[int] = field(default_factory=list)  # statuses to answer first, each with Retry-After: 0
    refuse_after: int = 10**9  # so many files, then the access is revoked
    sent: Counter[str] = field(default_factory=Counter)  # bytes of each path that left
    asked: list[tuple[str, str]] = field(default_factory=list)  # (path, Range)
    sessions: set[str] = field(default_factory=set)


@contextmanager
def serving(files: dict[str, bytes]) -> Iterator[Portal]:
    """The server on a port of its own."""
    portal = Portal(files)
    handler = type("Handler", (_Handler,), {"portal": portal})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    portal.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield portal
    finally:
        if portal.stall is not None:
            portal.stall.set()
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    portal: Portal
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        root = f"/api/v1/releases/{RELEASE}/files/"
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._problem(401, "not_authenticated", "This token is unknown.")
        elif self.portal.busy:
            self._problem(self.portal.busy.pop(0), "throttled", "Too many calls.")
        elif url.path == root:
            self._list(int(parse_qs(url.query).get("page", ["1"])[0]))
        elif (path := unquote(url.path.removeprefix(root))) in self.portal.files:
            self._file(path)
        else:
            self._problem(404, "not_found", "Not found.")

    def _problem(self, status: int, code: str, detail: str) -> None:
        self._send(
            status, json.dumps({"code": code, "detail": detail, "remedy": "Ask."}).encode(), {"Retry-After": "0"}
        )

    def _list(self, page: int) -> None:
        rows = [{"path": path, "size": len(data), "sha256": sha256(data)} for path, data in self.portal.files.items()]
        more = (
            f"{self.portal.url}/api/v1/releases/{RELEASE}/files/?page={page + 1}&page_size=8"
            if rows[page * 8 :]
            else None
        )
        body = {"count": len(rows), "next": more, "previous": None, "results": rows[page * 8 - 8 : page * 8]}
        self._send(200, json.dumps(body).encode(), {"Content-Type": "application/json"})

    def _file(self, path: str) -> None:
        portal, data = self.portal, self.portal.files[path]
        portal.sessions.add(self.headers.get("GetDATA-Session", ""))
        portal.asked.append((path, self.headers.get("Range", "")))
        if len(portal.asked) > portal.refuse_after:
            self._problem(409, "grant_revoked", "The access was revoked: a breach.")
            return
        asked = re.match(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(asked[1]) if asked and self.headers.get("If-Range", "") == f'"{sha256(data)}"' else 0
        if portal.flip[path] > 0:
            portal.flip[path] -= 1
            data = data[:-1] + bytes([data[-1] ^ 1])
        half = start + (len(data) - start) // 2
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(data) - start))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.end_headers()
        self._write(path, data[start:half])
        if portal.stall is not None and path.startswith("data/dicom/"):
            portal.stall.wait(30)
            self.close_connection = True
            return
        if portal.cut[path] > 0:
            portal.cut[path] -= 1
            self.close_connection = True
            self.connection.close()
            return
        self._write(path, data[half:])

    def _write(self, path: str, data: bytes) -> None:
        try:
            self.wfile.write(data)
            self.wfile.flush()
        except OSError:
            self.close_connection = True
            return
        self.portal.sent[path] += len(data)

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
