"""The reviewers' desk: everything that waits for a decision of staff, in one order."""
