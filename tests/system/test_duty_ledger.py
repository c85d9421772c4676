"""The ledger of alarms: a clean account says nothing, and each thing that should not be is named."""

import hashlib
import json
from dataclasses import replace
from email.message import EmailMessage

import pytest

from tests.lab.ledger import Entry
from tests.outputs.receiver import Receiver
from tests.system.account import Book
from tests.system.duty_heard import Brought, Said, by_http, by_mail, by_modem
from tests.system.duty_ledger import HEAD, judged
from tests.system.duty_world import Done
from tests.system.town import Echo, Flip, Town

CUT = "dan/city/primary"
ALARM = "20261129-090253"
DOWN, UP = 100.0, 110.0


def built(tmp_path, *flips):
    names = [f"{center}/{net}/{role}" for center in ("dan", "yun") for net in ("city", "province")
             for role in ("primary", "backup")]  # fmt: skip
    return Town(tmp_path, echoes={name: Echo(name) for name in names}, flips=[*flips])


def entries(*told):
    """Return a log of these events: kind, subject, when, what it says."""
    return [
        Entry(n, "city", "b1", n, at, None, at + 0.01, kind, subject, data)
        for n, (kind, subject, at, data) in enumerate(told, 1)
    ]


def belief(circuit, was, now, at):
    return "belief", f"{circuit}/udp", at, {"subject": circuit, "was": was, "now": now}


def status(subject, was, now, at):
    return "status", subject, at, {"was": was, "now": now}


def alarm(what, at, *told, subject=CUT):
    heard = [{"officer": "", "channel": channel, "what": said} for channel, said in told]
    more = {"code": "0902", "subject": subject, "area": "circuit", "drill": False}
    return "alarm", ALARM, at, {"what": what, "told": heard} | more


def notice(channel, number, at, rung="handed_over"):
    more = {"channel": channel, "officer": "", "count": 1, "alarms": [ALARM]}
    return "notice", f"{ALARM}/{number}", at, {"rung": rung} | more


LOG = (
    belief(CUT, "up", "down", 101.0),
    status(CUT, "up", "down", 101.0),
    status("dan/city", "up", "on_backup", 101.0),
    ("incident", CUT, 101.1, {"stage": "confirmed"}),
    alarm("opened", 101.1),
    alarm("told", 101.1, ("hall", "alarm")),
    notice("hall", 1, 101.2),
    alarm("escalated", 104.0, ("tower", "escalated")),
    notice("tower", 2, 104.1),
    belief(CUT, "down", "up", 111.0),
    status(CUT, "down", "up", 111.0),
    status("dan/city", "on_backup", "up", 111.0),
    alarm("closed", 112.0),
    notice("hall", 3, 112.1),
    notice("tower", 4, 112.1),
)
FLIPS = (Flip(DOWN, CUT, "down"), Flip(UP, CUT, "up"))


def message(number, at, what, code="0902", **more):
    return Brought(at, f"{ALARM}/{number}", (Said(ALARM, what, code),), **more)


HALL = (message(1, 101.2, "alarm"), message(3, 112.1, "recovery"))
TOWER = (message(2, 104.1, "escalated"), message(4, 112.1, "recovery"))


def late(at):
    return [message(1, at, "alarm"), message(3, at + 1.0, "recovery")]


def account(tmp_path, log=LOG, flips=FLIPS, hall=HALL, tower=TOWER, waiting=(), recorded=None, **terms):
    book = Book(entries(*log), {}, {}, "ok", tuple(waiting))
    if recorded:
        book.events[0] = replace(book.events[0], recorded_at=recorded)
    heard = {"hall": lambda _: hall, "tower": lambda _: tower}
    return judged(book, Done(built(tmp_path, *flips)), heard, **terms)


def without(*numbers):
    return [told for number, told in enumerate(LOG) if number not in numbers]


def test_a_clean_account_has_no_fault_and_its_figures(tmp_path):
    found = account(tmp_path)

    assert found.faults() == []
    assert (found.world.found.expected, found.doubled, len(found.channels["hall"].due.begins())) == (2, 0, 1)
    assert found.world.seen == (1.0, 1.0)
    assert len(found.line("clean")) == len(HEAD)


@pytest.mark.parametrize(
    ("what", "changed"),
    [
        ("1 of 2 events missing", {"log": without(9, 10)}),
        ("1 of 2 events invented", {"log": [*LOG, belief(CUT, "up", "down", 111.5)]}),
        ("hall: 1 alarms that nobody was told of", {"hall": []}),
        ("tower: 1 ends that nobody was told of", {"tower": TOWER[:1]}),
        ("hall: 1 told and not in the log", {"hall": [*HALL, Brought(113.0, "k", (Said("none", "alarm"),))]}),
        ("hall: 1 told more often", {"hall": [*HALL, message(9, 102.0, "alarm")]}),
        ("hall: 1 messages that the log does not know", {"hall": [*HALL, message(9, 102.0, "")]}),
        ("hall: 1 messages noted as taken that never came", {"hall": [message(1, 1e2, "alarm"),
                                                                     message(5, 112.1, "recovery")]}),
        ("hall: 1 doubled, of 0", {"hall": [HALL[0], *HALL]}),
        ("hall: 1 notices neither taken nor refused", {"log": without(6)}),
        ("hall: 1 notices still to be brought",
         {"waiting": [{"channel": "hall", "rung": "composed", "letter": "", "id": "x"}]}),
        ("tower: something had to be told, and nobody listened", {}),
    ],
)  # fmt: skip
def test_what_is_lost_invented_or_doubled_is_named(tmp_path, what, changed):
    found = account(tmp_path, **changed)
    if not changed:
        found = judged(
            Book(entries(*LOG), {}, {}, "ok"), Done(built(tmp_path, *FLIPS)), {"hall": lambda _: HALL}
        )

    assert any(fault.startswith(what) for fault in found.faults()), found.faults()


@pytest.mark.parametrize(
    ("what", "changed"),
    [
        (f"{CUT}/udp: down was followed by up → down", {"log": [LOG[0], LOG[0], *LOG[1:]]}),
        ("hall: 1 ended before they began", {"hall": [HALL[1], HALL[0]]}),
        ("hall: 1 told under another code", {"hall": [HALL[0], message(3, 112.1, "recovery", "0903")]}),
        (f"log: belief of {CUT}/udp took 15.5 s", {"recorded": 116.5}),
        (f"hall: alarm of {ALARM} took 15.9 s", {"hall": late(117.0)}),
        (f"hall: alarm of {ALARM} took 31.0 s", {"hall": late(151.0), "returns": [120]}),
    ],
)  # fmt: skip
def test_what_is_out_of_order_or_late_is_named(tmp_path, what, changed):
    found = account(tmp_path, **changed)

    assert what in "; ".join(found.faults()), found.faults()


def test_a_hundred_that_are_slow_are_named_though_each_is_within_the_bound(tmp_path):
    log = [belief(CUT, "down" if n % 2 else "up", "up" if n % 2 else "down", 100.0 + n) for n in range(40)]
    flips = [Flip(99.5 + n, CUT, "up" if n % 2 else "down") for n in range(40)]
    book = Book([replace(one, recorded_at=one.at + 6.0) for one in entries(*log)], {}, {}, "ok")

    (fault,) = judged(book, Done(built(tmp_path, *flips)), {}).faults()
    assert fault == "log: five in a hundred took more than 6.0 s"


@pytest.mark.parametrize(
    ("what", "more"),
    [
        ("yun/city/primary/udp is said to be down", belief("yun/city/primary", "up", "down", 102.0)),
        ("dan/city is said to be down", status("dan/city", "on_backup", "down", 102.0)),
        ("yun is said to be on_backup", status("yun", "up", "on_backup", 102.0)),
        ("dan is said to be on_backup", status("dan", "up", "on_backup", 150.0)),
        ("yun/router is said to be broken", ("incident", "yun/router", 102.0, {"stage": "confirmed"})),
        ("an alarm of yun", alarm("opened", 100.5, subject="yun/city")),
    ],
)
def test_what_is_said_to_be_broken_and_was_whole_is_named(tmp_path, what, more):
    log = sorted([*LOG, more], key=lambda told: told[2])

    assert any(fault.startswith(what) for fault in account(tmp_path, log).faults())


def test_what_follows_from_a_cut_is_no_false_blame(tmp_path):
    both = (Flip(DOWN, "dan/city/backup", "down"),)
    log = [
        *LOG[:3],
        belief("dan/city/backup", "up", "down", 101.0),
        status("dan/city", "on_backup", "down", 101.0),
        status("dan", "up", "degraded", 101.0),
        ("incident", "dan/router", 101.1, {"stage": "confirmed"}),
        *LOG[3:11],
        status("dan/city", "down", "degraded", 111.0),
        *LOG[12:],
    ]

    assert account(tmp_path, log, (*FLIPS, *both)).faults() == []


def test_not_to_know_for_a_while_is_no_event_of_the_world(tmp_path):
    log = [
        belief("yun/city/primary", "up", "unknown", 99.0),
        belief("yun/city/primary", "unknown", "up", 100.0),
    ]

    assert account(tmp_path, [*log, *LOG]).faults() == []


def test_a_double_after_a_kill_and_one_for_want_of_an_answer_are_what_they_may_be(tmp_path):
    twice = [HALL[0], *HALL]
    unsure = [message(1, 101.1, "alarm", taken=None), *HALL]

    assert account(tmp_path, hall=twice, in_flight=1).faults() == []
    assert account(tmp_path, hall=unsure).faults() == []
    assert account(tmp_path, hall=[*twice, HALL[1]], in_flight=1).faults()


def test_a_refused_attempt_is_no_message_and_a_dead_channel_loses_nothing_that_waits(tmp_path):
    tries = [message(1, at, "alarm", taken=False) for at in (101.2, 103.0)]
    waiting = [{"channel": "hall", "rung": "composed", "letter": "", "id": f"{ALARM}/{n}"} for n in (1, 3)]
    later = [*tries, message(1, 130.0, "alarm"), message(3, 130.1, "recovery")]

    assert account(tmp_path, without(6, 13), hall=tries, waiting=waiting, dead={"hall"}).faults() == []
    assert account(tmp_path, without(6, 13), hall=tries, waiting=waiting).faults()
    assert account(tmp_path, hall=later, returns=[120.0]).faults() == []


def test_who_refuses_the_beginning_for_good_is_not_told_of_the_end(tmp_path):
    log = [*LOG[:6], notice("hall", 1, 101.2, "refused"), *LOG[7:13], LOG[14]]

    assert account(tmp_path, log, hall=[message(1, 101.2, "alarm", taken=False)]).faults() == []


def test_messages_are_read_alike_by_http_by_mail_and_as_short_messages():
    facts = {"alarms": [{"alarm": ALARM, "what": "alarm", "code": "0902"}]}
    http = Receiver(heard=[({}, json.dumps({"key": "k", "facts": facts}).encode())], times=[1.0], given=[503])
    mail, several = EmailMessage(), EmailMessage()
    name = hashlib.sha256(b"k").hexdigest()[:40]
    mail["Message-ID"] = several["Message-ID"] = f"<{name}@example.test>"
    mail.set_content(f"丹江口至省网主用电路恢复正常。\r\n\r\n编号：{ALARM}\r\n")
    several.set_content("甲电路起中断。（0902）\n乙电路恢复正常。（0902a）\n\n请回复“全部”确认。\n")
    codes = {"0902": ALARM, "0902a": "other"}
    read = [*by_mail([(1.0, mail, "250 kept"), (2.0, several, "")], codes, {"k"})]

    assert by_http(http) == [Brought(1.0, "k", (Said(ALARM, "alarm", "0902"),), taken=False)]
    assert read[0] == Brought(1.0, "k", (Said(ALARM, "recovery"),))
    assert read[1] == Brought(
        2.0, "k", (Said(ALARM, "", "0902"), Said("other", "recovery", "0902a")), taken=None
    )
    assert [*by_modem([(1.0, "主用电路 09:02 起中断，备用电路正常。回0902")], codes)] == [
        Brought(1.0, "", (Said(ALARM, "", "0902"),))
    ]
    assert [*by_modem([(2.0, "主用电路 09:03 恢复正常，09:02 起中断 6 秒。")], codes)] == [
        Brought(2.0, "", (Said(ALARM, "recovery"),))
    ]


def test_another_way_that_is_used_again_and_again_for_one_notice_is_named(tmp_path):
    once = [*LOG[:7], alarm("otherwise", 103.0, ("tower", "alarm")), notice("tower", 2, 103.1), *LOG[9:]]
    again = [alarm("otherwise", 104.0, ("tower", "alarm")), notice("tower", 5, 104.1)]
    tower = [message(2, 103.1, "alarm"), message(4, 112.1, "recovery")]
    twice = [tower[0], message(5, 104.1, "alarm"), tower[1]]

    assert account(tmp_path, once, tower=tower).faults() == []
    (fault,) = account(tmp_path, [*once[:9], *again, *once[9:]], tower=twice).faults()
    assert fault.startswith("1 alarms told another way more often than needed")
