"""The verdict on what a hospital sends, as the server gives it and as the check kit gives it: the same functions, run in both. Pure.

``judge`` looks at one original, ``repetition`` at what is already here, ``sort_entries`` at a label file, ``judge_report`` at a
report. Who calls them keeps the rows: the server in its database, the kit in a file beside its report.
"""
