"""A disk in trouble: it is told of, and neither stops the daemon nor a look."""

from tests.system.daemon import daemon
from tests.system.town import town

SAVED = "command_monitor_state_save_successful"


async def test_a_state_of_garbage_is_set_aside_and_told_of_and_the_daemon_starts(tmp_path):
    (tmp_path / "state").mkdir()
    file = tmp_path / "state" / "state-city.json"
    file.write_bytes(b'{"format":1,"saved_at":17\xff\x00')

    async with town(tmp_path) as built, daemon(tmp_path, built.file) as one:
        await one.all_are("up")
        started = await one.tells("daemon.started")
        code = await one.end()

    assert str(file) in started["trouble"]
    assert file.with_name("state-city.json.broken").read_bytes().endswith(b"\xff\x00")
    assert code == 0
    assert '"yun/city/primary"' in file.read_text()


async def test_a_state_folder_that_cannot_be_written_to_is_told_of_and_looks_go_on(tmp_path):
    async with town(tmp_path) as built, daemon(tmp_path, built.file) as one:
        before = await one.all_are("up")
        (tmp_path / "state").rename(tmp_path / "away")
        (tmp_path / "state").write_text("a file where a folder was")
        trouble = (await one.tells("daemon.state_not_saved"))["trouble"]
        status, metric = await one.status(), await one.metric(SAVED)
        await built.looked_at(16)
        during = await one.healths()
        (tmp_path / "state").unlink()
        (tmp_path / "away").rename(tmp_path / "state")
        await one.tells("daemon.state_saved")
        cleared, metric_cleared = await one.status(), await one.metric(SAVED)

    assert "state-city.json" in trouble
    assert status["vitals"]["state_trouble"] == trouble
    assert metric == 0
    assert during == before
    assert not cleared["vitals"]["state_trouble"]
    assert metric_cleared == 1
