"""writer: a disk that fails now and then, in any of its calls, loses nothing and doubles nothing."""

import shutil
import subprocess

import pytest

from tests.store.crash_ledger import ledgers, run

STRACE = "strace"


@pytest.fixture(scope="module", autouse=True)
def tracing():
    """Leave these out where no process may be traced."""
    if shutil.which(STRACE) is None:
        pytest.skip("strace is not installed")
    if subprocess.run([STRACE, "-qq", "true"], check=False, capture_output=True).returncode:
        pytest.skip("no process may be traced here")


@pytest.mark.parametrize(
    "injected",
    [
        pytest.param("fdatasync:error=EIO:when=5..8", id="flushing-fails-four-times"),
        pytest.param("pwrite64:error=ENOSPC:when=20..24", id="no-space-for-five-writes"),
        pytest.param("pwrite64:error=EIO:when=30..33", id="writing-fails-four-times"),
        pytest.param("fdatasync:error=EIO:when=20+7", id="every-seventh-flush-fails", marks=pytest.mark.long),
        pytest.param("pread64:error=EIO:when=40..45", id="reading-fails", marks=pytest.mark.long),
        pytest.param("pwrite64:error=EROFS:when=100..140", id="read-only-meanwhile", marks=pytest.mark.long),
        pytest.param("ftruncate:error=EIO:when=1..5", id="no-room-for-the-index", marks=pytest.mark.long),
    ],
)
async def test_whatever_call_fails_everything_is_recorded_once_and_told(tmp_path, injected):
    total, trace = 1_000, tmp_path / "trace"
    call = injected.partition(":")[0]
    under = (STRACE, "-f", "-qq", "-o", str(trace), "-e", f"trace={call}", "-e", f"inject={injected}")
    ended = await run(tmp_path, total, under=under)
    found, sound, held = ledgers(tmp_path, total)
    for name, line in found.items():
        print(f"{injected:<36} {name:<9} {line}")

    assert "(INJECTED)" in trace.read_text()
    assert ended == 0
    assert (sound, held) == ("ok", total)
    assert [(line.lost, line.doubled) for line in found.values()] == [(0, 0)] * 4
