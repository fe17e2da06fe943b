"""How well a hospital's archive fits a request. Pure: no Django, no database.

``Capability`` is what a hospital states of itself, ``needs_of`` reads a specification once, ``fit`` compares the two.
"""

from requests_app.matching.capability import Capability, Completeness, LegalClass, completeness
from requests_app.matching.fit import Fit, Verdict, fit
from requests_app.matching.needs import Need, Needs, needs_of

__all__ = [
    "Capability",
    "Completeness",
    "Fit",
    "LegalClass",
    "Need",
    "Needs",
    "Verdict",
    "completeness",
    "fit",
    "needs_of",
]
