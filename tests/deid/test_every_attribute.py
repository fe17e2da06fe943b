"""A canary in every text attribute that PS3.6 knows, at the top, nested and in private elements: none comes out."""

from __future__ import annotations

import warnings

import pytest
from pydicom.datadict import DicomDictionary, keyword_for_tag
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from tests.deid.objects import make_dataset, plain_chest, released, to_bytes

_NEEDED = {
    "SpecificCharacterSet", "SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "Modality",
    "PhotometricInterpretation", "BodyPartExamined", "NumberOfFrames", "ConversionType", "PatientName",
}  # fmt: skip
_VALUES = {
    "CS": "{0}", "LO": "CHEST {0}", "SH": "{0}", "ST": "see {0}", "LT": "see {0}", "UT": "see {0}", "UC": "{0} x",
    "PN": "{0}^A", "AE": "{0}", "UR": "http://{0}.org/x",
}  # fmt: skip


def stuffed(word: str) -> Dataset:
    """Every text attribute of PS3.6 holding the word."""
    ds = Dataset()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for tag, (vr, *_rest) in DicomDictionary.items():
            group = tag >> 16
            if vr in _VALUES and group >= 0x0008 and group != 0x7FE0 and keyword_for_tag(tag) not in _NEEDED:
                ds.add_new(tag, vr, _VALUES[vr].format(word.upper() if vr in ("CS", "AE") else word))
    return ds


@pytest.mark.parametrize("word", ["Featherstone", "Zzyzxqua"])
@pytest.mark.parametrize("policy", ["cxr-research", "safe-harbor", "limited-data-set"])
def test_no_text_attribute_of_the_standard_carries_a_known_or_an_unknown_name_out(word: str, policy: str) -> None:
    ds = make_dataset(plain_chest(32, 24))
    nested = stuffed(word)
    assert len(nested) > 1500
    for element in stuffed(word):
        ds.add(element)
    ds.AnatomicRegionSequence = Sequence([nested])
    block = ds.private_block(0x0019, "GEMS_ACQU_01", create=True)
    block.add_new(0x23, "LO", word)
    _, outcome = released(to_bytes(ds), policy=policy)
    assert word.lower().encode() not in outcome.data.lower()
