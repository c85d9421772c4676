"""Steps from one shape of the log to the next, run by `monitor.store.migration`."""
