"""The engine: bytes, policy and keys in; a cleaned object or a reason out. No network, no clock, no global state."""

from __future__ import annotations

import hashlib
import struct

import numpy as np

from deid.acceptance import accept
from deid.beside import Beside
from deid.dicomfile.bare import as_part10
from deid.dicomfile.element import PIXEL_DATA, DataSet, Element, Encapsulated
from deid.dicomfile.limits import DEFAULT_LIMITS, Limits
from deid.dicomfile.read import EXPLICIT_LE, NATIVE_SYNTAXES, DicomFile, read_file
from deid.dicomfile.write import write_file
from deid.headers.clean import HeaderCleaner, PatientKeys
from deid.headers.marks import put_marks
from deid.keyring import Keyring
from deid.outcome import AuditRecord, Context, Outcome, Quarantined, Refusal, Released
from deid.pixels.decode import DecodedPixels, Samples, decode_pixels, is_lossy
from deid.pixels.detector import TextDetector, TextReader
from deid.pixels.examine import Examination, examine
from deid.policy import Policy
from deid.profile.table import EDITION
from deid.text.identifiers import Identifiers, gather
from deid.verify import DateRule, PixelProof, pixel_sha256, verify_output

ENGINE_VERSION = "0.1.0"


def deidentify(
    data: bytes,
    policy: Policy,
    keyring: Keyring,
    context: Context | None = None,
    *,
    detector: TextDetector | None = None,
    reader: TextReader | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Outcome:
    """De-identify one DICOM file.

    Same inputs give the same bytes. Every refusal is a `Quarantined` value whose reason is a key of REASONS;
    no exception
    leaves this function for any content of `data`.
    """
    context = context or Context()
    record = AuditRecord(
        engine=ENGINE_VERSION,
        table=EDITION,
        policy=policy.label,
        policy_sha256=policy.sha256,
        key_id=keyring.key_id,
        input_sha256="",
        input_bytes=len(data),
    )
    with Beside(lambda: hashlib.sha256(data).hexdigest(), len(data)) as counted:
        outcome = _outcome(data, policy, keyring, context, record, detector, reader, limits)
        record.input_sha256 = counted.result()
    return outcome


def _outcome(
    data: bytes,
    policy: Policy,
    keyring: Keyring,
    context: Context,
    record: AuditRecord,
    detector: TextDetector | None,
    reader: TextReader | None,
    limits: Limits,
) -> Outcome:
    try:
        return _run(data, policy, keyring, context, record, detector, reader, limits)
    except Refusal as refusal:
        record.masks = list(refusal.facts.get("boxes", ()))  # where it stands, for whoever must look
        return _withhold(record, refusal.code, refusal.detail)
    except RecursionError as problem:
        return _withhold(record, "malformed", type(problem).__name__)
    except (
        Exception
    ) as problem:  # a bug here must withhold the file, not lose it; the type alone is told, never the text
        if _out_of_memory(problem):
            return _withhold(record, "memory-limit", "")
        return _withhold(record, "engine-error", f"{type(problem).__name__} in {_place(problem)}")


def _withhold(record: AuditRecord, code: str, detail: str) -> Quarantined:
    record.decision, record.reason, record.detail = "withheld", code, detail
    return Quarantined(code, record)


def _out_of_memory(problem: BaseException) -> bool:
    """Whether an error says that memory ran out: OpenCV and ONNX Runtime have types of their own for it."""
    if isinstance(problem, MemoryError):
        return True
    library = type(problem).__module__.partition(".")[0]
    return library in ("cv2", "onnxruntime") and "alloc" in str(problem).lower()


def _place(problem: BaseException) -> str:
    """Module and line of our own code where an unexpected error arose."""
    place, trace = "engine", problem.__traceback__
    while trace is not None:
        name = str(trace.tb_frame.f_globals.get("__name__", ""))
        if name.startswith("deid"):
            place = f"{name}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place


def _run(
    data: bytes,
    policy: Policy,
    keyring: Keyring,
    context: Context,
    record: AuditRecord,
    detector: TextDetector | None,
    reader: TextReader | None,
    limits: Limits,
) -> Released:
    data = as_part10(data)
    file = read_file(data, limits)
    record.transfer_syntax_in = file.syntax
    accept(file)
    burned = file.dataset.ascii(0x00280301).upper()
    record.burned_in_declared = {"YES": "yes", "NO": "no"}.get(burned, "absent")
    identifiers = gather(file.dataset, context.known_identifiers)
    pixels = decode_pixels(file.dataset, file.syntax, limits)
    with Beside(lambda: pixel_sha256(pixels.values), pixels.values.nbytes) as counted:
        try:
            detector, reader = detector or _shipped_detector(), reader or _shipped_reader()
            record.detector = detector.name
            record.device, record.rows, record.columns = _device(file, keyring), pixels.form.rows, pixels.form.columns
            found = examine(pixels, identifiers, detector, reader, context.zones, cleared=context.cleared)
            record.masks, record.hints = list(found.masks), list(found.hints)
            record.markers_kept, record.review = found.markers_kept, found.review
            output, shift = _rebuild(file, pixels, found, identifiers, policy, keyring, context.patient, record)
        finally:
            record.pixel_sha256_in = counted.result()
    unchanged = found.values is pixels.values
    record.pixel_sha256_out = record.pixel_sha256_in if unchanged else pixel_sha256(found.values)
    with Beside(lambda: hashlib.sha256(output).hexdigest(), len(output)) as counted:
        record.verified = verify_output(
            output,
            data,
            PixelProof(pixels.values, found.values, record.masks),
            DateRule(policy.date_mode, shift),
            context.known_identifiers,
        )
        record.decision = "released"
        record.output_sha256 = counted.result()
    record.output_bytes = len(output)
    return Released(output, record, tuple(found.masks), found.review)


def _rebuild(
    file: DicomFile,
    pixels: DecodedPixels,
    found: Examination,
    identifiers: Identifiers,
    policy: Policy,
    keyring: Keyring,
    patient: str,
    record: AuditRecord,
) -> tuple[bytes, int]:
    """(the cleaned file, days by which its dates moved back). patient: the patient's key where the caller knows it."""
    patient_key = patient or _patient_key(file, keyring)
    shift = keyring.shift_days(patient_key, maximum_days=policy.maximum_days, multiple_of=policy.multiple_of)
    cleaner = HeaderCleaner(policy, keyring, identifiers, PatientKeys(keyring.pseudonym(patient_key), shift), record)
    cleaned = cleaner.clean(file.dataset)
    put_marks(cleaned, policy, ENGINE_VERSION, EDITION, tuple(found.masks))
    record.transfer_syntax_out = _put_pixels(cleaned, file, pixels, found)
    record.pixel_passthrough = not found.masks and not pixels.needs_rewrite
    return write_file(cleaned, record.transfer_syntax_out), shift


def days_moved(data: bytes, policy: Policy, keyring: Keyring) -> int:
    """Days by which the dates of an original's patient go back under a policy: 0 where it does not shift dates.

    For what is said of the patient elsewhere, as in a report. Raises what reading a file raises.
    """
    if policy.date_mode != "shift":
        return 0
    patient_key = _patient_key(read_file(data, pixels=False), keyring)
    return keyring.shift_days(patient_key, maximum_days=policy.maximum_days, multiple_of=policy.multiple_of)


def _patient_key(file: DicomFile, keyring: Keyring) -> str:
    dataset = file.dataset
    return keyring.patient_key(
        _text(dataset, 0x00100020), _text(dataset, 0x00100021), fallback=dataset.ascii(0x0020000D)
    )


def _device(file: DicomFile, keyring: Keyring) -> str:
    """Which device made the image, as a keyed digest; empty when the header says nothing of it."""
    named = "\x1f".join(_text(file.dataset, tag) for tag in (0x00080070, 0x00081090, 0x00081010, 0x00181000))
    return keyring.digest("device", named).hex()[:16] if named.strip("\x1f") else ""


def _text(dataset: DataSet, tag: int) -> str:
    element = dataset.get(tag)
    return element.raw.decode("latin-1").strip(" \0") if element is not None else ""


def _put_pixels(cleaned: DataSet, file: DicomFile, pixels: DecodedPixels, found: Examination) -> str:
    """Pixel Data into the cleaned data set; returns the transfer syntax (DEID.md, section 7)."""
    element = file.dataset.elements[PIXEL_DATA]
    form = pixels.form
    rewrite = pixels.needs_rewrite or bool(found.masks)
    if is_lossy(file.syntax):
        cleaned.put(Element(0x00282110, "CS", b"01"))
    if isinstance(element.value, Encapsulated) and not rewrite:
        cleaned.put(Element(PIXEL_DATA, "OB", element.value))
        return file.syntax
    if file.syntax in NATIVE_SYNTAXES and not rewrite:
        raw = element.bulk[: form.frame_bytes * form.frames]
    else:
        raw = _native_bytes(found.values)
        if form.samples == 3:
            cleaned.put(Element(0x00280006, "US", struct.pack("<H", 0)))
            cleaned.put(Element(0x00280004, "CS", pixels.photometric.encode("ascii")))
    cleaned.put(Element(PIXEL_DATA, "OW" if form.bits_allocated == 16 else "OB", raw))
    return EXPLICIT_LE


def _native_bytes(values: Samples) -> memoryview:
    little = np.ascontiguousarray(values.astype(values.dtype.newbyteorder("<"), copy=False))
    return little.reshape(-1).view(np.uint8).data


def _shipped_detector() -> TextDetector:
    from deid.pixels.enlarged import Enlarged
    from deid.pixels.textnet import NetDetector

    return Enlarged(NetDetector())


def _shipped_reader() -> TextReader:
    from deid.pixels.reader import RapidReader

    return RapidReader()
