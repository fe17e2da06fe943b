"""Hostile files that are no DICOM: tables, label files, pictures, documents, programs. Makers by file name."""

from __future__ import annotations

import gzip
import io
import struct
import zlib
from collections.abc import Callable, Mapping

import numpy as np
from PIL import Image

Maker = Callable[[], bytes]
_EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE" + b"!$H+H*"


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_bomb(side: int = 60_000, *, text: bool = False) -> bytes:
    """A PNG that says ``side`` squared pixels in a few kilobytes; ``text``: with a text chunk that inflates without end."""
    head = struct.pack(">II", side, side) + b"\x08\0\0\0\0"
    packed = zlib.compress(b"\0" * 30_000_000, 9)
    extra = _chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"\0" * 200_000_000, 9)) if text else b""
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + extra + _chunk(b"IDAT", packed) + _chunk(b"IEND", b"")


def _jpeg(size: tuple[int, int] = (48, 40)) -> bytes:
    out = io.BytesIO()
    Image.fromarray(np.zeros(size, np.uint8)).save(out, "JPEG")
    return out.getvalue()


def _jpeg_says(rows: int, columns: int) -> bytes:
    code = _jpeg()
    at = code.index(b"\xff\xc0")
    return code[: at + 5] + struct.pack(">HH", rows, columns) + code[at + 9 :]


def _picture(kind: str) -> bytes:
    out = io.BytesIO()
    Image.fromarray(np.zeros((40, 40), np.uint8)).save(out, kind)
    return out.getvalue()


def _nifti(dims: tuple[int, ...]) -> bytes:
    head = bytearray(352)
    head[:4] = struct.pack("<i", 348)
    head[40:56] = struct.pack("<8h", len(dims), *dims, *[1] * (7 - len(dims)))
    head[70:74] = struct.pack("<2h", 16, 32)
    head[108:112] = struct.pack("<f", 352.0)
    head[344:348] = b"n+1\0"
    return bytes(head)


_LAUGHS = (
    b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x0 "ha">'
    + b"".join(b'<!ENTITY x%d "%s">' % (n, b"&x%d;" % (n - 1) * 10) for n in range(1, 12))
    + b"]><annotation><filename>&x11;</filename></annotation>"
)
_COCO = (
    b'{"images":[{"id":1,"file_name":"a.dcm","width":60000,"height":60000}],"categories":[{"id":1,"name":"Edema"}],'
    b'"annotations":[{"id":1,"image_id":1,"category_id":1,'
)
_LONG = b"file,finding,state\n"


def table_animals() -> Mapping[str, Maker]:
    """Makers by file name."""
    return {
        "labels-of-one-field.csv": lambda: _LONG + b'"' + b"x" * 20_000_000,
        "labels-200000-columns.csv": lambda: b"file,finding,state," + b"c," * 200_000 + b"\n" + b"1," * 200_000,
        "labels-400000-rows.csv": lambda: _LONG + b"a.dcm,Edema,present\n" * 400_000,
        "labels-nul.csv": lambda: _LONG + b"a\0b,Edema,present\n" * 100,
        "labels-utf16.csv": lambda: "file,finding,state\na,Edema,present\n".encode("utf-16"),
        "labels-formulas.csv": lambda: _LONG + b"=cmd|' /C calc'!A0,Edema,present\n",
        "labels-numbers.csv": lambda: (
            b"file,finding,state,x,y,width,height\na.dcm,Edema,present,nan,-1e308,inf,1e999\n" * 3
        ),
        "labels-gzip-bomb.csv.gz": lambda: gzip.compress(_LONG + b"a.dcm,Edema,present\n" * 3_000_000, 6),
        "coco-deep.json": lambda: b'{"annotations":' + b"[" * 200_000,
        "coco-dicts-deep.json": lambda: b'{"images":' + b'{"a":' * 100_000,
        "coco-numbers.json": lambda: b'{"images":[],"annotations":[{"id":' + b"9" * 100_000 + b"}]}",
        "coco-polygon-500000.json": lambda: _COCO + b'"segmentation":[[' + b"1," * 500_000 + b"1]]}]}",
        "coco-rle-lies.json": lambda: (
            _COCO + b'"iscrowd":1,"segmentation":{"size":[60000,60000],"counts":[0,3600000000]}}]}'
        ),
        "voc-billion-laughs.xml": lambda: _LAUGHS,
        "voc-external.xml": lambda: (
            b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><annotation><filename>&x;</filename></annotation>'
        ),
        "voc-deep.xml": lambda: b"<annotation>" + b"<object>" * 300_000,
        "yolo-300000.txt": lambda: b"0 0.5 0.5 0.1 0.1\n" * 300_000,
        "parquet-lies.parquet": lambda: b"PAR1" + b"\xff" * 4000 + struct.pack("<I", 0x7FFFFFFF) + b"PAR1",
        "nifti-lies.nii": lambda: _nifti((32767, 32767, 32767)),
        "nifti-bomb.nii.gz": lambda: gzip.compress(_nifti((30000, 30000, 1)) + b"\0" * 100_000_000, 6),
        "siim-runs.csv": lambda: b"ImageId,EncodedPixels\na," + b"1 1 " * 500_000 + b"\n",
        "mask-bomb__Edema.png": png_bomb,
        "mask-text-bomb__Edema.png": lambda: png_bomb(50, text=True),
        "reports-deep.jsonl": lambda: b'{"study_uid": "1.2.3", "text": "x", "more": ' + b"[" * 100_000 + b"\n",
        "reports-of-one-field.csv": lambda: b'study_uid,report_text\n1.2.3,"' + b"effusion " * 2_000_000,
        "reports-60000.csv": lambda: (
            b"accession_number,text\n" + b"".join(b"%d,No effusion.\n" % n for n in range(60_000))
        ),
        "report-not-utf8.txt": lambda: b"Chest radiograph: pleural effusion \xff\xfe\x80 atelectasis " * 200,
        "pictures-twice.csv": lambda: b"file,patient_id,study_id\n" + b"a.png,P,S\n" * 50_000,
        "picture-bomb.png": png_bomb,
        "picture-text-bomb.png": lambda: png_bomb(50, text=True),
        "picture-says-65500.jpg": lambda: _jpeg_says(65_500, 65_500),
        "picture-cut.jpg": lambda: _jpeg()[:200],
        "picture.bmp": lambda: _picture("BMP"),
        "picture.gif": lambda: _picture("GIF"),
        "picture.tif": lambda: _picture("TIFF"),
        "picture.svg": lambda: b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        "image-is-svg.dcm": lambda: b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        "page.html": lambda: b"<!DOCTYPE html><script>alert(1)</script>",
        "page-in-front.dcm": lambda: b"<html><script>alert(1)</script></html>".ljust(4000, b" "),
        "viewer.exe": lambda: b"MZ\x90\0" + b"\0" * 4000,
        "program.dcm": lambda: b"MZ\x90\0" + b"\0" * 4000,
        "elf-program": lambda: b"\x7fELF\x02\x01\x01" + b"\0" * 4000,
        "mach-o-program": lambda: b"\xcf\xfa\xed\xfe" + b"\0" * 4000,
        "script.sh": lambda: b"#!/bin/sh\nrm -rf /\n",
        "script-without-ending": lambda: b"#!/bin/sh\nrm -rf /\n",
        "document.docx": lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 4000,
        "document.pdf": lambda: b"%PDF-1.7\n" + b"/JavaScript " * 100,
        "eicar.com": lambda: _EICAR,
        "eicar.dcm": lambda: _EICAR,
        "hl7.txt": lambda: b"MSH|^~\\&|RIS|HOSP|||20240101||ORU^R01|1|P|2.3\rPID|||7||SMITH^JANE\r",
        "dicom.json": lambda: b'{"00080018": {"vr": "UI", "Value": ["1.2.3"]}}',
        "random-bytes": lambda: np.random.default_rng(3).integers(0, 256, 100_000).astype(np.uint8).tobytes(),
        "one-byte": lambda: b"D",
        "spaces.dcm": lambda: b" " * 1_000_000,
    }
