"""One spelling per equipment maker, so that "Philips Medical Systems" and "PHILIPS" count together.

The Manufacturer attribute is free text (PS3.3 C.7.5.1) and is spelled many ways by one maker. An unknown
spelling is kept as its own vendor; a blank one is None and earns no credit for diversity.
"""

import re

# Ordered: a name that contains another maker's word stands before it.
_WORDS: tuple[tuple[str, str], ...] = (
    (r"agfa", "Agfa"),
    (r"carestream|kodak|eastman", "Carestream"),
    (r"canon|toshiba", "Canon"),
    (r"fuji ?film|fuji photo|\bfuji\b", "Fujifilm"),
    (r"konica|minolta", "Konica Minolta"),
    (r"samsung", "Samsung"),
    (r"shimadzu", "Shimadzu"),
    (r"siemens", "Siemens"),
    (r"philips", "Philips"),
    (r"ge medical|ge healthcare|general electric|\bgems\b|\bge\b", "GE"),
    (r"hologic|lorad", "Hologic"),
    (r"swissray", "Swissray"),
    (r"varian|varex", "Varex"),
    (r"dr ?gem", "DRGEM"),
    (r"mindray", "Mindray"),
    (r"united imaging|\buih\b", "United Imaging"),
    (r"hitachi", "Hitachi"),
    (r"del ?medical|\bdmi\b", "Del Medical"),
    (r"vieworks", "Vieworks"),
    (r"oehm", "Oehm und Rehbein"),
)
_PATTERNS = tuple((re.compile(pattern), name) for pattern, name in _WORDS)
_PLACEHOLDERS = frozenset({"", "0", "none", "unknown", "n a", "na", "anonymized", "anonymous", "removed"})


def canonical_vendor(manufacturer: str | None) -> str | None:
    """The maker's usual short name; the text itself if the maker is not known; None for a placeholder."""
    if manufacturer is None:
        return None
    folded = re.sub(r"[^0-9a-z]+", " ", manufacturer.casefold()).strip()
    if folded in _PLACEHOLDERS:
        return None
    for pattern, name in _PATTERNS:
        if pattern.search(folded):
            return name
    return " ".join(manufacturer.split())
