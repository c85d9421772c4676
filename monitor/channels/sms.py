"""Sends a short message by a modem of this machine, through smstools3 or Gammu, and hears what comes back."""

import asyncio
import contextlib
import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal, TypeVar

import structlog
from pydantic import Field

from monitor.core.alarm import SHORTEST, Address, Message, Severity
from monitor.kit.courier import Fate, Receipt
from monitor.kit.sms import (
    Arrived,
    Found,
    GammuSpool,
    Heard,
    Parcel,
    SmstoolsSpool,
    Spool,
    Stage,
    international,
)
from monitor.kit.sms.spool import PREFIX
from monitor.kit.text import clean, discreet
from monitor.ports import Back, ChannelOptions, Delivered, Hear, Reply

log = structlog.get_logger()
ADDRESS = Address.PHONE
AT_ONCE = 4
REPORTS = True

LOOKING = 0.2
"""Seconds between two looks at a message that is on its way."""
HEARING = 2.0
"""Seconds between two looks at what has come back."""
PARTING = 6.0
"""Seconds that taking a message back may last."""
Out = TypeVar("Out")


class Options(ChannelOptions):
    """Which daemon drives the modem, and where its spool is."""

    timeout: float = Field(
        default=60.0,
        gt=0,
        le=300,
        description="Seconds in which a message must have been sent; then it is withdrawn.",
    )
    spooler: Literal["smstools", "gammu"] = Field(
        description="`smstools`: smsd of smstools3; `gammu`: gammu-smsd."
    )
    folder: Path = Field(
        default=Path("/var/spool/sms"),
        description="For smstools: where `outgoing`, `checked`, `sent`, `failed`, `report`, `incoming` are.",
    )
    database: Path = Field(
        default=Path("/var/lib/gammu/smsd.db"),
        description="For gammu: its SQLite database (`driver = sqlite3`).",
    )
    country: str = Field(
        default="86",
        pattern=r"^[1-9][0-9]{0,2}$",
        description="Prefix of the country for numbers that have none.",
    )
    reports: bool = Field(default=True, description="Ask the network for word when a message has arrived.")


class SmsChannel:
    """Lays each message into the spool once, and follows it until the network has taken it."""

    def __init__(self, options: Options) -> None:
        self._options = options
        gammu = options.spooler == "gammu"
        self._spool: Spool = GammuSpool(options.database) if gammu else SmstoolsSpool(options.folder)
        self._threads = ThreadPoolExecutor(AT_ONCE + 1, thread_name_prefix="sms")

    async def send(self, message: Message) -> Receipt:
        """Send *message* in its short form, which is never split; taken is what the network has taken."""
        try:
            parcel = self._parcel(message)
        except ValueError:
            return Receipt(Fate.REFUSED, "the officer's telephone number is none")
        try:
            async with asyncio.timeout(self._options.timeout):
                try:
                    found = await self._in_thread(self._spool.lay, parcel)
                except OSError as error:
                    return Receipt(Fate.LATER, discreet(f"{type(error).__name__}: {error}", (parcel.number,)))
                return _receipt(await self._followed(parcel, found), parcel)
        except TimeoutError:
            return await self._withdrawn(parcel)
        except OSError as error:
            return Receipt(Fate.UNSURE, discreet(f"{type(error).__name__}: {error}", (parcel.number,)))

    async def run(self, hear: Hear) -> None:
        """Bring back what comes; a spool that cannot be read is looked at again."""
        trouble = ""
        while True:
            try:
                for one in await self._in_thread(self._spool.back):
                    await hear(_brought(one))
                    await self._in_thread(self._spool.forget, one.token)
                trouble = ""
            except OSError as error:
                if trouble != (trouble := discreet(str(error), ())):
                    log.warning("sms.deaf", trouble=trouble)
            await asyncio.sleep(HEARING)

    async def aclose(self) -> None:
        """Let the threads go; one that hangs on a dead disk is not waited for."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _parcel(self, message: Message) -> Parcel:
        name = PREFIX + hashlib.sha256(message.key.encode()).hexdigest()[:24]
        number = international(message.to, self._options.country)
        urgent = message.severity is Severity.CRITICAL
        return Parcel(name, number, _short(message.short), urgent, self._options.reports)

    async def _followed(self, parcel: Parcel, found: Found) -> Found:
        while found.stage in {Stage.WAITING, Stage.SENDING}:
            await asyncio.sleep(LOOKING)
            found = await self._in_thread(self._spool.find, parcel.name)
        return found

    async def _withdrawn(self, parcel: Parcel) -> Receipt:
        """Take back what was not sent in time, for by then there may be more to say."""
        within = f"not sent within {self._options.timeout:g} s"
        with contextlib.suppress(TimeoutError, OSError):
            async with asyncio.timeout(PARTING):
                if await self._in_thread(self._spool.withdraw, parcel.name):
                    return Receipt(Fate.LATER, f"{within}: nobody took it out of the spool")
                return _receipt(await self._in_thread(self._spool.find, parcel.name), parcel, within)
        return Receipt(Fate.UNSURE, within)

    async def _in_thread(self, work: Callable[..., Out], *arguments: object) -> Out:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)


def open(options: Options) -> SmsChannel:  # noqa: A001 - the name of every kind's opener
    """Return the channel; the spool is not touched until there is something to say."""
    return SmsChannel(options)


def _receipt(found: Found, parcel: Parcel, otherwise: str = "") -> Receipt:
    """Say what follows; what is gone without a trace may have been sent, and would be again, and again."""
    match found.stage:
        case Stage.SENT:
            return Receipt(Fate.TAKEN, reference=parcel.name)
        case Stage.FAILED:
            return Receipt(Fate.LATER, discreet(f"the modem gave up: {found.words}", (parcel.number,)))
        case Stage.GONE:
            return Receipt(Fate.REFUSED, "gone from the spool: does its daemon keep what it has sent?")
    return Receipt(Fate.UNSURE, otherwise)


def _brought(one: Arrived | Heard) -> Back:
    if isinstance(one, Arrived):
        return Delivered(one.name, one.arrived, clean(one.words))
    return Reply(one.sender, clean(one.text))


def _short(text: str) -> str:
    """Return what fits into one message of UCS-2, in one piece."""
    if len(text.encode("utf-16-be", "replace")) <= 2 * SHORTEST:
        return text
    cut = text.encode("utf-16-be", "replace")[: 2 * SHORTEST - 2].decode("utf-16-be", "ignore")
    return f"{cut}…"
