"""Real database servers on free ports of the loopback, children of the tests and gone with them."""

import asyncio
import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from tests.mosquitto import free_port

POSTGRES = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), reverse=True)), None)
MARIADB = shutil.which("mariadbd", path="/usr/sbin:/usr/bin")
REDIS = shutil.which("redis-server")

needs_postgres = pytest.mark.skipif(POSTGRES is None, reason="postgresql is not installed")
needs_mariadb = pytest.mark.skipif(MARIADB is None, reason="mariadb-server is not installed")
needs_redis = pytest.mark.skipif(REDIS is None, reason="redis-server is not installed")


@contextlib.contextmanager
def folder(owner=None):
    """Give a folder that a server run as *owner* may use; the tests' own folders are closed to others."""
    with tempfile.TemporaryDirectory(prefix="cmt-db-", ignore_cleanup_errors=True) as name:
        path = Path(name)
        if owner is not None:
            shutil.chown(path, owner)
        yield path


@contextlib.contextmanager
def running(command, port, **more):
    """Run a server until the context ends; it takes connections when it begins."""
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **more)
    try:
        asyncio.run(_until_it_listens(port, server))
        yield server
    finally:
        server.terminate()
        try:
            server.wait(5)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


async def _until_it_listens(port, server):
    async with asyncio.timeout(20):
        while server.poll() is None:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                await writer.wait_closed()
                return
            await asyncio.sleep(0.05)
    raise RuntimeError(f"the server ended with {server.returncode}")


@contextlib.contextmanager
def postgres(rules, *options):
    """Run PostgreSQL with the lines *rules* as pg_hba.conf; give its port."""
    who = {"user": "postgres"} if os.geteuid() == 0 else {}
    with folder(who.get("user")) as place:
        data, bin_ = place / "data", POSTGRES.parent
        subprocess.run(
            [bin_ / "initdb", "-D", data, "-U", "owner", "-N", "--no-locale", "-E", "UTF8", "-A", "trust"],
            check=True, capture_output=True, cwd=place, **who,
        )  # fmt: skip
        (data / "pg_hba.conf").write_text(rules)
        port = free_port()
        settings = [
            f"port={port}",
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "fsync=off",
            *options,
        ]
        command = [POSTGRES, "-D", data, *(part for setting in settings for part in ("-c", setting))]
        with running(command, port, cwd=place, **who):
            while subprocess.run(
                [bin_ / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)], check=False
            ).returncode:
                time.sleep(0.02)
            yield port


@contextlib.contextmanager
def mariadb(*options, first=""):
    """Run MariaDB with a user `known` of any host, after the statements *first*; give its port."""
    who = ["--user=root"] if os.geteuid() == 0 else []
    with folder() as place:
        subprocess.run(
            ["mariadb-install-db", "--no-defaults", f"--datadir={place}/data", "--skip-test-db", *who],
            check=True, capture_output=True,
        )  # fmt: skip
        port = free_port()
        (place / "first.sql").write_text(f"CREATE USER known@'%' IDENTIFIED BY 'x';\n{first}\n")
        command = [
            MARIADB, "--no-defaults", f"--datadir={place}/data", f"--socket={place}/socket", f"--port={port}",
            "--bind-address=127.0.0.1", f"--pid-file={place}/pid", f"--init-file={place}/first.sql",
            "--innodb-buffer-pool-size=8M", *who, *options,
        ]  # fmt: skip
        with running(command, port):
            yield port


@contextlib.contextmanager
def redis(*options):
    """Run Redis without a file; give its port."""
    with folder() as place:
        port = free_port()
        command = [
            REDIS,
            "--port",
            str(port),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--dir",
            str(place),
            *options,
        ]
        with running(command, port):
            yield port
