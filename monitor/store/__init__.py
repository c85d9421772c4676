"""The event log: append-only, in SQLite, written by one thread, read by everybody with a saved place."""

from monitor.store.log import Store, backup_folder, log_file
from monitor.store.options import StoreOptions
from monitor.store.trouble import NewerError, StoreError

__all__ = ["NewerError", "Store", "StoreError", "StoreOptions", "backup_folder", "log_file"]
