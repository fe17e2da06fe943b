"""A batch of files on disk: intake, workers, the map, the report. The engine itself never touches a disk."""
