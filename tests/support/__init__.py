"""What tests share: real radiographs in DICOM, invented identities, leak finding, hostile files."""
