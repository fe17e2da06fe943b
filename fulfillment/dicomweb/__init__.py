"""DICOMweb and DIMSE: how PACS send into a batch (STOW-RS, C-STORE) and how viewers read a release (QIDO-RS, WADO-RS).

Pure, without Django: ``related`` (multipart), ``peek``, ``store_answer``, ``media``, ``headers``, ``pictures``, ``matching``.
"""
