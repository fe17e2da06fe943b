"""``docs/standing_together.md``: who is in the data (STANDING Together 2024, recommendations for documentation)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from fulfillment.release.facts import PackageFacts
from fulfillment.release.survey import NOT_STATED, Survey, counted


def standing_together(facts: PackageFacts, survey: Survey, audit: Sequence[str] | None) -> str:
    """The table. Attributes that the portal does not hold are said to be not stated, never guessed."""
    known = [
        ("Plain-language summary", f"{facts.title}: {counted(survey.images, 'chest radiograph')} of "
                                   f"{counted(len(survey.patients), 'patient')} from {counted(len(survey.sites), 'hospital')}."),
        ("Why it was made", (facts.spec.purpose.intended_use.plain if facts.spec.purpose.intended_use else NOT_STATED)),
        ("Where the data come from", "hospitals, by code; their countries: not stated"),
        ("When", _years(survey)),
        ("Who chose the images", "each hospital, to meet the specification in `spec.json`; not a random sample"),
        ("Age", _spread(survey.ages, survey.images)),
        ("Sex", _spread(survey.sexes, survey.images) + "; from the DICOM header, which does not say whether sex or gender"),
        ("Ethnicity, race", "not stated: not collected"),
        ("Socioeconomic status", "not stated: not collected"),
        ("Disability, language, other attributes", "not stated: not collected"),
        ("Groups at risk of being left out", _smallest(survey)),
        ("Missing data", "; ".join(f"{name}: {count:,}" for name, count in survey.missing().items())),
        ("Equipment", _spread(survey.devices, survey.images)),
        ("Setting", _spread(survey.views, survey.images) + "; AP is mostly bedside, which goes with how ill people are"),
        ("Labels: who and how", "; ".join(f"{way}: {count:,}" for way, count in sorted(survey.methods.items())) or "no labels"),
        ("Labels: attributes of annotators", "not stated"),
        ("Known biases", "; ".join(audit) if audit else "none found by the audit" if audit is not None else "not audited"),
        ("De-identification", f"legal class: {facts.spec.deidentification.legal_class}; "
                              f"{counted(survey.masked, 'image')} with regions blacked out"),
        ("Ethics", facts.spec.terms.ethics_approval or NOT_STATED),
        ("Consent, patient and public involvement", NOT_STATED),
        ("Access", "by agreement; see `LICENSE`"),
        ("Versions", "`CHANGELOG.md`, `metadata/changes.csv`"),
    ]  # fmt: skip
    rows = "\n".join(f"| {what} | {' '.join(said.replace('|', '/').split())} |" for what, said in known)
    return (
        f"# Who is in the data: {facts.title}, release {facts.number}\n\n"
        "After the STANDING Together recommendations (https://www.datadiversity.org, 2024). Counts are images.\n\n"
        f"| Item | What is known |\n|---|---|\n{rows}\n"
    )


def _years(survey: Survey) -> str:
    years = sorted(year for year in survey.years if year.isdigit())
    return f"{years[0]} to {years[-1]}" if years else "not stated: the policy keeps no year"


def _spread(counts: Counter[str], images: int) -> str:
    """The largest eight groups with their shares."""
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    shown = ", ".join(f"{name}: {count:,} ({100 * count / max(1, images):.0f} %)" for name, count in ordered[:8])
    rest = sum(count for _, count in ordered[8:])
    return f"{shown}, {len(ordered) - 8} others: {rest:,}" if rest else shown


def _smallest(survey: Survey) -> str:
    small = [
        f"{axis} {name} ({count:,})"
        for axis, counts in (("age", survey.ages), ("sex", survey.sexes))
        for name, count in sorted(counts.items())
        if name != NOT_STATED and count < 0.1 * survey.images
    ]
    return f"under 10 % of the images: {', '.join(small)}" if small else "no sex and no age band is under 10 %"
