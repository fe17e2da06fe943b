"""Labels that hospitals send: reading tables, the five states, and exporting. Pure."""

from fulfillment.labels.export import ChexpertTable, write_chexpert_csv
from fulfillment.labels.table import LabelProblem, LabelRow, labels_by_image
from requests_app.taxonomy import UNCERTAIN_STATES, LabelState

__all__ = [
    "UNCERTAIN_STATES",
    "ChexpertTable",
    "LabelProblem",
    "LabelRow",
    "LabelState",
    "labels_by_image",
    "write_chexpert_csv",
]
