"""Random requests: every part, every unit, shipped label lists and lists of the request's own."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from requests_app.spec import (
    Adjudication,
    AnnotationType,
    Category,
    DatasetSpec,
    DatesHandling,
    DeidPolicyName,
    ImageFormat,
    IntendedUse,
    LabelFormat,
    LabelMethod,
    Position,
    Presentation,
    QualityComponent,
    ReportLinkage,
    ShareAxis,
    Sharing,
    UncertainAs,
    View,
)
from requests_app.taxonomy import TAXONOMY_NAMES, get_taxonomy

LEVEL = st.sampled_from(["must", "should"])
COUNT = st.integers(1, 250_000)
# What people type: several lines, quotation marks, markup, white space at the ends, letters of other scripts.
PROSE = st.text("ab <&\"'“æ漢\n\r%", max_size=30)
WORDS = st.text("abcÄ -.'&<", min_size=1, max_size=12).map(str.strip).filter(bool)


def of(enum: Any) -> st.SearchStrategy[str]:
    return st.sampled_from([item.value for item in enum])


def some(enum: Any, *, least: int = 1) -> st.SearchStrategy[list[str]]:
    return st.lists(of(enum), min_size=least, max_size=3, unique=True)


def bounded(unit: st.SearchStrategy[int] = COUNT) -> st.SearchStrategy[dict[str, int]]:
    """A least, a most, or both in order."""
    both = st.tuples(unit, unit).map(sorted).map(lambda pair: {"min": pair[0], "max": pair[1]})
    return st.one_of(unit.map(lambda low: {"min": low}), unit.map(lambda high: {"max": high}), both)


def optional(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


AGES = st.one_of(
    st.just({}),
    st.tuples(st.integers(0, 90), st.integers(0, 130))
    .filter(lambda pair: pair[0] <= pair[1])
    .map(lambda pair: {"age_min": pair[0], "age_max": pair[1]}),
    st.integers(1, 90).map(lambda low: {"age_min": low}),
    st.integers(0, 90).map(lambda high: {"age_max": high}),
)


@st.composite
def selections(draw: st.DrawFn, findings: list[str]) -> dict[str, Any]:
    chosen = draw(
        optional(
            finding=st.sampled_from(findings),
            view=of(View),
            position=of(Position),
            portable=st.booleans(),
            sex=st.sampled_from(["F", "M", "O"]),
            vendor=st.sampled_from(["Siemens", "Agfa HealthCare", "Somebody & Sons"]),
            site=st.sampled_from(["st-anna", "Nordstadt"]),
        )
    )
    if "finding" in chosen:
        chosen |= draw(optional(finding_state=st.sampled_from(["present", "absent"])))
    return chosen | draw(AGES)


@st.composite
def own_lists(draw: st.DrawFn) -> dict[str, Any]:
    names = draw(st.lists(st.sampled_from(["Solid nodule", "Air leak", "Grün", "Line <1>"]), min_size=1, unique=True))
    kinds = st.sampled_from(["finding", "diagnosis", "device", "normal"])
    return {
        "name": draw(WORDS),
        "version": draw(st.sampled_from(["1", "2026-a"])),
        "findings": [
            {
                "name": name,
                "definition": draw(st.sampled_from(["As seen.", "On the film\nand in the report."])),
                "kind": draw(kinds),
                **draw(optional(concept=st.just("nodule"), concept_relation=st.sampled_from(["exact", "broader"]))),
            }
            for name in names
        ],
    }


@st.composite
def labels(draw: st.DrawFn) -> tuple[dict[str, Any], list[str]]:
    taxonomy = draw(st.sampled_from([*TAXONOMY_NAMES, "custom"]))
    part: dict[str, Any] = {"taxonomy": taxonomy}
    if taxonomy == "custom":
        part["custom"] = draw(own_lists())
        names = [finding["name"] for finding in part["custom"]["findings"]]
    else:
        names = list(get_taxonomy(taxonomy).names)
    part["uncertainty"] = draw(
        optional(likely=of(UncertainAs), possible=of(UncertainAs), not_mentioned=st.sampled_from(["blank", "absent"]))
    )
    wanted = draw(st.lists(st.sampled_from(names), max_size=4, unique=True))
    source = optional(
        method=of(LabelMethod),
        min_readers=st.integers(1, 20),
        board_certified=st.booleans(),
        adjudication=of(Adjudication),
    )
    part["findings"] = [
        {
            "finding": name,
            **draw(
                optional(
                    level=LEVEL, annotation=of(AnnotationType), source=source, min_positive=COUNT, min_negative=COUNT
                )
            ),
        }
        for name in wanted
    ]
    return part, names


def switched(rule: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any] | None]:
    """A rule, or explicitly none."""
    return st.one_of(st.none(), rule)


IMAGE = optional(
    modality=st.fixed_dictionaries(
        {"allowed": st.lists(st.sampled_from(["DX", "CR", "CT", "MG", "RG"]), min_size=1, unique=True)},
        optional={"level": LEVEL},
    ),
    bits_stored=switched(optional(level=LEVEL, min=st.integers(1, 32))),
    short_side=switched(optional(level=LEVEL, min_px=st.integers(1, 20_000))),
    pixel_spacing=switched(
        optional(level=LEVEL, max_mm=st.sampled_from([0.1, 0.25, 1.0]), detector_plane_ok=st.booleans())
    ),
    photometric=switched(
        optional(level=LEVEL, allowed=st.lists(st.sampled_from(["MONOCHROME2", "MONOCHROME1", "RGB"]), min_size=1))
    ),
    lossless=switched(optional(level=LEVEL)),
    windowing=switched(
        st.one_of(
            st.fixed_dictionaries({"window_required": st.just(True)}, optional={"level": LEVEL}),
            st.fixed_dictionaries(
                {"presentation": st.sampled_from([p.value for p in Presentation if p is not Presentation.ANY])},
                optional={"level": LEVEL, "window_required": st.booleans()},
            ),
        )
    ),
    manufacturer=switched(optional(level=LEVEL)),
    upright=switched(optional(level=LEVEL, correct=st.booleans())),
    slice_thickness=switched(
        st.fixed_dictionaries({"max_mm": st.sampled_from([0.5, 1.25, 5.0])}, optional={"level": LEVEL})
    ),
)
COHORT = optional(
    images=bounded(),
    patients=bounded(),
    per_patient=switched(st.fixed_dictionaries({"max": st.integers(1, 9)}, optional={"level": LEVEL})),
    age=switched(
        st.tuples(st.integers(0, 60), st.integers(60, 130), LEVEL).map(
            lambda given: {"min": given[0], "max": given[1], "level": given[2]}
        )
    ),
    sex=switched(
        st.fixed_dictionaries(
            {"allowed": st.lists(st.sampled_from(["M", "F", "O"]), min_size=1, unique=True)}, optional={"level": LEVEL}
        )
    ),
    years=switched(
        st.sampled_from([{"first": 2015}, {"last": 2024}, {"first": 2010, "last": 2020, "level": "should"}])
    ),
)


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """A document as a person or a program might write it."""
    label_part, names = draw(labels())
    cells = st.builds(
        lambda chosen, count, more: {**chosen, **count, **more},
        selections(names),
        bounded(),
        optional(level=LEVEL, unit=st.sampled_from(["images", "patients", "studies"]), note=PROSE),
    )
    deid: dict[str, Any] = {"policy": draw(of(DeidPolicyName))}
    deid |= draw(
        optional(
            level=LEVEL,
            dates=of(DatesHandling),
            device=st.sampled_from(["removed", "make_and_model"]),
            patient_characteristics=st.sampled_from(["kept", "removed"]),
            safe_private=st.booleans(),
        )
    )
    quality = optional(
        total=switched(st.fixed_dictionaries({"min": st.integers(1, 90)}, optional={"level": LEVEL})),
        components=st.lists(
            st.fixed_dictionaries(
                {"component": of(QualityComponent), "min": st.floats(0.5, 90).map(lambda x: round(x, 1))}
            ),
            max_size=3,
            unique_by=lambda row: row["component"],
        ),
    )
    shares = st.fixed_dictionaries(
        {"axis": of(ShareAxis), "max_percent": st.sampled_from([12.5, 40, 33.3, 100])},
        optional={"level": LEVEL, "within": selections(names)},
    )
    projections = st.fixed_dictionaries(
        {"view": of(View)},
        optional={"position": of(Position), "portable": st.booleans(), "min_images": COUNT, "level": LEVEL},
    )
    return {
        "title": draw(WORDS),
        "category": draw(of(Category)),
        "purpose": draw(optional(intended_use=of(IntendedUse), description=PROSE)),
        "cohort": draw(COHORT),
        "projections": draw(st.lists(projections, max_size=3)),
        "labels": label_part,
        "quotas": draw(st.lists(cells, max_size=4)),
        "share_caps": draw(st.lists(shares, max_size=2)),
        "reports": draw(
            optional(
                level=LEVEL,
                linkage=of(ReportLinkage),
                languages=st.lists(st.sampled_from(["en", "de", "vi"]), max_size=3),
            )
        ),
        "image": draw(IMAGE),
        "deidentification": deid,
        "quality": draw(quality),
        "delivery": draw(
            optional(
                image_formats=some(ImageFormat),
                label_formats=some(LabelFormat),
                deadline=st.dates().map(str),
                partial_batches=st.booleans(),
            )
        ),
        "terms": draw(
            optional(
                commercial_use=st.booleans(),
                sharing=of(Sharing),
                countries=st.lists(st.sampled_from(["DE", "VN", "FR"]), max_size=3),
                retention_months=st.integers(1, 600),
                destruction_certificate=st.booleans(),
                ethics_approval=PROSE,
                attribution=PROSE,
                other=PROSE,
            )
        ),
        **draw(optional(quota_counting=st.sampled_from(["every", "once"]))),
    }


def _readable(document: dict[str, Any]) -> DatasetSpec | None:
    try:
        return DatasetSpec.model_validate(document)
    except ValueError:
        return None  # two lines that ask for the same


#: Random requests. Two lines that are the same check are the only thing that is left out.
specs = documents().map(_readable).filter(lambda spec: spec is not None)
