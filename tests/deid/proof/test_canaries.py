"""Canaries: the search sees every place, the tally is honest, the choice and the planting are the same in every run."""

from __future__ import annotations

import io

import numpy as np
import pytest
from pydicom import dcmread

from deid import Context, Keyring, Outcome, Policy, Quarantined, Released, deidentify, load_policy
from deid.headers import clean as header_clean
from deid.outcome import AuditRecord
from deid.pixels.detector import Region
from deid.proof import CanaryOutcome, Measured, NotMeasured, canary_count, measure, run_canary
from deid.proof.canaries import choose
from deid.proof.identities import SCRIPTS, Draw, Forge
from deid.proof.search import Drawing, Planted, hidden_share, survives_in_bytes
from deid.text.vocabulary import radiology_words
from tests.deid.objects import CR, DX, SC, SECRET, BlindDetector, SilentReader, make_file, plain_chest

KEYS = Keyring(SECRET, "test")
RESEARCH = load_policy("cxr-research")
RECORD = AuditRecord("0", "t", "p/1", "", "k", "", 0)


def blind(data: bytes, policy: Policy, keyring: Keyring, context: Context) -> Outcome:
    """The real engine, whose detector sees nothing."""
    return deidentify(data, policy, keyring, context, detector=BlindDetector(), reader=SilentReader())


def idle(data: bytes, policy: Policy, keyring: Keyring, context: Context) -> Outcome:
    """An engine that does nothing at all."""
    return Released(data, RECORD)


def refusing(data: bytes, policy: Policy, keyring: Keyring, context: Context) -> Outcome:
    return Quarantined("text-left", RECORD)


def image(seed: int = 1, sop_class: str = CR, **header: object) -> bytes:
    return make_file(plain_chest(420, 400, seed=seed), sop_class, **header)


def canary(data: bytes, engine=blind, policy: str = "cxr-research", style: int = 0) -> CanaryOutcome:
    outcome = run_canary(data, load_policy(policy), KEYS, engine, style=style)
    assert outcome is not None
    return outcome


@pytest.mark.parametrize("style", range(9))
def test_of_an_engine_that_does_nothing_every_planted_value_is_missed(style: int) -> None:
    outcome = canary(image(style), idle, style=style)
    assert len(outcome.results) > 90
    assert [result[:2] for result in outcome.results if result[3]] == []


@pytest.mark.parametrize("policy", ["cxr-research", "safe-harbor", "limited-data-set"])
@pytest.mark.parametrize("sop_class", [CR, DX, SC])
def test_the_engine_removes_every_planted_value_from_headers_and_overlays(policy: str, sop_class: str) -> None:
    for style in range(3):
        outcome = canary(image(style, sop_class), policy=policy, style=3 * style)
        assert outcome.withheld == ""
        survived = [result[:2] for result in outcome.results if not result[3] and result[0] != "pixels"]
        assert survived == []


def test_text_that_a_blind_detector_leaves_is_missed_and_counted_by_size_and_style() -> None:
    measured = measure([canary(image())])
    assert isinstance(measured, Measured)
    planted, removed = measured.kinds["pixels"]
    assert planted >= 6 and removed == 0 and measured.missed == planted
    by_size = [
        tally for (kind, place), tally in measured.places.items() if kind == "pixels" and place.startswith("size:")
    ]
    assert sum(tally[0] for tally in by_size) == planted
    section = measured.as_dict()
    pixels = next(entry for entry in section["by_kind"] if entry["kind"] == "pixels")
    assert pixels["recall_percent"] == "0.00" and pixels["wilson_95"][0] == "0.00"


def test_masked_text_counts_as_removed() -> None:
    class Everywhere:
        name = "everywhere"

        def find(self, image, near=None):  # type: ignore[no-untyped-def]
            if near is not None:
                return []
            half = image.shape[0] // 2 - 30
            return [Region(0, 0, image.shape[1], half, 1.0)]

    def engine(data: bytes, policy: Policy, keyring: Keyring, context: Context) -> Outcome:
        return deidentify(data, policy, keyring, context, detector=Everywhere(), reader=SilentReader())

    measured = measure([canary(image(seed), engine) for seed in range(3)])
    assert isinstance(measured, Measured)
    planted, removed = measured.kinds["pixels"]
    assert 0 < removed < planted, "strings in the upper half are masked, those in the lower half are not"


def test_a_cleaner_that_lets_text_through_is_caught_with_the_place_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(header_clean, "clean_text", lambda text, identifiers, **options: text)
    outcome = canary(image())
    if outcome.withheld:
        assert outcome.withheld == "identifier-left"
        return
    assert ("text", "StudyDescription") in {result[:2] for result in outcome.results if not result[3]}


def test_values_in_withheld_copies_count_neither_as_removed_nor_as_missed() -> None:
    measured = measure([canary(image(), refusing), canary(image(2))])
    assert isinstance(measured, Measured)
    section = measured.as_dict()
    assert section["copies"] == 2 and section["copies_withheld"] == 1
    assert section["withheld_reasons"] == {"text-left": 1} and section["values_in_withheld_copies"] > 90
    assert all(entry["planted"] < 100 for entry in section["by_kind"])


def test_nothing_to_copy_is_not_measured_rather_than_perfect() -> None:
    measured = measure([None, None])
    assert isinstance(measured, NotMeasured) and measured.as_dict()["measured"] is False and measured.reason


def test_the_same_image_and_key_are_planted_the_same_and_another_key_otherwise() -> None:
    copies: list[bytes] = []

    def keep(data: bytes, policy: Policy, keyring: Keyring, context: Context) -> Outcome:
        copies.append(data)
        return refusing(data, policy, keyring, context)

    for keyring in (KEYS, KEYS, Keyring(b"another secret of 32 bytes or so", "other")):
        run_canary(image(), RESEARCH, keyring, keep)
    assert copies[0] == copies[1] != copies[2]


def test_a_copy_is_a_file_that_others_can_read_and_keeps_the_image_where_nothing_was_drawn() -> None:
    copies: list[bytes] = []

    def keep(data: bytes, policy: Policy, keyring: Keyring, context: Context) -> Outcome:
        copies.append(data)
        return idle(data, policy, keyring, context)

    data = image()
    for style in range(9):
        run_canary(data, RESEARCH, KEYS, keep, style=style)
    before = dcmread(io.BytesIO(data)).pixel_array
    for copy in copies:
        ds = dcmread(io.BytesIO(copy))
        assert ds.SOPInstanceUID.startswith("2.999.") and ds.PatientName
        same = (np.frombuffer(ds.PixelData, "<u2").reshape(before.shape) & 0x0FFF) == before
        assert 0.4 < same.mean() < 1


@pytest.mark.parametrize(
    "pixels",
    [
        np.repeat(plain_chest(300, 320)[None], 3, axis=0),
        np.repeat((plain_chest(300, 320) >> 4).astype(np.uint8)[..., None], 3, axis=2),
        (plain_chest(300, 320) >> 4).astype(np.uint8),
        (plain_chest(300, 320).astype(np.int32) - 1000).astype(np.int16),
        plain_chest(40, 36),
    ],
    ids=["three frames", "colour", "8 bits", "signed", "tiny"],
)
def test_every_kind_of_image_can_be_planted_and_is_searched(pixels: np.ndarray) -> None:
    sop_class = SC if pixels.ndim == 3 else CR
    if pixels.ndim == 3 and pixels.shape[-1] != 3:
        sop_class = "1.2.840.10008.5.1.4.1.1.7.3"
    data = make_file(pixels, sop_class)
    assert [result[:2] for result in canary(data, idle).results if result[3]] == []
    outcome = canary(data)
    assert outcome.withheld == "", outcome.withheld
    assert [result[:2] for result in outcome.results if not result[3] and result[0] != "pixels"] == []


def test_what_cannot_be_read_is_not_planted() -> None:
    assert run_canary(b"no dicom at all" * 20, RESEARCH, KEYS, idle) is None


@pytest.mark.parametrize(
    ("released", "wanted", "count"), [(0, None, 0), (3, None, 3), (100, None, 5), (400, None, 12), (90_000, None, 60),
                                      (10, 0, 0), (10, 4, 4), (3, 9, 3)]
)  # fmt: skip
def test_the_number_of_copies_follows_the_batch_and_the_option(released: int, wanted: int | None, count: int) -> None:
    assert canary_count(released, wanted) == count


def test_the_choice_is_the_same_in_every_run_and_depends_on_the_key() -> None:
    digests = [f"{n:064x}" for n in range(200)]
    assert choose(digests, KEYS, 6) == choose(digests, KEYS, 6)
    assert choose(digests, KEYS, 6) != choose(digests, Keyring(b"another secret of 32 bytes or so"), 6)


def test_synthetic_names_are_no_words_of_radiology_and_nothing_that_the_image_holds() -> None:
    forge = Forge(Draw(KEYS, "seed"), lambda token: token.startswith("Z"))
    words = [forge.word() for _ in range(300)]
    assert len(set(words)) == 300 and not any(word.startswith("Z") for word in words)
    assert not {word.lower() for word in words} & radiology_words()
    years = [forge.date()[:4] for _ in range(15)]
    assert len(set(years)) == 15
    for script in SCRIPTS:
        assert not forge.scripted(script).isascii()


def test_a_forge_with_nothing_left_says_so_instead_of_planting_a_real_value() -> None:
    with pytest.raises(RuntimeError):
        Forge(Draw(KEYS, "seed"), lambda token: True).word()


@pytest.mark.parametrize(
    ("needle", "there"),
    [
        ("Zhuaquor", "xx Zhuaquor yy"), ("Zhuaquor", "ZHUAQUOR"), ("Zhüaquor", "zhuaquor"),
        ("123-456-789", "ID123456789"), ("0012345678", "12345678"), ("(212) 555-0123", "(212)555-0123"),
        ("19040731", "31.07.1904"), ("19040731", "1904-07-31"),
    ],
)  # fmt: skip
def test_the_search_finds_a_value_in_each_spelling(needle: str, there: str) -> None:
    assert survives_in_bytes(Planted("headers", "x", (needle,)), there.encode(), b"", ())
    assert survives_in_bytes(Planted("headers", "x", (needle,)), there.encode("utf-16-le"), b"", ())
    assert not survives_in_bytes(Planted("headers", "x", (needle,)), b"nothing of the kind", b"", ())


def test_the_share_of_hidden_glyph_pixels_is_told_apart_from_a_fill_that_equals_the_ink() -> None:
    before = plain_chest(80, 120)[None].copy()
    glyphs = np.zeros((20, 40), dtype=bool)
    glyphs[:, ::8] = glyphs[:, 1::8] = True
    window = before[0, 30:50, 40:80]
    window[glyphs] = 4000
    drawing = Drawing(0, 40, 30, glyphs, 2)
    assert hidden_share(drawing, before, before) == 0
    after = before.copy()
    after[0, 20:60, 30:90] = 4000  # the fill happens to be the ink
    assert hidden_share(drawing, before, after) == 1
    after = before.copy()
    after[0, 20:60, 30:60] = 77
    assert 0.4 < hidden_share(drawing, before, after) < 0.7
