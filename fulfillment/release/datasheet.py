"""``docs/datasheet.md``: a datasheet for the dataset (Gebru 2021, https://arxiv.org/abs/1803.09010), with what is known."""

from __future__ import annotations

from fulfillment.release.croissant import citation
from fulfillment.release.facts import PackageFacts
from fulfillment.release.survey import Survey, counted
from requests_app.spec import ReportLinkage

NOT_STATED = "Not stated."


def datasheet(facts: PackageFacts, survey: Survey, copies: int) -> str:
    """Every section of the paper; ``copies``: images in groups of near-duplicates."""
    spec, terms = facts.spec, facts.spec.terms
    use = spec.purpose.intended_use
    lacking = ", ".join(f"{name} of {count:,}" for name, count in survey.missing().items() if count)
    years = sorted(year for year in survey.years if year.isdigit())
    withheld = sum(facts.withheld.values())
    answers: dict[str, list[tuple[str, str]]] = {
        "Motivation": [
            (
                "For what purpose was the dataset created?",
                " ".join(filter(None, [f"{use.plain.capitalize()}." if use else "", spec.purpose.description]))
                or NOT_STATED,
            ),
            ("Who created it, and on whose behalf?", f"Hospitals, for {facts.published_for}, through GetDATA."),
            ("Who funded it?", NOT_STATED),
        ],
        "Composition": [
            ("What do the instances represent?", "Chest radiographs, with what their DICOM headers say and with labels."),
            (
                "How many are there?",
                f"{counted(survey.images, 'image')} of {counted(len(survey.patients), 'patient')}, "
                f"{counted(survey.labels, 'label')} on {counted(survey.labelled, 'image')}.",
            ),
            (
                "Is it all possible instances or a sample?",
                "A sample. Hospitals chose images to meet the specification in `spec.json`; frequencies are not prevalences.",
            ),
            ("Is there a label with each instance?", _share(survey.labelled, survey.images) + " have a label or more."),
            (
                "Is information missing from instances?",
                f"Missing: {lacking}." if lacking else "View, sex, age and maker are known of all.",
            ),
            (
                "Are there recommended splits?",
                "`splits/leave_one_site_out.csv`, or the reason there why it cannot be. No patient and no copy crosses.",
            ),
            (
                "Are there errors, noise or redundancies?",
                f"{counted(copies, 'image')} in groups of near-duplicates (`splits/duplicates.csv`). Label noise: see `audit/`.",
            ),
            ("Is it self-contained?", "Yes."),
            (
                "Could it be considered confidential, and can people be identified?",
                f"It is health data, de-identified (PS3.15 Annex E; legal class: {spec.deidentification.legal_class}). "
                "`deid_certificate.json` says what was measured and what is not claimed.",
            ),
            ("Does it identify subpopulations?", "By sex, age and site; see `docs/standing_together.md`."),
        ],
        "Collection": [
            ("How was the data acquired?", "Radiographs taken in clinical care, exported by each hospital as DICOM."),
            ("Over what time?", f"Acquired {years[0]} to {years[-1]}." if years else "Not stated: the policy keeps no year."),
            ("Were people told, and did they consent?", NOT_STATED),
            ("Was there ethical review?", terms.ethics_approval or NOT_STATED),
        ],
        "Preprocessing and labelling": [
            (
                "Was the data preprocessed?",
                f"De-identified by policy {', '.join(sorted(survey.policies - {''})) or 'not stated'} with "
                f"{', '.join(sorted(survey.engines - {''})) or 'an engine not stated'}; regions blacked out in "
                f"{counted(survey.masked, 'image')}. {counted(withheld, 'file')} withheld, by reason in `deidentification.json`. "
                "Where the portal set a view, polarity or rotation right, the image is as corrected.",
            ),
            (
                "How were labels made?",
                "; ".join(f"{method}: {count:,}" for method, count in sorted(survey.methods.items())) + "."
                if survey.methods
                else "No labels were delivered.",
            ),
            (
                "Are reports included?",
                "No." if spec.reports.linkage is ReportLinkage.NONE else "Where hospitals sent them, de-identified, in `reports/`.",
            ),
            ("Was the raw data saved?", "By the hospitals. The portal's copies are sealed and destroyed on schedule."),
        ],
        "Uses": [
            ("Has it been used already?", NOT_STATED),
            (
                "What could affect future uses?",
                "Site, device, view and reader may go with labels: read `audit/audit.html` before training.",
            ),
            (
                "Are there tasks for which it should not be used?",
                "Estimating how frequent a finding is; identifying anybody; clinical decisions without validation of their own.",
            ),
        ],
        "Distribution": [
            ("To whom?", f"{facts.published_for}; shared with {terms.sharing.plain}."),
            (
                "Under what terms?",
                f"The agreements in `LICENSE`. {'Commercial use is allowed' if terms.commercial_use else 'No commercial use'}.",
            ),
            ("In which countries?", ", ".join(terms.countries) or NOT_STATED),
        ],
        "Maintenance": [
            ("Who maintains it?", "GetDATA."),
            (
                "Will it be updated?",
                "A correction or a withdrawal makes a new version; `CHANGELOG.md` and `metadata/changes.csv` say what changed.",
            ),
            (
                "Are there limits on how long it may be kept?",
                f"{terms.retention_months} months." if terms.retention_months else "As the agreements say.",
            ),
            ("How is it cited?", f"`{citation(facts)}`"),
        ],
    }  # fmt: skip
    lines = [f"# Datasheet: {facts.title}, release {facts.number}\n"]
    for section, pairs in answers.items():
        lines.append(f"## {section}\n")
        lines += [f"**{question}** {answer}\n" for question, answer in pairs]
    return "\n".join(lines)


def _share(part: int, whole: int) -> str:
    return f"{part:,} of {whole:,} ({100 * part / max(1, whole):.0f} %)"
