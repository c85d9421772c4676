"""ballast: the reserve is really on the disk, and really given back."""

import errno
import os

import pytest

from monitor.store.ballast import MIB, Ballast
from tests.store.disks import fill, free, small_disk  # noqa: F401 - a fixture


def test_the_reserve_takes_real_space_and_gives_all_of_it_back(small_disk):  # noqa: F811
    before, ballast = free(small_disk), Ballast(small_disk / "reserve", 8)

    assert not ballast.ready
    assert ballast.renew()
    assert before - free(small_disk) >= 8 * MIB
    ballast.release()
    assert free(small_disk) == before
    assert not ballast.ready


def test_a_full_disk_can_be_written_again_once_the_reserve_is_given_back(small_disk):  # noqa: F811
    ballast = Ballast(small_disk / "reserve", 8)
    ballast.renew()
    fill(small_disk)
    with pytest.raises(OSError, match="No space") as full:
        (small_disk / "log").write_bytes(bytes(MIB))

    assert full.value.errno == errno.ENOSPC
    ballast.release()
    assert (small_disk / "log").write_bytes(bytes(MIB)) == MIB


def test_it_is_taken_again_only_when_twice_as_much_is_free(small_disk):  # noqa: F811
    ballast = Ballast(small_disk / "reserve", 8)
    fill(small_disk)
    os.truncate(small_disk / "other", (small_disk / "other").stat().st_size - 15 * MIB)

    assert not ballast.renew()
    assert not (small_disk / "reserve").exists()
    os.truncate(small_disk / "other", 1 * MIB)
    assert ballast.renew()


def test_a_file_with_holes_is_no_reserve(tmp_path):
    with (tmp_path / "reserve").open("wb") as file:
        file.truncate(2 * MIB)
    ballast = Ballast(tmp_path / "reserve", 2)

    assert not ballast.ready
    assert ballast.renew()
    assert (tmp_path / "reserve").stat().st_blocks * 512 >= 2 * MIB


def test_where_space_cannot_be_reserved_it_is_written_full(tmp_path):
    class Plain(Ballast):
        def _reserve(self, _handle):
            raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))

    ballast = Plain(tmp_path / "reserve", 2)

    assert ballast.renew()
    assert len(set((tmp_path / "reserve").read_bytes()[:4096])) > 200


def test_where_there_is_no_space_for_it_after_all_nothing_of_it_stays(tmp_path):
    class Full(Ballast):
        def _reserve(self, handle):
            os.write(handle, bytes(4096))
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    assert not Full(tmp_path / "reserve", 2).renew()
    assert not (tmp_path / "reserve").exists()


def test_none_is_wanted_none_is_there(tmp_path):
    Ballast(tmp_path / "reserve", 1).renew()
    none = Ballast(tmp_path / "reserve", 0)

    assert none.ready
    assert none.renew()
    assert list(tmp_path.iterdir()) == []


def test_a_smaller_one_gives_the_rest_back(tmp_path):
    Ballast(tmp_path / "reserve", 4).renew()

    assert Ballast(tmp_path / "reserve", 1).renew()
    assert (tmp_path / "reserve").stat().st_size == MIB


def test_trouble_is_never_raised(tmp_path):
    ballast = Ballast(tmp_path / "nowhere" / "reserve", 1)
    ballast.release()

    assert not ballast.renew()
    assert not ballast.ready
