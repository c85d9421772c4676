"""Channels in trouble, and storms, over a real daemon: late, refused, unanswered, away; all is told."""

import asyncio
import contextlib
import json

import pytest

from tests.channels.mail_server import mail_server
from tests.mosquitto import free_port
from tests.outputs.receiver import receiving
from tests.system.duty_heard import by_mail
from tests.system.duty_scenario import CIRCUIT, CIRCUITS_ALONE, Terms, by_all, channel, duty, order

OTHER, THIRD = "dan/province/primary", "yun/city/primary"
HALL = "\n      - {tell: duty, over: hall}\n    repeat: 0\n"
BOTH = "\n      - {tell: duty, over: [hall, tower]}\n    repeat: 0\n"
ELSE = "\n      - {tell: duty, over: hall, otherwise: tower, within: 5}\n    repeat: 0\n"
MAIL_ELSE = "\n      - {tell: duty, over: mail, otherwise: hall, within: 60}\n    repeat: 0\n"
MAIL_TOO = "\n      - {tell: duty, over: [hall, mail]}\n    repeat: 0\n"
CENTERS = {f"c{number}": number for number in range(1, 31)}


def said(*receivers):
    """Return what came to be known of which subject, in its order."""
    found = []
    for receiver in receivers:
        for status, (_, body) in zip(receiver.given, receiver.heard, strict=True):
            if status in (0, 200):
                found += [(one["what"], one["subject"]) for one in json.loads(body)["facts"]["alarms"]]
    return found


def names(receiver):
    return {headers["webhook-id"] for headers, _ in receiver.heard}


async def until(condition, patience=40):
    async with asyncio.timeout(patience):
        while not condition():
            await asyncio.sleep(0.05)


async def test_a_gateway_that_fails_then_asks_for_patience_is_left_in_peace_and_told_once(tmp_path):
    answers = receiving(500, (429, {"Retry-After": "2"}), 200)
    async with answers as hall:
        whole = duty(
            tmp_path, {"hall": channel(hall)}, by_all({"hall": hall}), rules=CIRCUITS_ALONE, steps=HALL
        )
        async with whole as (one, built):
            await one.all_are("up")
            built.echoes[CIRCUIT].silent = True
            await hall.until(3)

    assert hall.times[2] - hall.times[1] >= 2.0
    assert hall.given == [500, 429, 200]
    assert len(names(hall)) == 1


async def test_one_that_takes_and_does_not_answer_is_asked_again_by_the_same_name_and_another_is_told(
    tmp_path,
):
    async with receiving(200) as hall, receiving(200) as tower:
        hall.open.clear()
        channels = {"hall": channel(hall, timeout=1), "tower": channel(tower)}
        heard = by_all({"hall": hall, "tower": tower})
        async with duty(tmp_path, channels, heard, rules=CIRCUITS_ALONE, steps=ELSE) as (one, built):
            await one.all_are("up")
            built.echoes[CIRCUIT].silent = True
            await tower.until(1)
            unanswered = len(hall.heard)
            hall.open.set()
            await until(lambda: 200 in hall.given)
            built.echoes[CIRCUIT].silent = False
            await until(lambda: ("recovery", CIRCUIT) in said(hall) and ("recovery", CIRCUIT) in said(tower))

    assert unanswered >= 1
    assert len(names(hall)) == 2
    assert said(tower) == [("alarm", CIRCUIT), ("recovery", CIRCUIT)]


async def test_a_mail_is_kept_given_up_or_brought_again_by_the_same_name_as_its_server_says(tmp_path):
    async with mail_server(data="451 4.3.0 later") as box, receiving(200) as hall:
        options = {"kind": "email", "host": "127.0.0.1", "port": box.port, "security": "none"}
        channels = {
            "mail": options | {"sender": "monitor@example.test", "per_minute": 0},
            "hall": channel(hall),
        }
        heard = by_all({"hall": hall}) | {"mail": lambda log: by_mail(box.came, log.by_code(), log.keys())}
        async with duty(tmp_path, channels, heard, rules=CIRCUITS_ALONE, steps=MAIL_ELSE) as (one, built):
            await one.all_are("up")
            built.echoes[CIRCUIT].silent = True
            await until(lambda: len(box.came) > 1)
            box.answers["data"] = "250 kept"
            await until(lambda: box.came[-1][2] == "250 kept")
            box.answers["rcpt"] = "550 5.1.1 nobody here"
            built.echoes[OTHER].silent = True
            await hall.until(1)
            box.answers = {"data": ""}
            built.echoes[THIRD].silent = True
            await until(lambda: len([answer for *_, answer in box.came if not answer]) > 1)
            box.answers["data"] = "250 kept"
            await until(lambda: box.came[-1][2] == "250 kept")

    mails = [(str(mail["Message-ID"]), answer[:3]) for _, mail, answer in box.came]
    lost = {name for name, answer in mails if not answer}
    assert len({name for name, answer in mails if answer == "250"}) == 2
    assert lost == {mails[-1][0]}
    assert said(hall) == [("alarm", OTHER)]


@pytest.mark.long
async def test_while_all_channels_are_away_it_says_so_itself_and_tells_all_on_their_return(tmp_path):
    ports = {"hall": free_port(), "tower": free_port()}
    channels = {
        name: {"kind": "webhook", "url": f"http://127.0.0.1:{port}/hook", "per_minute": 0}
        for name, port in ports.items()
    }
    receivers = {}
    heard = {name: lambda log, name=name: by_all(receivers)[name](log) for name in ports}
    async with (
        contextlib.AsyncExitStack() as stack,
        duty(tmp_path, channels, heard, steps=BOTH) as (one, built),
    ):
        await one.all_are("up")
        built.echoes[CIRCUIT].silent = built.echoes[THIRD].silent = True
        await one.until(lambda: waits_for(one, ports, 2))
        built.echoes[CIRCUIT].silent = False
        await one.all_are("up", CIRCUIT)
        await one.until(lambda: opened(one, {f"own/output-channel-{name}" for name in ports}), 60)
        metrics = await one.ask("/metrics")
        for name, port in ports.items():
            receivers[name] = await stack.enter_async_context(receiving(200, port=port))
        one.is_back()
        for receiver in receivers.values():
            await until(lambda r=receiver: {("recovery", CIRCUIT), ("alarm", THIRD)} <= {*said(r)})

    assert 'command_monitor_output_connected{output="channel-hall"} 0' in metrics


async def opened(one, subjects):
    """Tell whether there are alarms of all these."""
    return subjects <= {alarm["subject"] for alarm in (await order(one, order="alarm/list"))["alarms"]}


async def waits_for(one, names, count):
    """Tell whether *count* alarms wait, and each of these channels is said to be in trouble."""
    outputs = (await one.status())["vitals"]["outputs"]
    listed = await order(one, order="alarm/list")
    return len(listed["alarms"]) >= count and not any(
        outputs[f"channel-{name}"]["connected"] for name in names
    )


async def test_sixty_circuits_that_break_in_one_second_are_all_told_in_few_messages_and_so_is_their_return(
    tmp_path,
):
    async with mail_server() as box, receiving(200) as hall:
        options = {"kind": "email", "host": "127.0.0.1", "port": box.port, "security": "none"}
        channels = {
            "mail": options | {"sender": "monitor@example.test", "per_minute": 12},
            "hall": channel(hall),
        }
        heard = by_all({"hall": hall}) | {"mail": lambda log: by_mail(box.came, log.by_code(), log.keys())}
        gathered = Terms(untimed={"mail"})
        whole = duty(tmp_path, channels, heard, gathered, CENTERS, rules=CIRCUITS_ALONE, steps=MAIL_TOO)
        async with whole as (one, built):
            await one.all_are("up")
            cut = [name for name in built.echoes if name.endswith("primary")]
            for name in cut:
                built.echoes[name].silent = True
            await until(lambda: {("alarm", name) for name in cut} <= {*said(hall)})
            for name in cut:
                built.echoes[name].silent = False
            await until(lambda: {("recovery", name) for name in cut} <= {*said(hall)})

    assert len(cut) == 60
    assert len(box.came) <= 12
