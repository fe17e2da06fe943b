"""``README.md``: the dataset card. Its head is what Hugging Face's ``datasets`` reads, so that the folder opens in one line."""

from __future__ import annotations

import json
from collections.abc import Sequence

from fulfillment.release.facts import PackageFacts
from fulfillment.release.labels import NIH
from fulfillment.release.survey import Survey, counted, table
from requests_app.spec import ImageFormat, LabelFormat, summarise

#: Delivered today; whatever else a specification asks for is named in the card as not included.
_LABEL_FORMATS = set(LabelFormat)


def card(facts: PackageFacts, survey: Survey, audit: Sequence[str] | None, *, reports: bool) -> str:
    """The whole card. ``audit``: what it found, in lines; None where it was not made."""
    return "\n".join(
        [
            _head(facts, survey),
            f"# {facts.title}: release {facts.number}\n",
            f"Prepared for {facts.published_for} on {facts.date} through GetDATA.",
            f"{counted(survey.images, 'image')} of {counted(len(survey.patients), 'patient')} "
            f"from {counted(len(survey.sites), 'site')}.\n",
            "## What was asked for\n",
            "\n".join(f"- {line}" for line in summarise(facts.spec)),
            f"\nThe specification is version {facts.spec_version}, in `spec.json`; "
            f"the SHA-256 of its canonical JSON is `{facts.spec_sha256}`.",
            "\n## What is here\n",
            *(
                table(title, counts)
                for title, counts in (
                    ("View", survey.views),
                    ("Sex", survey.sexes),
                    ("Age in years", survey.ages),
                    ("Manufacturer", survey.makers),
                    ("Site", survey.sites),
                )
            ),
            "## Labels\n",
            _labels(survey),
            _ways(survey),
            "States are present, likely, possible, absent and not_mentioned; each row says its source and what is known "
            "of how it was made: readers behind it, board certification, whether they were blind to the report, and how "
            "disagreement was settled; an empty cell was not said. A reader's id is a pseudonym.",
            "\n## Files\n",
            _files(facts, reports),
            _loading(facts),
            "\n## What a model could cheat on\n",
            _audit(audit),
        ]
    )


def _head(facts: PackageFacts, survey: Survey) -> str:
    configs = ["images", *(["labels"] if survey.labels else [])]
    lines = [
        "---",
        f"pretty_name: {json.dumps(facts.title, ensure_ascii=False)}",
        "license: other",
        "license_name: data-use-agreement",
        "license_link: LICENSE",
        "tags: [medical, radiology, chest-x-ray]",
        "configs:",
        *(line for name in configs for line in (f"- config_name: {name}", f"  data_files: metadata/{name}.parquet")),
        "---\n",
    ]
    return "\n".join(lines)


def _labels(survey: Survey) -> str:
    rows = "\n".join(f"| {finding} | {state} | {count} |" for (finding, state), count in sorted(survey.states.items()))
    return f"| Finding | State | Labels |\n|---|---|---:|\n{rows}" if rows else "No labels were delivered."


def _ways(survey: Survey) -> str:
    """How the labels were made: by method, how many, by how many readers that can be told apart, and how many carry marks."""
    rows = "\n".join(
        f"| {method} | {count} | {len(survey.readers[method]) or 'not named'} | {survey.marked[method]} |"
        for method, count in sorted(survey.methods.items(), key=lambda pair: (-pair[1], pair[0]))
    )
    return f"\n| How made | Labels | Readers | With marks |\n|---|---:|---:|---:|\n{rows}\n" if rows else ""


def _files(facts: PackageFacts, reports: bool) -> str:
    spec = facts.spec
    asked = spec.delivery.label_formats
    lines = [
        "- `dicom/<patient>/<study>/<series>/*.dcm`: de-identified DICOM (all identifiers are keyed pseudonyms)",
        *(
            f"- `{form.value}/<patient>/<study>/<series>/*.png`: the same images as {form.plain}"
            for form in spec.delivery.image_formats
            if form is not ImageFormat.DICOM
        ),
        "- `metadata/images.csv` and `.parquet`: a row an image, by `image_id`; `getdata audit` reads them",
        "- `metadata/labels.csv` and `.parquet`: a row a statement; `metadata/annotations.parquet`: a row a shape",
        "- `masks/<image_id>/*.png`: masks as they came, 255 where the finding is, where there are any",
    ]
    if LabelFormat.CHEXPERT_CSV in asked:
        lines.append('- `metadata/chexpert.csv`: an image a row (readers who differ give "possible")')
    if LabelFormat.COCO in asked:
        lines.append("- `metadata/coco.json`: shapes and labels, for pycocotools")
    if spec.taxonomy().name == NIH:
        lines.append("- `metadata/nih.csv`: present findings, as NIH's Data_Entry has them")
    if LabelFormat.DICOM_SEG in asked:
        lines.append("- `seg/*.dcm`: marks of present findings as DICOM SEG, an object for each image that has any")
    if LabelFormat.DICOM_SR in asked:
        lines.append("- `sr/*.dcm`: labels and outlines as DICOM SR, TID 1500")
    if reports:
        lines.append("- `reports/<patient>/<study>.txt` and `metadata/reports.csv`: de-identified reports")
    lines += [
        "- `splits/leave_one_site_out.csv`: folds in which no patient and no copy of a picture is on both sides; "
        "`splits/duplicates.csv`: pictures that are copies of each other",
        "- `audit/`: what a model could cheat on (`audit.html`, `audit.json`), and the quality score of every image",
        "- `docs/datasheet.md` (Gebru 2021) and `docs/standing_together.md`: where this comes from and who is in it",
        "- `croissant.json`: Croissant 1.1 with RAI, for programs",
        "- `deidentification.json`: what was done, and what was withheld and why",
        "- `deid_certificate.json` (signed) and `.pdf`: the 18 HIPAA identifiers, what is kept, the recall measured with "
        "planted synthetic identities; `python -m deid verify-certificate` checks it and every file",
        "- `LICENSE`: what you may do; `CHANGELOG.md` and `metadata/changes.csv`: what changed",
        "\nA text cell of a CSV that a spreadsheet would run as a formula begins with an apostrophe. "
        "The package is a BagIt bag: `python -m bagit --validate .` checks every byte.",
    ]
    missing = [item.plain for item in asked if item not in _LABEL_FORMATS]
    if missing:
        lines.append(f"\nAsked for and not included in this release: {', '.join(missing)}.")
    return "\n".join(lines)


def _loading(facts: PackageFacts) -> str:
    return f"""
## Loading it

```python
import datasets, mlcroissant, pandas, pydicom

folder = "{facts.name}/data"
images = datasets.load_dataset(folder, "images")["train"]
labels = pandas.read_parquet(f"{{folder}}/metadata/labels.parquet")
records = mlcroissant.Dataset(f"{{folder}}/croissant.json").records("images")
first = pydicom.dcmread(f"{{folder}}/{{images[0]['path']}}")
```"""


def _audit(found: Sequence[str] | None) -> str:
    if found is None:
        return (
            "Shortcut learning, label noise and external validity were not audited for this release. "
            "Audit view, device and site against each label before you train on it: `getdata audit metadata`.\n"
        )
    lines = "\n".join(f"- {line}" for line in found) if found else "The audit raised nothing amber or red."
    return f"{lines}\n\nRead `audit/audit.html` before you train: it says how sure each verdict is, and what to do.\n"
