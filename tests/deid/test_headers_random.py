"""Random nested data sets with planted names: never a leak, always readable or a reason, the same bytes twice."""

from __future__ import annotations

import io
import warnings
from contextlib import suppress

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.datadict import DicomDictionary
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from deid import REASONS, Quarantined
from deid.headers.codes import clean_code
from deid.headers.terms import defined_term
from deid.text.identifiers import Identifiers
from tests.deid.objects import clean, make_dataset, plain_chest, to_bytes

CANARY = "Zymurgent"
_FIXED = {0x00080005, 0x00080016, 0x00080018, 0x0020000D, 0x0020000E, 0x00080060, 0x00100010, 0x00100020}
_TAGS = sorted(
    tag for tag in DicomDictionary if 0x0008 <= tag >> 16 < 0x7F00 and tag >> 16 != 0x0028 and tag not in _FIXED
)
_SEQUENCES = [tag for tag in _TAGS if DicomDictionary[tag][0] == "SQ"]
_PLAIN = [tag for tag in _TAGS if DicomDictionary[tag][0] != "SQ" and (tag & 0xFFFF)]
_TEXTS = st.sampled_from(
    [
        CANARY,
        CANARY.upper(),
        f"chest {CANARY}",
        f"{CANARY}^A=山田",
        f"x_{CANARY}.jpg",
        f"Dr {CANARY}, PA",
        "",
        " ",
        "CHEST",
        "é" * 9,
    ]
)


def _value(vr: str, draw: st.DrawFn) -> object:
    if vr in ("US", "SS", "UL", "SL", "SV", "UV"):
        return draw(st.integers(0, 30000))
    if vr in ("FL", "FD"):
        return draw(st.floats(-1e6, 1e6, width=32))
    if vr == "AT":
        return 0x00100010
    if vr in ("OB", "OW", "UN", "OF", "OD", "OL", "OV"):
        return CANARY.encode().ljust(16, b" ")
    if vr in ("DA", "DT", "TM", "AS", "DS", "IS", "UI"):
        odd = [
            "20240101",
            "1999",
            "20240101-20240202",
            "101010.5",
            "044Y",
            "1.5",
            "12",
            "1.2.3.4",
            "",
            CANARY[:8],
            "99999999",
        ]
        return draw(st.sampled_from(odd))
    return draw(_TEXTS)


@st.composite
def datasets(draw: st.DrawFn, depth: int = 0) -> Dataset:
    ds = Dataset()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for tag in draw(st.lists(st.sampled_from(_PLAIN), max_size=8, unique=True)):
            vr = draw(st.sampled_from([DicomDictionary[tag][0].split(" ")[0]] * 4 + ["LO", "UN", "ST"]))
            value = _value(vr, draw)
            with suppress(ValueError, TypeError, AttributeError, OverflowError):  # pydicom refuses some values outright
                ds.add_new(tag, vr, value.encode() if vr == "UN" and isinstance(value, str) else value)
        for group in draw(st.lists(st.sampled_from([0x0009, 0x0019, 0x0029, 0x0045]), max_size=2, unique=True)):
            creator = draw(st.sampled_from([CANARY, "GEMS_ACQU_01", "SIEMENS CSA HEADER", "GEMS_HELIOS_01"]))
            ds.add_new(group << 16 | 0x0011, "LO", creator)
            private_vr = draw(st.sampled_from(["LO", "DS", "UT"]))
            ds.add_new(
                group << 16 | 0x1123,
                private_vr,
                "1.5" if private_vr == "DS" else draw(st.sampled_from([CANARY, "1.5"])),
            )
        if depth < 3:
            for tag in draw(st.lists(st.sampled_from(_SEQUENCES), max_size=2, unique=True)):
                ds.add_new(tag, "SQ", Sequence(draw(st.lists(datasets(depth=depth + 1), max_size=2))))
    return ds


@settings(
    max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.explicit, Phase.generate]
)
@given(datasets(), st.booleans(), st.booleans())
def test_no_random_data_set_leaks_and_every_outcome_is_readable_or_a_reason(
    extra: Dataset, implicit: bool, named: bool
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ds = make_dataset(plain_chest(24, 20), SpecificCharacterSet="ISO_IR 192")
        ds.PatientName = f"{CANARY}^Q" if named else "Someone^Else"
        for element in extra:
            ds.add(element)
        ds.BodyPartExamined = "CHEST"
        try:
            data = to_bytes(ds, ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian)
        except (ValueError, TypeError, AttributeError, OverflowError, OSError):
            return  # pydicom itself refuses to write the combination
    outcome = clean(data)
    assert clean(data) == outcome
    if isinstance(outcome, Quarantined):
        assert outcome.reason in REASONS and outcome.reason != "engine-error", outcome.record.detail
        assert CANARY not in str(outcome.record.as_dict())
        return
    assert CANARY.lower().encode() not in outcome.data.lower()
    read = dcmread(io.BytesIO(outcome.data))
    assert len(list(read.iterall())) > 20


@given(st.text(max_size=20), st.text(max_size=20), st.text(max_size=20))
def test_a_coded_entry_never_carries_a_value_out_that_nobody_listed(scheme: str, value: str, meaning: str) -> None:
    found = clean_code(scheme, value, meaning, Identifiers(), lambda text: "", lambda text: "KEYED")
    assert found is None or defined_term(0x00080102, found[0]) or found[0].strip().upper() in (
        "SCT", "SRT", "SNM3", "99SDM", "DCM", "LN", "UCUM", "RADLEX", "UMLS", "FMA", "I10", "I9C", "SNOMED", "SNM",
    )  # fmt: skip


def test_listed_codes_stay_and_local_ones_become_stand_ins() -> None:
    identifiers = Identifiers()
    identifiers.add_name("Featherstone^W")
    identifiers.add_number("719830041")

    def code(scheme: str, value: str, meaning: str) -> tuple[str, str, str] | None:
        from deid.text.clean import clean_text

        return clean_code(
            scheme, value, meaning, identifiers, lambda text: clean_text(text, identifiers), lambda text: "KEYED"
        )

    assert code("SCT", "399348003", "antero-posterior") == ("SCT", "399348003", "antero-posterior")
    assert code("SCT", "399348003", "antero-posterior Featherstone") == ("SCT", "399348003", "antero-posterior")
    assert code("SRT", "T-D3000", "Chest") == ("SRT", "T-D3000", "Chest")
    assert code("LN", "36572-6", "XR chest AP") == ("LN", "36572-6", "XR chest AP")
    assert code("99HOSP", "71829304", "XR chest Featherstone") == ("99LOCAL", "KEYED", "XR chest")
    assert code("99HOSP", "71829304", "Featherstone") is None
    assert code("SCT", "71829304", "Featherstone") is None
