"""The operations board: what waits, what fails, what is full, who works, how fast, and whose access looks odd."""
