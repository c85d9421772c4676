"""ssh: a real server proves its key, an impostor cannot, and nobody logs in."""

import asyncio
import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from monitor.core.observation import Outcome
from monitor.kit.sockets import Target
from monitor.kit.ssh import FAULTS, Connected, Conversation, SshError
from monitor.kit.ssh.exchange import METHODS, prime
from monitor.kit.ssh.wire import names, number, string
from monitor.kit.tcp import connect
from monitor.probes.ssh import Options, probe
from tests.probes.children import program
from tests.probes.peers import closed_port, peer
from tests.probes.servers import sshd

WRONG = "SHA256:" + "A" * 43
KEYS = {"ed25519": "256", "ecdsa": "384", "rsa": "2048"}


async def looked(port, **options):
    async with asyncio.timeout(5):
        return await probe(Options(host="127.0.0.1", port=port, **options))


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """Make one key of each kind; give their files by kind."""
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # where the server locks up its child
    folder = tmp_path_factory.mktemp("keys")
    for kind, bits in KEYS.items():
        subprocess.run(
            [program("ssh-keygen"), "-q", "-t", kind, "-b", bits, "-N", "", "-f", folder / kind], check=True
        )
    return {kind: folder / kind for kind in KEYS}


def fingerprint(key):
    shown = subprocess.run([program("ssh-keygen"), "-lf", key], check=True, capture_output=True, text=True)
    return shown.stdout.split()[1]


@pytest.mark.server
@pytest.mark.parametrize(
    ("kind", "algorithm"),
    [("ed25519", "ssh-ed25519"), ("ecdsa", "ecdsa-sha2-nistp384"), ("rsa", "rsa-sha2-512")],
)
async def test_a_server_with_the_right_key_is_well(tmp_path, keys, kind, algorithm):
    async with sshd(tmp_path, f"HostKey {keys[kind]}") as (port, _):
        finding = await looked(port, host_key=fingerprint(keys[kind]), banner="OpenSSH")

    assert finding.outcome is Outcome.OK
    assert finding.detail.startswith("SSH-2.0-OpenSSH")
    assert f"{algorithm} {fingerprint(keys[kind])}" in finding.detail
    assert set(finding.values) == {"rtt", "greeting", "exchange"}


@pytest.mark.server
@pytest.mark.parametrize("method", sorted(METHODS))
async def test_every_key_exchange_that_we_offer_works(tmp_path, keys, method):
    async with sshd(tmp_path, f"HostKey {keys['ed25519']}", f"KexAlgorithms {method}") as (port, _):
        finding = await looked(port)

    assert finding.outcome is Outcome.OK
    assert finding.detail.endswith(f" by {method}")


@pytest.mark.server
async def test_the_signature_of_old_routers_works(tmp_path, keys):
    async with sshd(tmp_path, f"HostKey {keys['rsa']}", "HostKeyAlgorithms ssh-rsa") as (port, _):
        finding = await looked(port)

    assert (finding.outcome, ", ssh-rsa SHA256:" in finding.detail) == (Outcome.OK, True)


@pytest.mark.server
async def test_another_key_is_a_failure_that_shows_it(tmp_path, keys):
    async with sshd(tmp_path, f"HostKey {keys['ed25519']}") as (port, _):
        finding = await looked(port, host_key=WRONG)
        either = await looked(port, host_key=[WRONG, fingerprint(keys["ed25519"])])

    assert (finding.outcome, finding.reason, finding.path_up) == (Outcome.FAILED, "host_key", True)
    assert finding.detail == f"the key is ssh-ed25519 {fingerprint(keys['ed25519'])}"
    assert either.outcome is Outcome.OK


@pytest.mark.server
async def test_another_greeting_may_be_a_failure(tmp_path, keys):
    async with sshd(tmp_path, f"HostKey {keys['ed25519']}") as (port, _):
        finding = await looked(port, banner="Comware")

    assert (finding.outcome, finding.reason) == (Outcome.FAILED, "banner")


@pytest.mark.server
async def test_nobody_tries_to_log_in(tmp_path, keys):
    async with sshd(tmp_path, f"HostKey {keys['ed25519']}", "LogLevel DEBUG2") as (port, log):
        await looked(port)
        async with asyncio.timeout(5):
            while "only looking" not in log.read_text():
                await asyncio.sleep(0.02)

    assert "userauth" not in log.read_text().lower()


@pytest.mark.server
async def test_a_server_with_no_algorithm_that_we_know_is_told_so(tmp_path, keys):
    only = "KexAlgorithms sntrup761x25519-sha512@openssh.com"
    async with sshd(tmp_path, f"HostKey {keys['ed25519']}", only) as (port, _):
        finding = await looked(port)

    assert (finding.outcome, finding.reason, finding.path_up) == (Outcome.FAILED, "no_common_algorithm", True)
    assert "key exchange: the peer knows sntrup761" in finding.detail


def other_signature(data):
    """Return *data* with one bit of an Ed25519 signature turned over."""
    head, mark, rest = data.partition(b"ssh-ed25519\0\0\0\x40")
    return head + mark + bytes([rest[0] ^ 1]) + rest[1:] if mark else data


def other_greeting(data):
    return data.replace(b"OpenSSH", b"OqenSSH")


@pytest.mark.server
@pytest.mark.parametrize("altered", [other_signature, other_greeting])
async def test_who_shows_the_key_of_another_is_found_out(tmp_path, keys, altered):
    class Between(Connected):
        async def receive(self, most):
            return altered(await super().receive(most))

    async with sshd(tmp_path, f"HostKey {keys['ed25519']}") as (port, _):
        with await connect(Target("127.0.0.1", port)) as sock:
            conversation = Conversation(Between(sock))
            await conversation.greet()
            with pytest.raises(SshError) as caught:
                await conversation.prove()

    assert caught.value.reason == "bad_signature"


HELLO = b"SSH-2.0-x\r\n"
IDLE = b"\0\0\0\x0c\4\2" + bytes(10)
LEAVE = b"\0\0\0\x14\4\1\0\0\0\2\0\0\0\6go\x1b[2J\0\0\0\0"


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        pytest.param(b"SSH-1.5-Cisco-1.25\n", "ssh_version", id="only-the-old-version"),
        pytest.param(b"220 mail ready\r\n" * 1000, "not_ssh", id="another-protocol"),
        pytest.param(b"x" * 300, "not_ssh", id="one-long-line"),
        pytest.param(b"", "closed", id="nothing"),
        pytest.param(HELLO, "closed", id="a-greeting-and-nothing"),
        pytest.param(b"Welcome\r\n" + HELLO + b"\xff\xff\xff\xff\4", "handshake_failed", id="a-huge-packet"),
        pytest.param(HELLO + b"\0\0\0\1\4", "handshake_failed", id="a-packet-without-content"),
        pytest.param(HELLO + IDLE, "closed", id="one-that-means-nothing"),
        pytest.param(HELLO + IDLE * 10_000, "handshake_failed", id="those-without-end"),
        pytest.param(HELLO + LEAVE, "handshake_failed", id="a-good-bye"),
    ],
)
async def test_what_is_no_server_is_told_by_its_fault(words, reason):
    async def behave(one, reader, writer):
        await one.say(writer, words)
        writer.write_eof()
        await reader.read()  # what is left unread would become a reset

    async with peer(behave) as one:
        finding = await looked(one.port)

    assert (finding.outcome, finding.reason, finding.path_up) == (Outcome.FAILED, reason, True)
    assert finding.detail.isprintable()


async def test_nobody_at_the_port_is_a_refusal():
    finding = await looked(closed_port())

    assert (finding.reason, finding.path_up) == ("refused", True)


def test_the_groups_are_those_of_the_standards():
    """Ends of the primes as RFC 2409 (section 6.2) and RFC 3526 (section 3) print them."""
    assert f"{prime(1024):X}".endswith("49286651ECE65381FFFFFFFFFFFFFFFF")
    assert f"{prime(2048):X}".endswith("15728E5A8AACAA68FFFFFFFFFFFFFFFF")
    assert f"{prime(2048):X}".startswith("FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD1")


# Whatever comes.


class Script:
    """A stream that says what it was given, in pieces, and hangs up."""

    def __init__(self, words, piece):
        self.words, self.piece, self.read = words, piece, 0

    async def send(self, data):
        pass

    async def receive(self, most):
        taken = self.words[self.read : self.read + min(most, self.piece)]
        self.read += len(taken)
        return taken


def packet(payload):
    return (len(payload) + 5).to_bytes(4, "big") + b"\4" + payload + bytes(4)


LISTS = [["curve25519-sha256"], ["ecdh-sha2-nistp256"], ["diffie-hellman-group14-sha1"], ["x"], []]
HOST_KEYS = [["ssh-ed25519"], ["rsa-sha2-512"], ["ecdsa-sha2-nistp256"], ["ssh-rsa"], []]
offers = st.builds(
    lambda methods, kinds, rest: b"\x14" + bytes(16) + names(methods) + names(kinds) + rest,
    st.sampled_from(LISTS),
    st.sampled_from(HOST_KEYS),
    st.binary(max_size=20),
)
WORDS = [string(word) for word in (b"ssh-ed25519", b"ssh-rsa", b"nistp256", b"\4" + b"\1" * 64)]
field = (
    st.binary(max_size=40).map(string)
    | st.integers(0, 2**2100).map(number)
    | st.sampled_from(WORDS)
    | st.binary(min_size=32, max_size=64).map(string)
)
blobs = st.lists(field, max_size=4).map(b"".join)
replies = st.tuples(blobs.map(string), field, blobs.map(string)).map(lambda parts: b"\x1f" + b"".join(parts))
talk = st.builds(
    lambda greeting, first, second, rest: greeting + first + second + rest,
    st.sampled_from([b"SSH-2.0-x\r\n", b"hello\nSSH-1.99-y\n", b"SSH-", b""]),
    offers.map(packet) | st.binary(max_size=60),
    replies.map(packet) | st.binary(max_size=60).map(lambda body: packet(b"\x1f" + body)),
    st.binary(max_size=30),
)


async def held(words, piece):
    stream = Script(words, piece)
    conversation = Conversation(stream)

    async def course():
        await conversation.greet()
        await conversation.prove()

    with pytest.raises(SshError) as caught:
        await course()
    assert caught.value.reason in FAULTS
    assert stream.read <= 65_536


@settings(max_examples=500, deadline=None, derandomize=True)
@given(words=talk, piece=st.integers(1, 5000))
async def test_nothing_that_is_said_breaks_the_conversation(words, piece):
    await held(words, piece)


@pytest.mark.long
@settings(max_examples=10_000, deadline=None, derandomize=True)
@given(words=talk, piece=st.integers(1, 5000))
async def test_nothing_of_ten_thousand_breaks_the_conversation(words, piece):
    await held(words, piece)


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"host_key": "MD5:aa"}, "a fingerprint is SHA256"),
        ({"host_key": [WRONG, "x"]}, "a fingerprint is SHA256"),
        ({"source": "::1"}, "one family"),
        ({"hostkey": WRONG}, "hostkey"),
    ],
)
def test_what_makes_no_sense_is_refused_when_it_is_read(given, complaint):
    with pytest.raises(ValidationError, match=complaint):
        Options(**{"host": "127.0.0.1", **given})
