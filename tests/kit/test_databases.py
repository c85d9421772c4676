"""databases: whatever a server says, in whatever pieces, a talk ends with a verdict or waits for more."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.kit.databases import OK, WORDS, mysql, postgres, redis
from monitor.kit.databases.mysql import login
from monitor.kit.databases.postgres import startup

TALKS = {"postgres": postgres, "mysql": mysql, "redis": redis}
every_talk = pytest.mark.parametrize("name", TALKS)


def told(name, *pieces, hangs_up=True):
    """Have the talk with a server that says *pieces*; return the verdict and what it was told."""
    talk = TALKS[name]("monitor")
    said = [next(talk)]
    try:
        for piece in [*filter(None, pieces), *([b""] * 6 if hangs_up else [])]:
            said += [talk.send(piece)]
    except StopIteration as end:
        return end.value, b"".join(said)
    talk.close()
    return None, b"".join(said)


def packet(body, sequence=0):
    return len(body).to_bytes(3, "little") + bytes([sequence]) + body


def greeting(version=b"8.0.36", flags=0xFFFF):
    rest = (
        b"\1\0\0\0" + b"saltsalt" + b"\0" + flags.to_bytes(2, "little") + b"\x21\2\0\xff\xc1\x15" + bytes(10)
    )
    return packet(b"\x0a" + version + b"\0" + rest + b"saltsaltsalt\0caching_sha2_password\0")


def refusal(number, text, state=b"#28000"):
    return packet(b"\xff" + number.to_bytes(2, "little") + state + text)


def message(kind, body):
    return kind + (len(body) + 4).to_bytes(4) + body


def error(state, text):
    return message(b"E", b"SFATAL\0VFATAL\0C" + state + b"\0M" + text + b"\0\0")


def authentication(kind, more=b""):
    return message(b"R", kind.to_bytes(4) + more)


VERSION = message(b"S", b"server_version\x0015.18 (Debian)\0")
READY = message(b"K", b"\0" * 8) + message(b"Z", b"I")


@pytest.mark.parametrize(
    ("name", "said", "word", "text"),
    [
        ("postgres", authentication(10, b"SCRAM-SHA-256\0\0"), OK, "PostgreSQL, asks for a password (SASL)"),
        ("postgres", authentication(5, b"salt"), OK, "PostgreSQL, asks for a password (MD5)"),
        ("postgres", authentication(77), OK, "PostgreSQL, asks for something else"),
        ("postgres", authentication(0) + VERSION, OK, "PostgreSQL 15.18 (Debian), asks for no password"),
        ("postgres", authentication(0) + READY, OK, "PostgreSQL , asks for no password"),
        ("postgres", error(b"28P01", b"no"), OK, "PostgreSQL, refuses us: no"),
        ("postgres", error(b"3D000", b"no such database"), OK, "PostgreSQL, refuses us: no such database"),
        ("postgres", error(b"53300", b"sorry, too many clients already"), "busy", "sorry, too many"),
        ("postgres", error(b"57P03", b"the database system is starting up"), "not_ready", "the database"),
        ("postgres", error(b"XX000", b"boom"), "error", "XX000 boom"),
        ("postgres", b"Ecould not fork new process\n\0", "error", "coul"),
        ("postgres", message(b"E", b""), "error", "an error without words"),
        ("postgres", READY[:13], "closed", "hung up"),
        ("postgres", b"S", "closed", "hung up"),
        ("postgres", b"HTTP/1.1 400 Bad Request\r\n", "unexpected_answer", "HTTP/"),
        ("postgres", b"R\xff\xff\xff\xff", "unexpected_answer", "a message of"),
        ("postgres", b"R\0\0\0\1", "unexpected_answer", "R"),
        (
            "mysql",
            greeting() + refusal(1045, b"Access denied"),
            OK,
            "MySQL 8.0.36, refuses us: Access denied",
        ),
        (
            "mysql",
            greeting(b"5.5.5-10.11.6-MariaDB") + packet(b"\0\0\0", 2),
            OK,
            "MariaDB 10.11.6-MariaDB, asks",
        ),
        (
            "mysql",
            greeting()
            + packet(b"\xfecaching_sha2_password\0salt", 2)
            + packet(b"\1\3", 4)
            + refusal(1045, b"no"),
            OK,
            "MySQL",
        ),
        ("mysql", greeting(flags=0), OK, "MySQL 8.0.36"),
        (
            "mysql",
            refusal(1130, b"Host is not allowed", b""),
            OK,
            "MySQL or MariaDB, refuses us: Host is not",
        ),
        ("mysql", refusal(1129, b"Host is blocked", b""), "blocked", "Host is blocked"),
        ("mysql", refusal(1040, b"Too many connections", b"#08004"), "busy", "Too many connections"),
        ("mysql", greeting() + refusal(1053, b"Server shutdown"), "not_ready", "1053 Server shutdown"),
        ("mysql", refusal(2, b"", b""), "error", "2"),
        ("mysql", greeting()[:30], "closed", "hung up"),
        ("mysql", b"SSH-2.0-OpenSSH_9.2\r\n", "unexpected_answer", "a message of"),
        ("mysql", packet(b"\x09old\0" + bytes(40)), "unexpected_answer", "old"),
        ("mysql", packet(b""), "unexpected_answer", ""),
        (
            "redis",
            b"+PONG\r\n$33\r\n# Server\r\nredis_version:7.0.15\r\n\r\n",
            OK,
            "Redis 7.0.15, asks for no",
        ),
        ("redis", b"+PONG\r\n-NOPERM no\r\n", OK, "Redis, asks for no password"),
        ("redis", b"+PONG\r\n", OK, "Redis, asks for no password"),
        ("redis", b"+PONG\r\n$99999\r\n", OK, "Redis, asks for no password"),
        ("redis", b"-NOAUTH Authentication required.\r\n", OK, "Redis, refuses us: NOAUTH"),
        ("redis", b"-DENIED Redis is running in protected mode\r\n", OK, "Redis, refuses us: DENIED"),
        ("redis", b"-LOADING Redis is loading\r\n", "not_ready", "LOADING"),
        ("redis", b"-ERR max number of clients reached\r\n", "busy", "ERR max"),
        ("redis", b"-ERR what\r\n", "error", "ERR what"),
        ("redis", b"HTTP/1.1 400\r\n", "unexpected_answer", "HTTP"),
        ("redis", b"x" * 2000, "unexpected_answer", "x"),
        ("redis", b"", "closed", "hung up"),
    ],
)
def test_what_a_server_says_is_understood_in_whatever_pieces_it_comes(name, said, word, text):
    for pieces in ((said,), [bytes([byte]) for byte in said]):
        verdict, _ = told(name, *pieces)

        assert (verdict.word, text in verdict.text) == (word, True), verdict.text


def test_a_stranger_goes_along_with_another_way_to_prove_who_it_is_and_leaves_no_half_open_handshake():
    _, said = told("mysql", greeting(), packet(b"\xfecaching_sha2_password\0salt", 2), refusal(1045, b"no"))

    assert said == login("monitor", 1) + b"\0\0\0\3"


def test_where_we_are_let_in_we_say_goodbye():
    assert told("postgres", authentication(0) + VERSION)[0].farewell == b"X\0\0\0\4"
    assert told("mysql", greeting() + packet(b"\0\0\0", 2))[0].farewell == b"\1\0\0\0\1"


def test_a_startup_message_has_its_own_length():
    words = startup("monitor")

    assert int.from_bytes(words[:4]) == len(words)
    assert words[4:8] == b"\0\3\0\0"


PIECES = [
    greeting(), refusal(1045, b"no"), packet(b"\0\0\0", 2), packet(b"\xfe\0", 2), packet(b"\1\3", 3),
    authentication(0), authentication(10), error(b"57P03", b"no"), VERSION, READY, message(b"N", b"x"),
    b"+PONG\r\n", b"-NOAUTH no\r\n", b"$5\r\nhello\r\n", b"$", b"-", b"\r\n", b"\0",
    b"\xff" * 9, b"E\0\0\xff\xff",
]  # fmt: skip
talk = st.lists(st.sampled_from(PIECES) | st.binary(max_size=30), max_size=10)
fuzzed = settings(max_examples=500, deadline=None, derandomize=True)


def held(name, pieces):
    verdict, said = told(name, *pieces)

    assert verdict.word in {OK, *WORDS}
    assert len(said) < 2000
    assert told(name, *pieces, hangs_up=False)[0] in {None, verdict}


@every_talk
@fuzzed
@given(pieces=talk)
def test_nothing_that_a_server_says_breaks_a_talk(name, pieces):
    held(name, pieces)


@pytest.mark.long
@every_talk
@settings(fuzzed, max_examples=10_000)
@given(pieces=talk)
def test_nothing_at_all_that_a_server_says_breaks_a_talk(name, pieces):
    held(name, pieces)
