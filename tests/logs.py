"""The real event log in a folder, for tests and benches that run an engine."""

from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from monitor.core.vitals import Vitals
from monitor.store import Store, StoreOptions, log_file


@asynccontextmanager
async def opened(folder=None, vantage="city"):
    """Open the log in *folder*, by default one that passes; give it and the vitals that it keeps."""
    with TemporaryDirectory() as passing:
        vitals = Vitals()
        options = StoreOptions(reserve_mib=0)
        log = Store(log_file(folder or Path(passing), vantage), vantage, vitals.store, options=options)
        await log.open()
        try:
            yield log, vitals
        finally:
            await log.close()
