"""What the request asks of its labels decides what counts: marks, source, readers, settlement, reports."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fulfillment.conformance import ImageFacts, check_batch, check_labels, fill_quotas
from fulfillment.labels.methods import Method
from fulfillment.labels.statement import Statement
from requests_app.spec import DatasetSpec
from requests_app.taxonomy import LabelState
from tests.requests_app.spec.builders import complete

pytestmark = pytest.mark.pure


def asking(policy: dict[str, Any] | None = None, **line: Any) -> DatasetSpec:
    return complete(
        labels={
            "taxonomy": "getdata-cxr",
            "uncertainty": policy or {},
            "findings": [{"finding": "Pneumothorax", "min_positive": 1, "min_negative": 1, **line}],
        }
    )


def said(state: str = "present", shapes: str = "", **how: Any) -> Statement:
    return Statement(LabelState(state), shapes=frozenset(shapes.split()), **how)


def counts(spec: DatasetSpec, *statements: Statement) -> tuple[int, int]:
    """Images counted with the finding and without it, for one image with these statements."""
    image = ImageFacts(patient="P").with_context(statements={"Pneumothorax": statements})
    lines = {line.check_id: line.received for line in fill_quotas([image], spec)}
    return lines["label.pneumothorax.present"], lines["label.pneumothorax.absent"]


def lacks(spec: DatasetSpec, *statements: Statement) -> str:
    image = ImageFacts(patient="P").with_context(statements={"Pneumothorax": statements})
    (one,) = check_labels(image, spec) or [None]
    many = [f for f in check_batch([image, image], spec) if f.code.startswith("LABEL_")]
    assert [f.code for f in many] == ([one.code] if one else [])
    assert all(f.message.startswith("2 images ") and f.remedy for f in many)
    return one.code.removeprefix("LABEL_") if one else ""


READ = {"method": Method.SINGLE_READER}


@pytest.mark.parametrize(
    ("annotation", "shapes", "counted"),
    [
        ("image", "", True),
        ("box", "", False),
        ("box", "box", True),
        ("box", "mask", True),
        ("polygon", "box", False),
        ("mask", "box", False),
        ("mask", "polygon", True),
        ("mask", "box mask", True),
    ],
)
def test_a_finding_counts_only_with_the_mark_that_is_asked(annotation: str, shapes: str, counted: bool) -> None:
    spec = asking(annotation=annotation)
    assert counts(spec, said(shapes=shapes)) == (int(counted), 0)
    assert lacks(spec, said(shapes=shapes)) == ("" if counted else "NOT_MARKED")
    assert counts(spec, said("absent")) == (0, 1), "what is not there needs no mark"


def test_a_mark_outside_the_image_is_told_as_such() -> None:
    assert lacks(asking(annotation="box"), said(astray=True)) == "MARK_ASTRAY"
    assert lacks(asking(annotation="box"), said(astray=True), said(shapes="box", reader="b")) == ""


def test_a_remark_says_how_many_images_lack_what() -> None:
    image = ImageFacts().with_context(statements={"Pneumothorax": [said()]})
    (remark,) = [f for f in check_batch([image] * 12, asking(annotation="box")) if f.code == "LABEL_NOT_MARKED"]
    assert remark.message == "12 images with “Pneumothorax” without a box: not counted for it."
    assert remark.check_id == "label.pneumothorax"


@pytest.mark.parametrize(
    ("asked", "method", "counted"),
    [
        ("any", "", True),
        ("image_read", "single_reader", True),
        ("image_read", "adjudicated", True),
        ("image_read", "report_nlp", False),
        ("image_read", "", False),
        ("report_read", "report_read", True),
        ("report_read", "report_nlp", False),
        ("report_nlp", "report_nlp", True),
        ("report_nlp", "single_reader", False),
    ],
)
def test_a_label_counts_only_from_the_source_that_is_asked(asked: str, method: str, counted: bool) -> None:
    spec = asking(source={"method": asked})
    assert counts(spec, said(method=Method(method))) == (int(counted), 0)
    assert counts(spec, said("absent", method=Method(method))) == (0, int(counted))
    assert lacks(spec, said(method=Method(method))) == ("" if counted else "SOURCE")


def test_readers_are_counted_as_people_not_as_rows() -> None:
    spec = asking(source={"method": "image_read", "min_readers": 2})
    assert lacks(spec, said(**READ, reader="a"), said(**READ, reader="a")) == "TOO_FEW_READERS"
    assert lacks(spec, said(**READ), said(**READ)) == "TOO_FEW_READERS", "unnamed readers may be one person"
    assert lacks(spec, said(**READ, reader="a"), said(method=Method.REPORT_NLP, reader="b")) == "TOO_FEW_READERS"
    assert counts(spec, said(**READ, reader="a"), said(**READ, reader="b")) == (1, 0)
    assert counts(spec, said(method=Method.CONSENSUS, is_consensus=True, readers=3)) == (1, 0)


def test_board_certification_must_be_said() -> None:
    spec = asking(source={"board_certified": True})
    for known in (None, False):
        assert lacks(spec, said(board_certified=known)) == "NOT_CERTIFIED"
    assert counts(spec, said(board_certified=True)) == (1, 0)
    uncertified_disagrees = said("absent", reader="b", board_certified=False)
    assert counts(spec, said(board_certified=True, reader="a"), uncertified_disagrees) == (1, 0)


def test_readers_who_differ_must_be_settled_as_asked() -> None:
    two = (said(**READ, reader="a"), said("absent", **READ, reader="b"))
    third = said(**READ, reader="c")
    agreed = said(method=Method.CONSENSUS, is_consensus=True)
    senior = said("absent", method=Method.ADJUDICATED)
    for asked, results in {
        "none": [(0, 0), (1, 0), (1, 0), (0, 1)],
        "majority": [(0, 0), (1, 0), (1, 0), (0, 1)],
        "consensus": [(0, 0), (0, 0), (1, 0), (0, 1)],
        "senior": [(0, 0), (0, 0), (0, 0), (0, 1)],
    }.items():
        spec = asking(source={"method": "image_read", "adjudication": asked})
        found = [counts(spec, *two, *more) for more in ((), (third,), (agreed,), (senior,))]
        assert found == results, asked
        assert counts(spec, two[0], third) == (1, 0), "where nobody differs there is nothing to settle"
    assert lacks(asking(source={"adjudication": "senior"}), *two, agreed) == "NOT_SETTLED"


def test_the_uncertainty_policy_decides_before_the_mark_is_asked_for() -> None:
    spec = asking({"likely": "uncertain", "possible": "absent"}, annotation="box")
    assert counts(spec, said("likely")) == (0, 0)
    assert counts(spec, said("possible")) == (0, 1)
    assert counts(asking({"likely": "present"}, annotation="box"), said("likely", "box")) == (1, 0)


def test_quota_cells_count_by_the_same_rule() -> None:
    spec = complete(
        labels={"findings": [{"finding": "Pneumothorax", "annotation": "box"}]},
        quotas=[{"finding": "Pneumothorax", "sex": "F", "min": 1}],
    )

    def received(statement: Statement) -> int:
        image = ImageFacts(sex="F").with_context(statements={"pneumothorax": [statement]})
        return next(line.received for line in fill_quotas([image], spec) if line.kind == "cell")

    assert (received(said()), received(said(shapes="box"))) == (0, 1)


def test_an_image_without_its_report_counts_only_where_reports_are_not_required() -> None:
    for level, linkage, counted in (("must", "required", 0), ("should", "required", 1), ("must", "optional", 1)):
        spec = complete(cohort={"images": {"min": 2}}, reports={"linkage": linkage, "level": level})
        images = [ImageFacts().with_context(report_linked=False)]
        assert [line.received for line in fill_quotas(images, spec)] == [counted]
        assert [line.received for line in fill_quotas([ImageFacts(report_linked=True)], spec)] == [1]
        remarks = [f for f in check_batch(images, spec) if f.code == "REPORTS_MISSING"]
        assert [f.severity for f in remarks] == ([level] if linkage == "required" else [])


def test_facts_with_statements_survive_json() -> None:
    facts = ImageFacts(sex="F").with_context(statements={"Mass": [said("likely", "box mask", **READ, readers=2)]})
    assert facts.labels == {"Mass": "likely"}
    assert ImageFacts.from_dict(facts.as_dict()) == facts


statement = st.builds(
    Statement,
    st.sampled_from([LabelState.PRESENT, LabelState.ABSENT]),
    st.sampled_from([Method.UNKNOWN, Method.SINGLE_READER, Method.READERS, Method.CONSENSUS, Method.REPORT_NLP]),
    st.sampled_from(["", "a", "b"]),
    st.sampled_from([None, 1, 3]),
    st.sampled_from([None, True]),
    adjudication=st.sampled_from(["", "majority", "senior"]),
    shapes=st.sampled_from([frozenset(), frozenset({"box"}), frozenset({"mask"})]),
)
request = st.builds(
    lambda annotation, method, readers, certified, settled: asking(
        annotation=annotation,
        source={
            "method": method,
            "min_readers": readers,
            "board_certified": certified,
            "adjudication": settled,
        },
    ),
    st.sampled_from(["image", "box", "mask"]),
    st.sampled_from(["any", "image_read", "report_nlp"]),
    st.sampled_from([1, 2, 3]),
    st.booleans(),
    st.sampled_from(["none", "consensus", "senior"]),
)


@settings(max_examples=150, deadline=None)
@given(request, st.lists(statement, max_size=4), statement, st.randoms())
def test_a_further_label_takes_nothing_away_unless_it_contradicts(
    spec: DatasetSpec, before: list[Statement], more: Statement, random: Any
) -> None:
    if any(one.state is not more.state for one in before):
        return
    after = [*before, more]
    random.shuffle(after)
    assert all(new >= old for old, new in zip(counts(spec, *before), counts(spec, *after), strict=True))
