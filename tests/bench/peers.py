"""The programs that we measure ourselves beside, and how their CPU is read."""

import contextlib
import resource
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

PLUGINS = Path("/usr/lib/nagios/plugins")
"""Where Debian puts the monitoring plugins."""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def fetch(port, path, tries=1):
    """Return the answer; ask again each 0.1 s, *tries* times in all, while nobody listens."""
    for left in reversed(range(tries)):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
                return answer.read()
        except OSError:
            if not left:
                raise
            time.sleep(0.1)
    return None


def cpu_of(pid):
    """Return user and system seconds of a process that is running."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


@contextlib.contextmanager
def running(command, port):
    """Run a server until the end of the context; give its pid once it listens."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            fetch(port, "/", tries=50)
            yield process.pid
        finally:
            process.terminate()


@contextlib.contextmanager
def blackbox(folder, config):
    """Run blackbox_exporter with *config* (YAML); give its port and pid."""
    port = free_port()
    file = folder / "blackbox.yml"
    file.write_text(config)
    arguments = (f"--web.listen-address=127.0.0.1:{port}", f"--config.file={file}")
    with running(["prometheus-blackbox-exporter", *arguments], port) as pid:
        yield port, pid


def blackbox_cost(port, pid, paths):
    """Return blackbox_exporter's own CPU per probe, seconds; Prometheus' part is left out."""
    before = cpu_of(pid)
    for path in paths:
        if b"probe_success 1" not in fetch(port, path):
            raise SystemExit(f"blackbox_exporter does not reach {path}")
    return (cpu_of(pid) - before) / len(paths)


def plugin_cost(name, *arguments, times=50):
    """Return the CPU of one call of a monitoring plugin, seconds: one process per look."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    for _ in range(times):
        subprocess.run([PLUGINS / name, *arguments], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / times
