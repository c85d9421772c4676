"""The event log: append-only, in SQLite, written by one thread, read by everybody with a saved place."""
