"""Bad files: each is refused with exactly the words in the text beside it, all mistakes at once."""

import os
from pathlib import Path

import pytest

from monitor.config import load_inventory, load_profile
from monitor.config.roster import load_roster
from monitor.errors import ConfigError
from monitor.settings import load_settings

BAD = Path(__file__).parent / "bad"
FILES = sorted(BAD.glob("*.yaml"))


def complaint(path, kinds):
    """Return what is said of the file, with the names of files instead of their paths."""
    of_cities = load_profile if path.parent.name == "profiles" else load_inventory
    loads = {"settings": load_settings, "roster": load_roster}
    load = loads.get(path.stem.partition("-")[0], lambda path: of_cities(path, kinds))
    with pytest.raises(ConfigError) as caught:
        load(path)
    return str(caught.value).replace(f"{BAD}/", "")


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_every_mistake_is_told_with_line_key_and_the_nearest_valid_word(path, kinds):
    told = complaint(path, kinds)

    assert told.splitlines() == path.with_suffix(".txt").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("name", ["broken", "unreadable"])
def test_a_profile_on_its_own_is_told_the_same(name, kinds):
    alone = complaint(BAD / "profiles" / f"{name}.yaml", kinds)

    assert alone in (BAD / "broken-profile.txt").read_text(encoding="utf-8")


def test_a_python_tag_runs_nothing(kinds):
    complaint(BAD / "python-tag.yaml", kinds)

    assert not Path("/tmp/command-monitor-was-here").exists()  # noqa: S108 - as the fixture has it


def test_a_missing_file_is_told(tmp_path, kinds):
    told = complaint(tmp_path / "nowhere.yaml", kinds)

    assert told == f"{tmp_path}/nowhere.yaml: found no such file, expected a readable file"


def test_200_megabytes_are_refused_without_being_read(tmp_path, kinds):
    path = tmp_path / "large.yaml"
    with path.open("wb") as file:
        file.truncate(200 * 1024 * 1024)

    assert complaint(path, kinds) == f"{path}: found more than 1 MiB, expected a file of at most 1 MiB"


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir], ids=["pipe", "folder"])
def test_what_is_no_regular_file_is_refused_at_once(tmp_path, kinds, make):
    path = tmp_path / "odd.yaml"
    make(path)

    assert complaint(path, kinds) == f"{path}: found no regular file, expected a readable file"


def test_every_problem_can_be_taken_apart(kinds):
    with pytest.raises(ConfigError) as caught:
        load_inventory(BAD / "source-family.yaml", kinds)

    (problem,) = caught.value.problems
    assert (problem.line, problem.key) == (7, "centers.danjiangkou.links.city.primary.source")
    assert (problem.found, problem.expected) == ("'2001:db8::1'", "an IPv4 address, as `far` is")
