"""What the audit says in words: what each part is, what a model could do with it, and what to do about it."""

from __future__ import annotations

from typing import Final

PARTS: Final = {
    "metadata": "The table alone",
    "border": "The border of the picture",
    "surround": "The picture with its centre blacked out",
    "corners": "The corners of the picture",
    "thumbnail": "An 8 x 8 thumbnail",
}

#: What a model could do, one sentence for each factor.
CHEAT: Final = {
    "site": "recognise the hospital instead of the disease",
    "vendor": "recognise the maker of the machine instead of the disease",
    "model": "recognise the machine instead of the disease",
    "view": "tell from how the patient was placed, instead of from the disease",
    "sex": "tell from the patient's sex",
    "age_band": "tell from the patient's age",
    "reader": "learn the habits of the person who labelled",
    "source": "learn how the label was made",
    "support_device": "look for tubes, lines and devices instead of the disease",
    "marker": "look for the marker that stands in a corner of the picture",
    "metadata": "tell the label without seeing the picture",
    "border": "tell the label from the edge of the picture, where no lung is",
    "surround": "tell the label with the middle of the chest blacked out",
    "corners": "read a marker in a corner",
    "thumbnail": "tell the label from 64 grey squares",
    "column": "tell from this column",
}

ADVICE: Final = {
    "site": "Get both kinds of image from each site, or test on a site that was not trained on. Report results by site.",
    "vendor": "Balance the makers within each label, or report results for each maker.",
    "model": "Balance the machines within each label, or report results for each machine.",
    "view": "Compare like with like: train and report for each view, or sample both labels equally from each.",
    "sex": "Report results for women and men. Balance only where the disease itself does not explain it.",
    "age_band": "Report results for each age band. Age explains some diseases: decide whether the model may use it.",
    "reader": "Have images of both kinds read by the same readers, or have a sample read again by another.",
    "source": "Use labels that are made the same way for images with and without the finding.",
    "support_device": "Report results for images with and without devices: a drain follows the diagnosis, and may be found instead.",
    "marker": "Cover the markers, or crop the corners, before training. The rooms and people that use them may differ by disease.",
    "metadata": "See below which columns carry it. Hold a baseline against every model: what this reaches without a picture.",
    "border": "Crop the edges before training, and look whether the result falls.",
    "surround": "Some findings reach the edge of the lungs. Mask the lungs and compare: what remains outside them is no disease.",
    "corners": "Cover or crop the corners, where side markers, initials and device texts stand.",
    "thumbnail": "Large findings, view and exposure show in 64 squares. Compare within one view and one site before you trust it.",
    "column": "Balance this column within each label, or report results for each of its values.",
}  # fmt: skip

VERDICTS: Final = {
    "red": "A model could cheat here",
    "amber": "Look closer",
    "underpowered": "Too little data to tell",
    "green": "Nothing found",
}

SOURCES: Final = (
    "Zech and others 2018, PLoS Medicine 15(11): models told hospitals apart and used it.",
    "Oakden-Rayner and others 2020, CHIL: hidden stratification.",
    "Geirhos and others 2020, Nature Machine Intelligence 2: shortcut learning.",
    "DeGrave, Janizek and Lee 2021, Nature Machine Intelligence 3: COVID-19 models and their shortcuts.",
    "Jimenez-Sanchez and others 2023, MICCAI: chest drains as a shortcut for pneumothorax.",
    "Bergsma 2013, Journal of the Korean Statistical Society 42: the bias correction of Cramer's V.",
    "Benjamini and Hochberg 1995, JRSS B 57: the false discovery rate.",
    "Northcutt, Jiang and Chuang 2021, JAIR 70: confident learning.",
    "STANDING Together 2024: diversity and bias in health data.",
)  # fmt: skip
