"""What released files keep of a patient, and which legal class that makes. Pure: no database, no portal."""

from fulfillment.legal.classes import CLASSES, Bar, bars_of, classes_of, kept_in_words
from fulfillment.legal.kept import KINDS, Kept, kept_in, kept_in_file

__all__ = ["CLASSES", "KINDS", "Bar", "Kept", "bars_of", "classes_of", "kept_in", "kept_in_file", "kept_in_words"]
