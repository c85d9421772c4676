"""database: a server that asks who we are is well; one that takes no clients is not, and says why."""

import asyncio
import contextlib
import socket
import time

import pytest
from mysql_mimic import IdentityProvider, MysqlServer, NativePasswordAuthPlugin, User
from pydantic import ValidationError

from monitor.cli import main
from monitor.core.observation import Outcome
from monitor.kit.databases.postgres import startup
from monitor.probes.database import Options, probe
from tests.probes import databases
from tests.probes.databases import needs_mariadb, needs_postgres, needs_redis
from tests.probes.peers import closed_port, peer, resets, says

PROTOCOLS = ("postgres", "mysql", "redis")


async def look(protocol, port, **more):
    return await probe(Options(host="127.0.0.1", port=port, protocol=protocol, **more))


# Servers of the test.


async def hangs_up(_, _reader, writer):
    """Say goodbye at once."""
    writer.write_eof()


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_closed_port_is_a_refusal_that_proves_the_way(protocol):
    finding = await look(protocol, closed_port())

    assert (finding.outcome, finding.reason, finding.path_up) == (Outcome.FAILED, "refused", True)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    ("behave", "reason"),
    [
        pytest.param(says(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "unexpected_answer", id="another-protocol"),
        pytest.param(hangs_up, "closed", id="hangs-up"),
        pytest.param(resets, "reset", id="resets"),
    ],
)
async def test_a_peer_that_is_no_such_server_fails_and_proves_the_way(protocol, behave, reason):
    async with peer(behave) as one:
        finding = await look(protocol, one.port)

    if reason == "unexpected_answer" and finding.reason in {"closed", "reset"}:
        reason = finding.reason  # what it said was cut off by its hanging up before we had asked
    assert (finding.outcome, finding.reason, finding.path_up) == (Outcome.FAILED, reason, True)


async def test_what_a_server_says_is_shown_harmlessly():
    async with peer(says(lambda _: b"-NOAUTH \x1b[2J\xff\r\n")) as one:
        finding = await look("redis", one.port)

    assert finding.detail.isprintable()


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"protocol": "oracle"}, "protocol"),
        ({"user": "a\0b"}, "user"),
        ({"user": "x" * 33}, "user"),
        ({"family": "ipv6"}, "one family"),
        ({"port": 0}, "greater than or equal"),
        ({"password": "x"}, "password"),
    ],
)
def test_what_makes_no_sense_is_refused_when_it_is_read(given, complaint):
    with pytest.raises(ValidationError, match=complaint):
        Options(**{"host": "127.0.0.1", "port": 1, "protocol": "redis", **given})


# Real servers.


@pytest.fixture(scope="module")
def postgres():
    rules = "host all owner 127.0.0.1/32 trust\nhost all guest 127.0.0.1/32 scram-sha-256\n"
    with databases.postgres(
        rules, "max_connections=3", "superuser_reserved_connections=0", "max_wal_senders=0"
    ) as port:
        yield port


@needs_postgres
@pytest.mark.server
class TestPostgres:
    @pytest.mark.parametrize(
        ("user", "text"),
        [
            pytest.param("monitor", "PostgreSQL, refuses us: no pg_hba.conf entry", id="a-stranger"),
            pytest.param("guest", "PostgreSQL, asks for a password (SASL)", id="one-with-a-password"),
            pytest.param("owner", "PostgreSQL, refuses us: database", id="without-a-database"),
            pytest.param("postgres", "PostgreSQL, refuses us", id="another-stranger"),
        ],
    )
    async def test_whoever_asks_it_is_well(self, postgres, user, text):
        finding = await look("postgres", postgres, user=user)

        assert (finding.outcome, finding.reason) == (Outcome.OK, "ok")
        assert finding.detail.startswith(text)
        assert 0 < finding.values["rtt"] <= finding.values["answer"] < 5

    async def test_full_of_clients_it_is_busy(self, postgres):
        words = startup("owner").replace(b"application_name\0command-monitor", b"database\0postgres")
        words = len(words).to_bytes(4) + words[4:]
        with contextlib.ExitStack() as stack:
            for _ in range(3):
                client = stack.enter_context(socket.create_connection(("127.0.0.1", postgres)))
                client.sendall(words)
                assert client.recv(1) == b"R"
            finding = await look("postgres", postgres, user="owner")

        assert (finding.outcome, finding.reason, finding.path_up) == (Outcome.FAILED, "busy", True)

    def test_from_the_shell(self, postgres, capsys):
        code = main(["probe", "database", f"127.0.0.1:{postgres}", "--protocol", "postgres"])

        assert code == 0
        assert capsys.readouterr().out.startswith("1: ok (PostgreSQL, refuses us")


@needs_mariadb
@pytest.mark.server
def test_a_stranger_who_asks_often_is_not_blocked_and_one_who_hangs_up_is():
    from_elsewhere = "127.0.0.9"  # of 127.0.0.1 the server counts nothing
    with databases.mariadb("--max-connect-errors=3") as port:
        looks = [asyncio.run(look("mysql", port, source=from_elsewhere)) for _ in range(20)]
        known = asyncio.run(look("mysql", port, user="known"))
        for _ in range(8):
            with socket.create_connection(("127.0.0.1", port), source_address=(from_elsewhere, 0)) as rude:
                rude.recv(100)
        deadline = time.monotonic() + 5
        while (blocked := asyncio.run(look("mysql", port, source=from_elsewhere))).outcome is Outcome.OK:
            assert time.monotonic() < deadline

    assert {(one.outcome, one.reason) for one in [*looks, known]} == {(Outcome.OK, "ok")}
    assert all(one.detail.startswith("MariaDB 1") for one in [*looks, known])
    assert (blocked.outcome, blocked.reason, blocked.path_up) == (Outcome.FAILED, "blocked", True)


@needs_mariadb
@pytest.mark.server
def test_a_mariadb_full_of_clients_is_busy():
    with (
        databases.mariadb("--max-connections=10", "--extra-max-connections=1") as port,
        contextlib.ExitStack() as stack,
    ):
        deadline = time.monotonic() + 5
        for _ in range(11):
            stack.enter_context(socket.create_connection(("127.0.0.1", port))).recv(100)
        while (finding := asyncio.run(look("mysql", port))).outcome is Outcome.OK:
            assert time.monotonic() < deadline

    assert (finding.reason, finding.path_up) == ("busy", True)


@needs_redis
@pytest.mark.server
@pytest.mark.parametrize(
    ("options", "text"),
    [
        pytest.param((), "asks for no password", id="open"),
        pytest.param(("--requirepass", "x"), "Redis, refuses us: NOAUTH", id="with-a-password"),
        pytest.param(
            ("--rename-command", "INFO", ""), "Redis, asks for no password", id="that-hides-its-version"
        ),
    ],
)
def test_a_redis_is_well(options, text):
    with databases.redis(*options) as port:
        finding = asyncio.run(look("redis", port))

    assert finding.outcome is Outcome.OK
    assert text in finding.detail
    assert options or finding.detail.startswith("Redis 7.")


@needs_redis
@pytest.mark.server
def test_a_redis_full_of_clients_is_busy():
    with databases.redis("--maxclients", "1") as port, contextlib.ExitStack() as stack:
        answer = b""
        while answer != b"+PONG\r\n":  # until it has taken leave of whoever looked whether it listens
            client = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            client.sendall(b"PING\r\n")
            answer = client.recv(100)
        finding = asyncio.run(look("redis", port))

    assert (finding.outcome, finding.reason) == (Outcome.FAILED, "busy")


# MySQL itself is not to be had from Debian; this is another's server of its protocol.


class Known(IdentityProvider):
    """Knows one user, and that one's password."""

    def get_plugins(self):
        return [NativePasswordAuthPlugin()]

    async def get_user(self, username):
        words = NativePasswordAuthPlugin.create_auth_string("s3cret")
        user = User(name=username, auth_string=words, auth_plugin=NativePasswordAuthPlugin.name)
        return user if username == "known" else None


@contextlib.asynccontextmanager
async def mimic(identity=None):
    """Run a server of MySQL's protocol; give its port."""
    server = MysqlServer(identity_provider=identity)
    await server.start_server(host="127.0.0.1", port=0)
    try:
        yield server.sockets()[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


@pytest.mark.parametrize(
    ("identity", "user", "text"),
    [
        pytest.param(None, "monitor", "asks for no password", id="that-lets-everybody-in"),
        pytest.param(Known(), "known", "refuses us: Access denied for user known", id="a-wrong-password"),
        pytest.param(Known(), "monitor", "refuses us: User monitor does not exist", id="a-stranger"),
    ],
)
async def test_another_server_of_mysqls_protocol_is_well(identity, user, text):
    async with mimic(identity) as port:
        finding = await look("mysql", port, user=user)

    assert (finding.outcome, finding.reason) == (Outcome.OK, "ok")
    assert finding.detail.startswith("MySQL 8.0")
    assert finding.detail.endswith(text)
