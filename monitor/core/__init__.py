"""Rules: values and pure functions.

No `await`, clock, socket, file, logger or framework belongs here, and import-linter says so. Time is
an argument (seconds, as a float: wall time where it is shown to people, monotonic where it measures);
decisions are values that somebody else carries out.
"""
