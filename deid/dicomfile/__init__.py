"""Reading and writing DICOM Part 10 files, hardened for files that nobody vouches for.

pydicom reads recursively, puts values into warnings, and trusts lengths; this reader walks with its own stack, counts
as it goes and never repeats a value. pydicom's dictionary, character sets and pixel decoders are still used.
"""
