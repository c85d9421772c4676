"""Alarms over HTTP: everybody sees them, whoever has the token takes them on, no page of the web does."""

import json

import aiohttp
import pytest

from monitor.board.alarms import AlarmDesk
from monitor.core.alarm import Answer, Rung
from monitor.core.alarm.news import alarm_facts, notice_facts
from monitor.kit.http import Request
from tests.board import city
from tests.core.alarm_ground import CUT, Room

TOKEN = "a token of 32 printable letters!"  # noqa: S105 - of this test only
ANSWER = {"ids": ["0001"], "who": "zhang"}
BEARER = {"Authorization": f"Bearer {TOKEN}"}


class Desk:
    """Says what the alarms are, and remembers what was ordered."""

    def __init__(self):
        room = (
            Room().hears().brings(Rung.REFUSED, trouble="550 <zhang@example.org> 13900000001: no such user")
        )
        answer = Answer("13900000001", "sms", 110.0, note="ok, call 13900000009")
        self.alarm = alarm_facts(room.answers(answer).alarm)
        self.notices = [notice_facts(one) for one in room.desk.of(CUT["incident"])]
        self.orders = []
        self.open = 1

    async def carry(self, order):
        self.orders.append(order)
        if order["order"] == "alarm/list":
            alarms = [{**self.alarm, "notices": self.notices}] * self.open
            return {"at": 1.0, "alarms": alarms, "officers": {"zhang": "张伟"}}
        if order["ids"] == ["9999"]:
            return {"refused": "no alarm '9999' is open"}
        return {"alarms": [self.alarm], "recorded": True}


@pytest.fixture
def desk():
    return Desk()


@pytest.fixture
def board(serve, desk, tmp_path):
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    return lambda **more: serve(
        city.cut(), carry=desk.carry, **({"answer_token_file": tmp_path / "token"} | more)
    )


async def answering(it, body=ANSWER, **headers):
    """Return status and words of an answer that is posted."""
    payload = body if isinstance(body, bytes) else json.dumps(body).encode()
    told = {"Content_Type": "application/json"} | BEARER | headers
    sent = {name.replace("_", "-"): value for name, value in told.items() if value is not None}
    async with (
        aiohttp.ClientSession(skip_auto_headers=["Content-Type"]) as client,
        client.post(f"{it.url}/api/v1/alarms/answer", data=payload, headers=sent) as answer,
    ):
        return answer.status, await answer.json()


async def test_alarms_are_shown_without_any_address(board):
    async with (
        board() as it,
        aiohttp.ClientSession() as client,
        client.get(f"{it.url}/api/v1/alarms") as answer,
    ):
        text = await answer.text()

    (alarm,) = json.loads(text)["alarms"]
    assert (alarm["code"], alarm["answer"]["via"]) == ("0001", "sms")
    assert {one["rung"] for one in alarm["notices"]} == {"refused"}
    for secret in ("13900000001", "13900000009", "example.org"):
        assert secret not in text


@pytest.mark.parametrize("count", [0, 1, 3])
async def test_as_many_are_shown_as_are_open(board, desk, count):
    desk.open = count
    async with (
        board() as it,
        aiohttp.ClientSession() as client,
        client.get(f"{it.url}/api/v1/alarms") as answer,
    ):
        told = await answer.json()

    assert (len(told["alarms"]), told["officers"], told["at"]) == (count, {"zhang": "张伟"}, 1.0)


async def test_whoever_has_the_token_takes_an_alarm_on(board, desk):
    async with board() as it:
        status, told = await answering(it, ANSWER | {"note": "on my way", "seconds": 3600})

    assert (status, told["recorded"], told["alarms"][0]["code"]) == (200, True, "0001")
    assert desk.orders == [{"order": "alarm/answer", **ANSWER, "note": "on my way", "seconds": 3600}]


async def test_what_is_refused_is_told(board):
    async with board() as it:
        assert await answering(it, ANSWER | {"ids": ["9999"]}) == (
            409,
            {"refused": "no alarm '9999' is open"},
        )


@pytest.mark.parametrize(
    ("body", "headers", "status", "words"),
    [
        (ANSWER, {"Authorization": None}, 401, "wrong token"),
        (ANSWER, {"Authorization": "Bearer another token, also 32 long.."}, 401, "wrong token"),
        (ANSWER, {"Authorization": f"Basic {TOKEN}"}, 401, "wrong token"),
        (ANSWER, {"Authorization": "Bearer"}, 401, "wrong token"),
        (ANSWER, {"Content_Type": "text/plain"}, 415, "application/json"),
        (ANSWER, {"Content_Type": None}, 415, "application/json"),
        (b"[" * 10_000, {}, 400, "no JSON"),
        (b"\xff", {}, 400, "no JSON"),
        ([], {}, 400, "an object"),
        (ANSWER | {"order": "alarm/mute"}, {}, 400, "unknown key 'order'"),
        ({"ids": ["0001"]}, {}, 400, "who"),
        (ANSWER | {"who": " "}, {}, 400, "who"),
    ],
)
async def test_what_is_no_answer_is_refused_and_orders_nothing(board, desk, body, headers, status, words):
    async with board() as it:
        got, told = await answering(it, body, **headers)

    assert (got, words in told["refused"]) == (status, True)
    assert desk.orders == []


async def test_no_page_of_the_web_answers_not_even_our_own(board, desk):
    async with board() as it:
        status, told = await answering(it, Origin=it.url)

    assert (status, told) == (403, {"refused": "no page of the web may answer"})
    assert desk.orders == []


async def test_without_a_token_in_the_settings_nobody_answers(board):
    async with board(answer_token_file=None) as it:
        status, told = await answering(it)

    assert (status, "answer_token_file is not set" in told["refused"]) == (403, True)


@pytest.mark.parametrize(("written", "words"), [(None, "cannot be read"), ("short", "shorter than 16")])
async def test_a_bad_file_is_our_own_trouble(board, tmp_path, written, words):
    async with board() as it:
        (tmp_path / "token").unlink()
        if written is not None:
            (tmp_path / "token").write_text(written)
        status, told = await answering(it)

    assert (status, words in told["refused"]) == (503, True)


async def test_who_guesses_is_slowed_down(desk, tmp_path):
    (tmp_path / "token").write_text(TOKEN)
    guess = {"Authorization": "Bearer wrong", "Content-Type": "application/json"}
    asked = AlarmDesk(desk.carry, tmp_path / "token", monotonic=lambda: 0.0)
    told = [(await asked.answer(Request("/api/v1/alarms/answer", {}, guess))).status for _ in range(12)]

    assert told == [401] * 10 + [429] * 2
