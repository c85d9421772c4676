"""webhook: a message comes signed and under its own name, and the status says what became of it."""

import base64
import hashlib
import hmac
import json

import pytest
from pydantic import ValidationError

from monitor.channels.webhook import Options, open  # noqa: A004 - the name of every kind's opener
from monitor.kit.courier import Fate
from tests.channels.ground import KEY, PHONE, SECRET, message
from tests.outputs.receiver import receiving
from tests.probes.certificates import Authority
from tests.probes.peers import closed_port, never_answers, peer, says


async def sent(url, **options):
    return await open(Options(url=url, **options)).send(message(**options.pop("said", {})))


async def test_all_of_a_message_comes_under_its_key_and_signed():
    async with receiving() as receiver:
        receipt = await sent(receiver.url, password=SECRET)
        [(headers, body)] = receiver.heard
    text = f"{KEY}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.digest(SECRET.encode(), text, hashlib.sha256)).decode()

    assert receipt.fate is Fate.TAKEN
    assert (headers["webhook-id"], headers["Idempotency-Key"]) == (KEY, KEY)
    assert headers["webhook-signature"] == f"v1,{expected}"
    told = json.loads(body)
    assert (told["key"], told["title"], told["short"]) == (KEY, message().title, message().short)
    assert (told["text"], told["facts"], told["severity"]) == (message().text, message().facts, "critical")


async def test_a_second_attempt_has_the_same_name_and_without_a_secret_there_is_no_signature():
    async with receiving() as receiver:
        channel = open(Options(url=receiver.url))
        await channel.send(message())
        await channel.send(message(unsure=True))
        first, second = receiver.heard

    assert first[0]["Idempotency-Key"] == second[0]["Idempotency-Key"]
    assert json.loads(second[1])["unsure"]
    assert "webhook-signature" not in first[0]


@pytest.mark.parametrize(
    ("answer", "fate", "wait"),
    [
        (400, Fate.REFUSED, None),
        (422, Fate.REFUSED, None),
        (401, Fate.LATER, None),
        (404, Fate.LATER, None),
        (302, Fate.LATER, None),
        (500, Fate.LATER, None),
        (502, Fate.UNSURE, None),
        (504, Fate.UNSURE, None),
        ((429, {"Retry-After": "7"}), Fate.LATER, 7.0),
        ((503, {"Retry-After": "99999"}), Fate.LATER, 3600.0),
    ],
)
async def test_the_status_decides(answer, fate, wait):
    async with receiving(answer) as receiver:
        receipt = await sent(receiver.url)

    assert (receipt.fate, receipt.wait) == (fate, wait)
    assert receipt.words.startswith("status ")


@pytest.mark.parametrize(
    "behave",
    [
        pytest.param(never_answers, id="silence"),
        pytest.param(says(lambda _: b""), id="hung-up-after-it-was-read"),
        pytest.param(says(lambda _: b"HTTP/1.1 2"), id="half-an-answer"),
    ],
)
async def test_what_was_sent_and_never_answered_is_in_doubt(behave):
    async with peer(behave) as one:
        receipt = await sent(f"http://127.0.0.1:{one.port}/", timeout=0.3)

    assert receipt.fate is Fate.UNSURE


async def test_what_was_never_sent_is_not_in_doubt():
    receipt = await sent(f"http://127.0.0.1:{closed_port()}/", timeout=0.3)

    assert receipt.fate is Fate.LATER


async def test_a_certificate_that_nobody_vouches_for_gets_no_message(tmp_path):
    served = Authority(tmp_path).issue()
    heard = []

    async def listens(_, reader, _writer):
        heard.append(await reader.read(4096))

    async with peer(listens, ssl=served.server()) as one:
        receipt = await sent(f"https://127.0.0.1:{one.port}/")

    assert receipt.fate is Fate.LATER
    assert "certificate" in receipt.words.lower()
    assert b"".join(heard) == b""


async def test_a_ca_file_that_is_gone_is_told_and_nothing_is_sent(tmp_path):
    receipt = await sent("https://127.0.0.1:9/", ca=tmp_path / "gone.pem")

    assert receipt.fate is Fate.LATER
    assert receipt.words.startswith("ca: ")


async def test_what_the_receiver_repeats_of_ours_is_masked():
    async def repeats(one, reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        told = f"no {PHONE} at /x?token={SECRET} {SECRET}".encode()
        await one.say(writer, b"HTTP/1.1 500 No\r\nContent-Length: %d\r\n\r\n%s" % (len(told), told))

    async with peer(repeats) as one:
        url = f"http://127.0.0.1:{one.port}/x?token={SECRET}"
        receipt = await open(Options(url=url, password=SECRET)).send(message(to=PHONE))

    assert receipt.words == "status 500 no *** at /x?*** ***"


@pytest.mark.parametrize("url", ["ftp://host/", "http://", "http://user:pw@host/", "nonsense", "http://h:x/"])
def test_only_a_plain_address_is_taken(url):
    with pytest.raises(ValidationError, match="expected http"):
        Options(url=url)
