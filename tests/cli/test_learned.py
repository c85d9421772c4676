"""`command-monitor learned`: what a path has taught is said in words, with what follows from it."""

import json

import pytest

from monitor.cli import main
from monitor.core.checks import checks_of, mark_of
from monitor.core.detection import Belief, Verdict
from monitor.core.learning import DAY, Learned
from monitor.core.quantile import Sketch
from monitor.core.record import Kept
from monitor.probes import load_kinds
from monitor.settings import load_declared, load_settings
from monitor.store import log_file
from monitor.store.batch import Batch, write
from tests.store.filled import writing

PRIMARY = "danjiangkou/province/primary/icmp"
INVENTORY = """
city: {zh: 十堰, en: Shiyan}
networks: {province: {anchor: 127.0.0.9}}
vantages: {city: {networks: [province]}}
centers:
  danjiangkou:
    level: county
    links:
      province:
        primary: {near: 127.0.0.1, bearer: microwave}
        backup: {near: 127.0.0.2, bearer: mobile}
"""


@pytest.fixture
def show(tmp_path, monkeypatch, capsys):
    """Give a function that records what was learned of checks, and shows it."""
    (tmp_path / "city.yaml").write_text(INVENTORY)
    settings = tmp_path / "settings.yaml"
    settings.write_text(f"inventory: city.yaml\nstate_dir: {tmp_path}\n")
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")
    loaded = load_settings(settings)
    inventory = load_declared(loaded, load_kinds())
    declared = checks_of(inventory, inventory.vantages["city"])

    def shown(*arguments, code=0, mark=None, **learned):
        kept = {
            name: Kept(mark or mark_of(declared[name]), Belief(Verdict.UP), one)
            for name, one in learned.items()
        }
        with writing(log_file(tmp_path, "city")) as connection, connection.begin():
            write(connection, Batch(checks=kept))
        assert main(["learned", "--settings", str(settings), *arguments]) == code
        told = capsys.readouterr()
        return told.out if code == 0 else told.err

    return shown


def week(bursts=100.0):
    sketch = Sketch()
    for n in range(1000):
        sketch.add(0.008 if n % 10 else 0.012)
    return Learned(60_000, 60, 7 * DAY, bursts, 1.1 * bursts, 4 * bursts, 4 * bursts, rtts=sketch.counts)


def test_what_a_path_has_taught_is_told_with_what_follows_from_it(show):
    head, losses, times, verdict = show(PRIMARY, **{PRIMARY: week()}).splitlines()

    assert head == f"{PRIMARY}  microwave, looked at every 1 s, watched for 7.0 days while it was well"
    assert losses.startswith("    loses 0.10% one by one; black-outs about 1")
    assert times == "    round trips take 8 ms, 95% at most 12 ms; slow above 17 ms"
    assert verdict.startswith("    so it is believed down after ")


def test_it_is_told_in_chinese_as_well(show):
    told = show("--lang", "zh", PRIMARY, **{PRIMARY: week()})

    assert "微波" in told
    assert "短时中断约每天" in told


def test_what_has_learned_nothing_yet_is_taken_for_what_its_kind_is(show):
    told = show("danjiangkou/province/backup", **{PRIMARY: week()})

    assert "nothing learned yet" in told
    assert "3.0 s on average" in told
    assert PRIMARY not in told


def test_all_of_them_are_told_and_more_bursts_mean_a_later_verdict(show):
    def seconds(bursts):
        told = [json.loads(line) for line in show("--json", **{PRIMARY: week(bursts)}).splitlines()]
        assert [one["check"].partition("/")[0] for one in told] == ["network", "danjiangkou", "danjiangkou"]
        return next(one["seconds_until_down"] for one in told if one["check"] == PRIMARY)

    assert seconds(0.0) < seconds(100.0)


def test_what_another_look_has_learned_is_not_taken_for_this_ones(show):
    assert "nothing learned yet" in show(PRIMARY, mark="another", **{PRIMARY: week()})


def test_who_asks_for_what_is_not_looked_at_is_told_so(show):
    assert "nothing called 'wuhan' is looked at from city" in show("wuhan", code=2)


def test_without_a_log_there_is_nothing_to_show(tmp_path, capsys):
    (tmp_path / "city.yaml").write_text(INVENTORY)
    settings = tmp_path / "settings.yaml"
    settings.write_text(f"inventory: city.yaml\nstate_dir: {tmp_path}\n")

    assert main(["learned", "--settings", str(settings)]) == 2
    assert "no log there" in capsys.readouterr().err
