"""A daemon that tells officers of what happens in a town, judged by the ledger whatever a test does."""

import asyncio
from collections.abc import Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass

from monitor.kit.local import ask
from tests.system.daemon import daemon, subjects
from tests.system.duty_heard import by_http
from tests.system.duty_ledger import HEAD, ledger
from tests.system.duty_world import Done
from tests.system.lives import DETECTION
from tests.system.town import town

ROSTER = """
officers:
  zhang: {name: 张伟, phone: 13900000001, email: zhang@example.test}
  wang: {name: 王主任, phone: 13900000009}
leaders: [wang]
shifts:
  all: {from: "00:00", to: "00:00", officers: [zhang], since: 2026-01-01}
plans:
  quick:
    steps:
"""
STEPS = """
      - {tell: duty, over: hall}
      - {after: 3, tell: leaders, over: tower}
    repeat: 0
"""
CIRCUITS_ALONE = "rules: [{plan: quick, area: circuit}]\n"
"""On a machine that is very busy the monitor may have to tell of itself."""
CIRCUIT = "dan/city/primary"
SOON = 2.0
"""Seconds before the next step of an alarm in which no scenario is ended."""
PATIENCE = 40.0


@dataclass
class Terms:
    """What a scenario does to the daemon and its channels, and what may therefore be."""

    in_flight: int = 0
    """Messages that may be under way when it is killed, at most."""
    dead: Collection[str] = ()
    """Channels that take nothing to the end."""
    untimed: Collection[str] = ()
    """What is not judged by its times: channels, `log`."""


NOTHING = Terms()


def channel(receiver, **more):
    """Return the settings of a channel that leads to an HTTP receiver."""
    return {"kind": "webhook", "url": receiver.url, "per_minute": 0} | more


def settings(tmp_path, channels, rules="", steps=STEPS):
    """Write a roster, and return the settings of a daemon that goes by it over these channels."""
    (tmp_path / "roster.yaml").write_text(f"{ROSTER.rstrip()}{steps}{rules}", encoding="utf-8")
    detection = DETECTION | {"hold": 1}
    return {"roster": str(tmp_path / "roster.yaml"), "channels": channels, "detection": detection}


@asynccontextmanager
async def duty(tmp_path, channels, heard, terms=NOTHING, centers=None, **more):
    """Run a daemon in a town that tells over these channels; give both, then judge.

    *heard*: what gives the messages of each, from the ledger's `Alarms`; *more*: `rules` and `steps` of the
    roster, and further settings.
    """
    lines = {name: more.pop(name) for name in ("rules", "steps") if name in more}
    async with town(tmp_path, centers) as built:
        told = settings(tmp_path, channels, **lines) | more
        async with judging(built, heard, terms) as case, daemon(tmp_path, built.file, **told) as one:
            case.one = one
            yield one, built
            await case.end()


@asynccontextmanager
async def over(tmp_path, first, second, rules="", terms=NOTHING, **more):
    """Do so with two receivers, `hall` and `tower`, and give all of them."""
    async with first as hall, second as tower:
        receivers = {"hall": hall, "tower": tower}
        channels = {name: channel(one) for name, one in receivers.items()}
        async with duty(tmp_path, channels, by_all(receivers), terms, rules=rules, **more) as (one, built):
            yield one, built, hall, tower


def by_all(receivers):
    """Return what gives the messages of these receivers."""
    return {name: lambda _, one=one: by_http(one) for name, one in receivers.items()}


@dataclass
class Case:
    """One scenario, until it is judged."""

    built: object
    terms: Terms
    one: object = None

    async def end(self):
        """Let all that was done be seen and told, and end the daemon, if the test has not done so."""
        if self.one.process.returncode is None:
            await self.one.until(self._is_settled, PATIENCE)
            await self.one.end()

    async def _is_settled(self):
        status = await self.one.status()
        healths = {one["id"]: one["health"] for one in subjects(status)}
        truth = {name: "down" if echo.silent else "up" for name, echo in self.built.echoes.items()}
        unsettled = [one for one in status["incidents"] if one["stage"] != "confirmed"]
        if unsettled or status["store"]["pending"] or any(healths.get(name) != truth[name] for name in truth):
            return False
        listed = await order(self.one, order="alarm/list")
        mended = "down" not in truth.values()
        return not any(self._goes_on(alarm, listed["at"], mended) for alarm in listed["alarms"])

    def _goes_on(self, alarm, now, mended):
        if any(
            one["rung"] == "composed" and one["channel"] not in self.terms.dead for one in alarm["notices"]
        ):
            return True
        ends_soon = (
            mended and alarm["area"] != "ourselves" and not alarm["drill"] and alarm["closed_at"] is None
        )
        return ends_soon or (alarm["due_at"] is not None and alarm["due_at"] < now + SOON)


@asynccontextmanager
async def judging(built, heard, terms=NOTHING):
    """Give a `Case`, and when its daemon has ended fail if anything in its ledger is wrong.

    *heard*: for each channel's name what gives its messages, from the ledger's `Alarms`.
    """
    case = Case(built, terms)
    yield case
    account = ledger(
        case.one.folder / "state" / "log-city.db",
        Done(built),
        heard,
        in_flight=terms.in_flight,
        dead=terms.dead,
        returns=case.one.returns,
        untimed=terms.untimed,
    )
    print(HEAD, account.line(case.one.folder.name[:33]), sep="\n")

    assert not account.faults(), "; ".join(account.faults())


async def order(one, **what):
    """Give the daemon an order over its socket."""
    return await asyncio.to_thread(ask, one.folder / "state" / "control-city.sock", what)
