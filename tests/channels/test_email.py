"""email: a message is taken when the server has said 250 to its text, and not before."""

import asyncio

import pytest
from pydantic import ValidationError

from monitor.channels.email import Options, open  # noqa: A004 - the name of every kind's opener
from monitor.core.alarm import Severity
from monitor.kit.courier import Fate
from tests.channels.ground import KEY, MAIL, PHONE, SECRET, message
from tests.channels.mail_server import mail_server, script
from tests.kit.process_ground import until
from tests.probes.certificates import Authority
from tests.probes.peers import never_answers, peer, says

SENDER = "monitor@example.test"


async def sent(port, *, said=None, **options):
    settings = {"host": "127.0.0.1", "port": port, "security": "none", "sender": SENDER, "timeout": 5}
    return await open(Options(**settings | options)).send(message(**{"to": MAIL} | (said or {})))


async def test_a_mail_says_all_that_the_message_says_in_chinese():
    text = "第一行\n.只有一个点的行\n.\n最后一行"
    async with mail_server() as box:
        receipt = await sent(box.port, said={"text": text}, sender_name="指挥网监测")
    [mail] = box.mails

    assert (receipt.fate, receipt.reference) == (Fate.TAKEN, "250 2.0.0 OK: queued as 4F1B2C")
    assert box.recipients == [(SENDER, [MAIL], False)]
    assert mail["Subject"] == message().title
    assert (mail["To"], mail["From"]) == (MAIL, f"指挥网监测 <{SENDER}>")
    assert mail.get_content().replace("\r\n", "\n").rstrip("\n") == text
    assert (mail["Auto-Submitted"], mail["Importance"]) == ("auto-generated", "high")


async def test_a_double_has_the_name_of_the_first_and_another_message_has_not():
    async with mail_server() as box:
        for said in ({}, {"unsure": True}, {"key": KEY + "4", "severity": Severity.INFO}):
            await sent(box.port, said=said)
    first, double, other = box.mails

    assert first["Message-ID"] == double["Message-ID"] != other["Message-ID"]
    assert first["Message-ID"].endswith("@example.test>")
    assert other["Importance"] is None


async def test_nothing_in_a_message_makes_a_header():
    odd = {"title": f"a\r\nBcc: {SENDER}\r\n\r\nx" + "长" * 500, "language": "zh\r\nX-A: b"}
    async with mail_server() as box:
        receipt = await sent(box.port, said=odd)
    [mail] = box.mails

    assert receipt.fate is Fate.TAKEN
    assert (mail["Bcc"], mail["X-A"]) == (None, None)
    assert len(mail["Subject"]) == 200


GREETED = (b"220 hub\r\n", b"250-hub\r\n250 8BITMIME\r\n")
ADDRESSED = (*GREETED, b"250 ok\r\n", b"250 ok\r\n")
ASKED = (*ADDRESSED, b"354 go\r\n")


@pytest.mark.parametrize(
    ("steps", "fate"),
    [
        pytest.param((*ASKED, b"250 taken\r\n"), Fate.TAKEN, id="250-after-the-text"),
        pytest.param((*ASKED, b"250-taken\r\n250 at last\r\n"), Fate.TAKEN, id="in-two-lines"),
        pytest.param((*ASKED, b"451 try again\r\n"), Fate.LATER, id="451-after-the-text"),
        pytest.param((*ASKED, b"552 too big\r\n"), Fate.REFUSED, id="552-after-the-text"),
        pytest.param((*ASKED, b"251 what\r\n"), Fate.UNSURE, id="251-after-the-text"),
        pytest.param((*ASKED, None), Fate.UNSURE, id="gone-after-the-text"),
        pytest.param((*ASKED, b"taken\r\n"), Fate.UNSURE, id="nonsense-after-the-text"),
        pytest.param((*ASKED, b"250"), Fate.UNSURE, id="half-a-yes"),
        pytest.param((*ADDRESSED, b"451 not now\r\n"), Fate.LATER, id="451-to-data"),
        pytest.param((*ADDRESSED, b"554 no\r\n"), Fate.REFUSED, id="554-to-data"),
        pytest.param((*ADDRESSED, None), Fate.LATER, id="gone-before-the-text"),
        pytest.param((*ADDRESSED, b"250 ok\r\n"), Fate.LATER, id="a-yes-to-data-that-is-none"),
        pytest.param((*GREETED, b"250 ok\r\n", b"550 no such user\r\n"), Fate.REFUSED, id="550-to-rcpt"),
        pytest.param((*GREETED, b"250 ok\r\n", b"450 greylisted\r\n"), Fate.LATER, id="450-to-rcpt"),
        pytest.param((*GREETED, b"550 not from you\r\n"), Fate.REFUSED, id="550-to-mail"),
        pytest.param((*GREETED, b"530 log in first\r\n"), Fate.LATER, id="530-to-mail"),
        pytest.param((b"220 hub\r\n", b"500 what\r\n"), Fate.LATER, id="500-to-ehlo"),
        pytest.param((b"554 no mail here\r\n",), Fate.LATER, id="554-as-a-greeting"),
        pytest.param((b"421 too busy\r\n",), Fate.LATER, id="421-as-a-greeting"),
        pytest.param((None,), Fate.LATER, id="gone-at-once"),
    ],
)
async def test_what_the_server_says_decides(steps, fate):
    async with peer(script(*steps)) as one:
        receipt = await sent(one.port)

    assert receipt.fate is fate


async def test_a_server_that_falls_silent_is_in_doubt_only_after_the_text():
    async with peer(script(*ASKED, b"", then=never_answers)) as one:
        doubt = await sent(one.port, timeout=0.5)
    async with peer(script(*ADDRESSED, b"", then=never_answers)) as one:
        later = await sent(one.port, timeout=0.5)

    assert (doubt.fate, later.fate) == (Fate.UNSURE, Fate.LATER)
    assert doubt.words == "no answer within 0.5 s"


async def test_a_tarpit_holds_us_for_the_time_given_and_no_longer():
    async def drips(one, _reader, writer):
        while True:
            await one.say(writer, b"220-wait\r\n")
            await asyncio.sleep(0.02)

    async with peer(drips) as one:
        began = asyncio.get_running_loop().time()
        receipt = await sent(one.port, timeout=0.5)
        took = asyncio.get_running_loop().time() - began

    assert receipt.fate is Fate.LATER
    assert took < 3


async def test_what_the_server_repeats_of_ours_is_masked():
    async with mail_server(rcpt=f"550 5.1.1 <{MAIL}> {PHONE} unknown") as box:
        receipt = await sent(box.port)

    assert receipt.fate is Fate.REFUSED
    assert receipt.words == "550 5.1.1 <***> +861******5678 unknown"


@pytest.mark.parametrize(("security", "exclude"), [("starttls", ()), ("tls", ()), ("starttls", ("PLAIN",))])
async def test_a_server_that_wants_tls_and_a_user_gets_both(tmp_path, security, exclude):
    authority = Authority(tmp_path)
    async with mail_server(authority.issue(), at_once=security == "tls", exclude=exclude, auth=True) as box:
        receipt = await sent(box.port, security=security, ca=authority.file, username="用户", password=SECRET)

    assert (receipt.fate, receipt.words) == (Fate.TAKEN, "")
    assert box.users == [("LOGIN" if exclude else "PLAIN", "用户", SECRET)]
    assert box.recipients[0][2] or security == "tls"


async def test_a_wrong_password_is_a_matter_for_a_person(tmp_path):
    authority = Authority(tmp_path)
    async with mail_server(authority.issue(), auth=True) as box:
        box.answers["auth"] = False
        receipt = await sent(box.port, security="starttls", ca=authority.file, username="u", password=SECRET)

    assert receipt.fate is Fate.LATER
    assert receipt.words.startswith("535")


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_a_certificate_that_nobody_vouches_for_gets_no_message_and_no_password(tmp_path, security):
    async with mail_server(Authority(tmp_path).issue(), at_once=security == "tls", auth=True) as box:
        receipt = await sent(box.port, security=security, username="u", password=SECRET)

    assert (receipt.fate, box.users, box.mails) == (Fate.LATER, [], [])
    assert "certificate" in receipt.words.lower()


async def test_where_tls_is_wanted_nothing_is_said_without_it():
    heard = []

    async def listens(one, reader, writer):
        await one.say(writer, b"220 hub\r\n")
        heard.append(await reader.readline())
        await one.say(writer, b"250-hub\r\n250 AUTH PLAIN\r\n")
        heard.append(await reader.read())

    async with peer(listens) as one:
        stripped = await sent(one.port, security="starttls", username="u", password=SECRET)
        await until(lambda: len(heard) == 2)
    async with peer(script(*GREETED[:1], b"250-hub\r\n250 STARTTLS\r\n", b"454 not now\r\n")) as one:
        refused = await sent(one.port, security="starttls")

    assert (stripped.fate, stripped.words) == (Fate.LATER, "the server offers no STARTTLS")
    assert [line[:4] for line in heard] == [b"EHLO", b""]
    assert (refused.fate, refused.words) == (Fate.LATER, "454 not now")


async def test_what_was_said_in_the_clear_before_tls_is_not_believed():
    injected = b"220 go ahead\r\n250 AUTH PLAIN\r\n"
    async with peer(script(b"220 hub\r\n", b"250-hub\r\n250 STARTTLS\r\n", injected)) as one:
        receipt = await sent(one.port, security="starttls", username="u", password=SECRET)

    assert receipt.fate is Fate.LATER
    assert "before the handshake" in receipt.words


async def test_a_server_that_offers_no_way_to_log_in_is_told(tmp_path):
    authority = Authority(tmp_path)
    async with peer(says(b"220 hub\r\n250 hub\r\n"), ssl=authority.issue().server()) as one:
        receipt = await sent(one.port, security="tls", ca=authority.file, username="u", password=SECRET)

    assert receipt.words == "the server offers no AUTH PLAIN or AUTH LOGIN"


@pytest.mark.parametrize(
    "to", ["", "zhang", "a b@x", "<a@b>", "a@b>\r\nRCPT TO:<c@d", "张@x.cn", "a@.x", "a@x.", "a..b@x"]
)
async def test_an_address_that_is_none_is_refused_before_anything_is_said(to):
    receipt = await sent(9, said={"to": to})

    assert (receipt.fate, receipt.words) == (Fate.REFUSED, "the officer's e-mail address is none")


async def test_a_domain_in_chinese_goes_over_the_wire_as_its_ascii_name():
    async with mail_server() as box:
        receipt = await sent(box.port, said={"to": "zhang@例子.cn"})

    assert receipt.fate is Fate.TAKEN
    assert box.recipients[0][1] == ["zhang@xn--fsqu00a.cn"]


@pytest.mark.parametrize(
    "options",
    [{"sender": "nobody"}, {"security": "none", "username": "u"}, {"port": 0}, {"security": "ssl"}],
)
def test_bad_options_are_refused(options):
    with pytest.raises(ValidationError):
        Options(**{"host": "h", "sender": SENDER} | options)
