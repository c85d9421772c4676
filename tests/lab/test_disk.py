"""The small disk of the lab: full when it says so, and free again."""

import errno

import pytest

from tests.lab.disk import mounted
from tests.lab.lab import Lab, why_not

pytestmark = pytest.mark.lab


def test_a_full_disk_takes_not_one_byte_more_until_it_is_freed(tmp_path):
    if reason := why_not():
        pytest.skip(f"the lab {reason}")
    with Lab(), mounted(tmp_path / "disk", 2) as disk:
        file = disk.folder / "ours"
        file.touch()
        took = disk.fill()
        with pytest.raises(OSError, match="No space left") as refused:
            file.write_bytes(b"x" * 4096)
        left = disk.left
        disk.free()
        file.write_bytes(b"x" * 4096)

        assert took > 1 << 20
        assert refused.value.errno == errno.ENOSPC
        assert left == 0
        assert file.stat().st_size == 4096
