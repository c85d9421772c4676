"""The log is its owner's: nobody else on the machine reads where the city is weak."""

from monitor.core.record import Record
from monitor.core.world import Event
from tests.logs import opened


async def test_no_file_of_the_log_can_be_read_by_others(tmp_path):
    async with opened(tmp_path) as (log, _):
        log.append(Record((Event("city", "b", 1, 1.0, "daemon", "city", {"what": "started"}),)))
        modes = {file.name: file.stat().st_mode & 0o077 for file in tmp_path.glob("log-city.db*")}

    assert "log-city.db" in modes
    assert not any(modes.values()), modes
