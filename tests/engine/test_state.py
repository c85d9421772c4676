"""state: what was believed outlasts a restart, and a broken file is set aside, never trusted."""

import pytest

from monitor.core.detection import Belief, Learned, Verdict
from monitor.core.health import Health, Status, SubjectKind
from monitor.core.inventory import Role
from monitor.engine.state import Remembered, decode, encode, load, save

STATE = Remembered(
    saved_at=100.0,
    beliefs={"dan/city/primary/icmp": Belief(Verdict.DOWN, 42.5, "timeout", "无应答")},
    learned={"dan/city/primary/icmp": Learned(1000.0, 7.5)},
    looks={"dan/city/primary/icmp": "abc"},
    statuses={
        "dan/city": Status(
            "dan/city", SubjectKind.LINK, Health.ON_BACKUP, 42.5, "primary_down", active=Role.BACKUP
        )
    },
)


def test_what_is_saved_is_what_is_loaded(tmp_path):
    save(tmp_path / "state.json", encode(STATE))

    assert load(tmp_path / "state.json") == STATE


def test_no_file_is_an_empty_memory(tmp_path):
    assert load(tmp_path / "state.json") == Remembered()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"", id="empty"),
        pytest.param(encode(STATE)[:-20], id="cut-short"),
        pytest.param(b"[]", id="not-an-object"),
        pytest.param(b'{"format": 99}', id="of-another-format"),
        pytest.param(b"\xff\xfe", id="not-text"),
        pytest.param(encode(STATE).replace(b'"down"', b'"sideways"'), id="with-an-unknown-word"),
    ],
)
def test_a_broken_file_is_set_aside_and_told_of(tmp_path, text):
    path = tmp_path / "state.json"
    path.write_bytes(text)

    remembered = load(path)

    assert remembered.beliefs == {}
    assert "set aside as state.json.broken" in remembered.trouble
    assert (tmp_path / "state.json.broken").read_bytes() == text


def test_a_saving_that_fails_leaves_the_old_file(tmp_path):
    path = tmp_path / "state.json"
    save(path, encode(STATE))
    (tmp_path / "state.json.new").mkdir()

    with pytest.raises(OSError, match="directory"):
        save(path, b"{}")

    assert decode(path.read_bytes()) == STATE
