"""From what is confirmed to who is told: delays, storms, channels that come back, and kills.

    python -m tests.bench.bench_duty                      all of it
    python -m tests.bench.bench_duty --kills 20 --no-points

Incidents are those of a real daemon in a town in motion where it is killed; else they come as the diagnosis
tells them, at the stated pace, into the desk, the log (SQLite, synchronous) and the outbox. Mail goes to a
real SMTP server, messages for a place to a real HTTP server.
"""

import argparse
import asyncio
import json
import random
import re
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

from aiosmtpd.controller import UnthreadedController

from monitor.channels import load_channels
from monitor.core.alarm import Address, Plan, Rung, Step
from monitor.engine.lane import Open
from monitor.store import log_file
from tests.core.alarm_ground import named
from tests.engine.duty_ground import Room, Sink, room
from tests.outputs.receiver import receiving
from tests.system.duty_heard import by_hand, by_http, by_mail
from tests.system.duty_ledger import HEAD, Ledger, ledger
from tests.system.lives import lives
from tests.system.test_crash import FIRST, LED_TO, MATRIX

ROSTER = """
officers: {zhang: {name: 张伟}}
leaders: [zhang]
plans: {hall: {steps: [{tell: duty, over: hall}], repeat: 0}}
"""
SENDING = ("before_send:1", "before_send:50", "after_send_before_mark:1", "after_send_before_mark:50")
AT_ONCE = 4
"""Messages that a webhook has under way at a time."""
BATCH = 100
OVER = {"zh": "电路 09:14 起中断，恢复正常。", "en": "circuit: well again."}


class Mailbox:
    """Takes every mail; a real SMTP server speaks for it."""

    def __init__(self) -> None:
        self.mails: list[str] = []
        self.came: list[tuple[float, EmailMessage, str]] = []

    async def handle_DATA(self, _server: object, _session: object, envelope: object) -> str:  # noqa: N802
        """Keep a mail."""
        mail = message_from_bytes(envelope.content, policy=default)
        self.mails.append(mail.get_content())
        self.came.append((time.time(), mail, "250 kept"))
        return "250 kept"


@asynccontextmanager
async def mail(per_minute: int) -> AsyncIterator[tuple[Mailbox, Open]]:
    """Run an SMTP server, and give its box and the channel that leads there."""
    box = Mailbox()
    controller = UnthreadedController(box, "127.0.0.1", 0, loop=asyncio.get_running_loop())
    server = await asyncio.get_running_loop().create_server(controller.factory, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    kind = load_channels()["email"]
    options = kind.options(host="127.0.0.1", port=port, sender="monitor@example.org", security="none")
    try:
        yield box, Open(kind, kind.open(options), per_minute)
    finally:
        server.close()


def webhook(url: str, per_minute: int) -> Open:
    kind = load_channels()["webhook"]
    return Open(kind, kind.open(kind.options(url=url)), per_minute)


def plan(*over: str) -> Plan:
    return Plan("bench", (Step(0.0, ("duty",), over),), repeat=0.0)


def happen(built: Room, numbers: range, **more: object) -> None:
    """Tell of incidents as the diagnosis does."""
    told = [named(n) | more for n in numbers]
    built.telling.tell([built.telling.event("incident", one["component"], one) for one in told])


async def settled(built: Room, patience: float) -> float:
    """Wait until nothing is to be brought any more; return the seconds."""
    began = time.monotonic()
    async with asyncio.timeout(patience):
        while any(built.alarms.desk.waiting(name) for name in built.alarms.desk.reach.ways):
            await asyncio.sleep(0.05)
    return time.monotonic() - began


async def without_faults(count: int, folder: Path) -> int:
    """Confirm *count* incidents, one every 20 ms, and end them; return the faults."""
    async with mail(0) as (box, post), receiving(200) as hall:
        channels = {"mail": post, "hall": webhook(hall.url, 0)}
        async with room(channels, folder, plan=plan("mail", "hall")) as built:
            delays: list[float] = []
            moved = built.alarms.moved

            def watch(channel, letter, notices, words, *, news):
                delays.extend(
                    one.moved_at - one.composed_at for one in notices if one.rung is Rung.HANDED_OVER
                )
                moved(channel, letter, notices, words, news=news)

            built.alarms.moved = watch
            for number in range(count):
                happen(built, range(number, number + 1))
                await asyncio.sleep(0.02)
            await settled(built, 60)
            for number in range(count):
                happen(built, range(number, number + 1), stage="closed", sentence=OVER)
                if number % 10 == 0:
                    await asyncio.sleep(0.02)
            await settled(built, 60)
        bodies = [json.loads(body) for _, body in hall.heard]
        told = [(one["alarm"], one["what"]) for body in bodies for one in body["facts"]["alarms"]]
        delays.sort()
        median, worse = delays[len(delays) // 2], delays[int(0.95 * len(delays))]
        print(
            f"{count} incidents, one every 20 ms: {2 * count} notices expected at the hall, "
            f"{len(set(told))} got, {len(told) - len(set(told))} doubled; {len(box.mails)} mails; "
            f"confirmed to handed over: median {median:.3f} s, p95 {worse:.3f} s"
        )
    heard = {
        "hall": lambda _: by_http(hall),
        "mail": lambda log: by_mail(box.came, log.by_code(), log.keys()),
    }
    return accounted("without faults", ledger(log_file(folder, "city"), None, heard))


async def a_channel_that_returns(count: int, folder: Path) -> int:
    """Let *count* notices wait for a receiver that is away, see how soon it has them; return the faults."""
    async with receiving(503) as hall:
        async with room({"hall": webhook(hall.url, 0)}, folder, plan=plan("hall")) as built:
            for number in range(0, count, 10):
                happen(built, range(number, number + 10))
                await asyncio.sleep(0.01)
            await asyncio.sleep(20)
            away = len(hall.heard)
            hall.answers = [(200, {})]
            seconds = await settled(built, 120)
        bodies = [json.loads(body) for _, body in hall.heard[away:]]
        got = {one["alarm"] for body in bodies for one in body["facts"]["alarms"]}
        print(
            f"{count} notices behind a receiver that was away: {len(got)} brought "
            f"{seconds:.1f} s after its return"
        )
    heard = {"hall": lambda _: by_http(hall)}
    return accounted("a channel that returns", ledger(log_file(folder, "city"), None, heard))


async def a_storm(count: int, folder: Path) -> int:
    """Let *count* incidents be confirmed in a second or as fast as they can be told; return the faults."""
    sms = Sink()
    async with mail(6) as (box, post):
        channels = {"sms": sms.open(Address.PHONE, per_minute=6, at_once=2), "mail": post}
        async with room(channels, folder, plan=plan("sms", "mail")) as built:
            began = time.monotonic()
            for number in range(0, count, BATCH):
                happen(built, range(number, number + BATCH))
                await asyncio.sleep(max(0.0, began + number / count - time.monotonic()))
            told = time.monotonic() - began
            first = time.monotonic()
            await sms.until(1)
            first = time.monotonic() - first
            await settled(built, 300)
            seconds = time.monotonic() - began
            before = len(sms.brought), len(box.mails)
            again = time.monotonic()
            for number in range(0, count, BATCH):
                happen(built, range(number, number + BATCH), stage="closed", sentence=OVER)
                await asyncio.sleep(0)
            while built.alarms.desk.alarms:
                await asyncio.sleep(0.1)
            over = time.monotonic() - again
        listed = set(re.findall(r"电路(\d+) 09", "".join(box.mails)))
        print(
            f"{count} incidents within {told:.1f} s: {before[0]} short messages to 2 officers "
            f"(the first {first:.1f} s after), {before[1]} mails; all brought after {seconds:.1f} s; "
            f"{len(listed)} listed"
        )
        print(
            f"all {count} over at once: {len(sms.brought) - before[0]} short messages, "
            f"{len(box.mails) - before[1]} mails, everybody knows after {over:.1f} s"
        )
    heard = {
        "sms": lambda _: by_hand(enumerate(sms.brought)),
        "mail": lambda log: by_mail(box.came, log.by_code(), log.keys()),
    }
    return accounted("a storm", ledger(log_file(folder, "city"), None, heard, untimed=("log", "sms", "mail")))


def accounted(title: str, account: Ledger) -> int:
    """Print an account and return the number of faults."""
    print(account.line(title), flush=True)
    for fault in account.faults():
        print(f"    {fault}")
    return len(account.faults())


async def killed(rounds: int, seed: int, *, points: bool) -> int:
    """Kill a daemon that tells of a town in motion; return the number of faults."""
    print(HEAD)
    chance = random.Random(seed)  # noqa: S311 - no secret
    with tempfile.TemporaryDirectory() as folder:
        found = await lived(Path(folder), chance, ["" for _ in range(rounds)], f"{rounds} kills, seed {seed}")
    for point in (*MATRIX, *SENDING) if points else ():
        with tempfile.TemporaryDirectory() as folder:
            found += await lived(Path(folder), random.Random(seed), [point], point)  # noqa: S311
    return found


async def lived(folder: Path, chance: random.Random, ends: list[str], title: str) -> int:
    """Live and die as told, then live well once; print the account and return the number of faults."""
    (folder / "roster.yaml").write_text(ROSTER, encoding="utf-8")
    async with receiving(200) as hall:
        channels = {"hall": {"kind": "webhook", "url": hall.url, "per_minute": 0}}
        more = {"channels": channels, "roster": str(folder / "roster.yaml")}
        detection = {"false_alarms_per_year": 100, "suspicions_per_year": 10_000, "hold": 1}
        async with lives(folder, chance, 12, hold=(8.0, 16.0), detection=detection, **more) as all_lives:
            for end in ends:
                await one_life(all_lives, end, chance)
            await all_lives.end_well(8.0)
            account = ledger(
                all_lives.file,
                all_lives.script,
                {"hall": lambda _: by_http(hall)},
                in_flight=AT_ONCE * len(ends),
                returns=all_lives.one.returns,
            )
    return accounted(title, account)


async def one_life(all_lives, end: str, chance: random.Random) -> None:
    if not end:
        await all_lives.killed_after(chance.uniform(3.0, 15.0), of_work=True)
        return
    if end not in FIRST:
        await all_lives.end_well(5.0)
    await all_lives.die_at(end, LED_TO.get(end), patience=240.0)


async def all_of_it(args: argparse.Namespace) -> int:
    """Run what is wanted; return the number of faults."""
    found = 0
    if not args.only_kills:
        print(HEAD)
        for part, count in ((without_faults, 1000), (a_channel_that_returns, 1000), (a_storm, 10_000)):
            with tempfile.TemporaryDirectory() as folder:
                found += await part(count, Path(folder))
    if args.kills or not args.no_points:
        found += await killed(args.kills, args.seed, points=not args.no_points)
    return found


def main() -> int:
    """Print the figures; exit with 1 if something was lost, invented or doubled too often."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--no-points", action="store_true")
    parser.add_argument("--only-kills", action="store_true")
    parser.add_argument("--seed", type=int, default=7)
    return 1 if asyncio.run(all_of_it(parser.parse_args())) else 0


if __name__ == "__main__":
    sys.exit(main())
