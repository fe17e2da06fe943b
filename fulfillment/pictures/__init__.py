"""PNG and JPEG that come with a table of what their headers cannot say: made into Secondary Capture objects. Pure."""

from fulfillment.pictures.convert import NOT_PERMITTED, ROW_MISSING, Cause, PictureRefused, is_picture, to_dicom
from fulfillment.pictures.table import PictureRow, TableProblem, is_picture_table, read_picture_table, row_for

__all__ = [
    "NOT_PERMITTED",
    "ROW_MISSING",
    "Cause",
    "PictureRefused",
    "PictureRow",
    "TableProblem",
    "is_picture",
    "is_picture_table",
    "read_picture_table",
    "row_for",
    "to_dicom",
]
