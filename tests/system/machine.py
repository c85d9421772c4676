"""A whole Debian with a systemd of its own and no network but its loopback, as on a site."""

import ctypes
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RELEASE = "bookworm"
PACKAGES = ("systemd", "systemd-sysv", "dbus", "python3", "openssl", "mosquitto", "mosquitto-clients")
"""What is installed beside the very least: neither pip nor python3-venv, as on a machine nobody prepared."""
CACHE = Path(tempfile.gettempdir()) / f"command-monitor-{RELEASE}-{platform.machine()}"
TOOLS = ("debootstrap", "systemd-nspawn", "nsenter")
PYTHON = "3.11"
"""What the release brings."""
_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)

missing = [tool for tool in TOOLS if shutil.which(tool) is None]
needs_machine = pytest.mark.skipif(
    bool(missing) or os.geteuid() != 0, reason=f"needs root and {', '.join(missing or TOOLS)}"
)


def base():
    """Return a system that was never started, made once; skip where Debian cannot be reached."""
    if not CACHE.exists():
        partial = Path(tempfile.mkdtemp(prefix=f"{CACHE.name}-"))
        command = [
            "debootstrap",
            "--variant=minbase",
            f"--include={','.join(PACKAGES)}",
            RELEASE,
            partial,
            _mirror(),
        ]
        made = subprocess.run(command, capture_output=True, text=True, check=False)
        if made.returncode != 0:
            shutil.rmtree(partial)
            pytest.skip(f"debootstrap: {made.stdout[-300:]}{made.stderr[-300:]}")
        for service in ("e2scrub_reap.service", "apt-daily.timer", "apt-daily-upgrade.timer"):
            subprocess.run(
                ["systemctl", f"--root={partial}", "mask", service], check=False, capture_output=True
            )
        partial.chmod(0o755)
        partial.rename(CACHE)
    return CACHE


def _mirror():
    """Return where this machine gets the release from."""
    listed = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(CODENAME) $(REPO_URI)", "Created-By: Packages"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = [line.split()[1] for line in listed.stdout.splitlines() if line.split()[0] == RELEASE]
    if not found:
        pytest.skip(f"no sources for {RELEASE} are set up here")
    return found[0]


@dataclass
class Machine:
    """One system that has started."""

    root: Path
    leader: int
    """Its first process, as seen from outside."""

    @property
    def entering(self):
        """What is put before a command to run it inside."""
        return ["nsenter", "-t", str(self.leader), "-m", "-p", "-u", "-i", "-n", "-C", "--"]

    def run(self, *words, check=True, patience=180):
        """Run a command inside; return how it went."""
        command = [*self.entering, *map(str, words)]
        run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=patience)
        if check and run.returncode != 0:
            raise AssertionError(f"{' '.join(map(str, words))}: {run.returncode}\n{run.stdout}{run.stderr}")
        return run

    def shows(self, unit, *names):
        """Return these properties of a unit, or the only one."""
        found = self.run("systemctl", "show", "--value", *(f"--property={name}" for name in names), unit)
        values = found.stdout.splitlines()
        return values[0] if len(names) == 1 else dict(zip(names, values, strict=True))

    def journal(self, *words):
        return self.run("journalctl", "--no-pager", "-o", "cat", *words).stdout

    def python(self, text):
        """Run a piece of Python inside, with what is installed there."""
        return self.run("/opt/command-monitor/current/bin/python", "-c", text).stdout

    def inside(self, path):
        """Return where a file of the machine is seen from outside."""
        return self.root / str(path).lstrip("/")

    def outer(self, pid):
        """Return the number that a process of the machine has outside."""
        for status in Path("/proc").glob("[0-9]*/status"):
            try:
                numbers = next(
                    line for line in status.read_text().splitlines() if line.startswith("NSpid:")
                ).split()
                if numbers[-1] == str(pid) and _same_place(int(numbers[1]), self.leader):
                    return int(numbers[1])
            except (OSError, StopIteration):
                continue
        raise AssertionError(f"no process {pid}")


def _same_place(one, other):
    return Path(f"/proc/{one}/ns/pid").readlink() == Path(f"/proc/{other}/ns/pid").readlink()


@contextmanager
def machine(folder):
    """Start a copy of the system, lend it, and end it."""
    root = folder / "root"
    subprocess.run(["cp", "-a", base(), root], check=True)
    command = [
        "systemd-nspawn", "--quiet", "-D", root, "--boot", "--register=no", "--keep-unit",
        "--private-network", "--console=read-only", "--resolv-conf=off", "--timezone=off",
        f"--machine=cmt-{os.getpid()}",
    ]  # fmt: skip
    environment = os.environ | {"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"}
    with (folder / "console").open("wb") as console:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=console, stderr=console, env=environment
        )
    try:
        yield _started(process, root, folder / "console")
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
        shutil.rmtree(root, ignore_errors=True)


def _started(process, root, console):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        if process.poll() is not None:
            break
        if pids := children.read_text().split():
            here = Machine(root, int(pids[0]))
            said = here.run("systemctl", "is-system-running", check=False).stdout.strip()
            if said in ("running", "degraded"):
                return here
        time.sleep(0.1)
    raise AssertionError(f"the machine did not start: {console.read_text(errors='replace')[-2000:]}")


@contextmanager
def network_of(leader):
    """Move this thread, and whoever it starts, into the network of a process."""
    with Path("/proc/thread-self/ns/net").open() as home, Path(f"/proc/{leader}/ns/net").open() as there:
        _move(there)
        try:
            yield
        finally:
            _move(home)


def _move(place):
    if _libc.setns(place.fileno(), _CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


def bundle(folder, source=ROOT):
    """Make the bundle of *source* for that machine; return its archive."""
    command = [
        sys.executable, source / "deploy" / "bundle" / "build.py", "--python", PYTHON,
        "--wheels", ROOT / "build" / "wheels", "--out", folder,
    ]  # fmt: skip
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if "cannot download" in run.stderr:
        pytest.skip("the locked packages cannot be downloaded here")
    assert run.returncode == 0, run.stderr
    (archive,) = folder.glob("*.tar.gz")
    return archive
