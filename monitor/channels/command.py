"""Runs a program of this machine, such as one that sounds a siren, and tells it the message."""

import asyncio
import os

from pydantic import ConfigDict, Field

from monitor.core.alarm import Address, Message
from monitor.kit import process
from monitor.kit.courier import Fate, Receipt
from monitor.kit.program import ENVIRONMENT, Argument, Program
from monitor.kit.text import clean, discreet
from monitor.ports import ChannelOptions, OneWay, as_json

ADDRESS = Address.NONE
AT_ONCE = 1
REPORTS = False


class Options(ChannelOptions):
    """Which program to run, and with which arguments; there is no shell in between."""

    model_config = ConfigDict(str_strip_whitespace=False)

    program: Program = Field(description="Absolute path of the program, without `..`.")
    arguments: tuple[Argument, ...] = Field(
        default=(),
        max_length=64,
        description="Its arguments, each as it is; the message comes on standard input, as JSON.",
    )


class CommandChannel(OneWay):
    """Runs the program once for each attempt; its exit code is the answer."""

    def __init__(self, options: Options) -> None:
        self._options = options

    async def send(self, message: Message) -> Receipt:
        """Run the program to its end; at the deadline it is killed, and its children with it."""
        options = self._options
        arguments = [options.program, *options.arguments]
        try:
            async with asyncio.timeout(options.timeout):
                ended = await process.run(arguments, ENVIRONMENT, as_json(message))
        except TimeoutError:
            return Receipt(Fate.UNSURE, f"killed after {options.timeout:g} s")
        except OSError as error:
            return Receipt(Fate.LATER, clean(f"{options.program}: {os.strerror(error.errno or 0)}"))
        if ended.code == 0:
            return Receipt(Fate.TAKEN)
        said = (ended.complaints.strip() or ended.output.strip()).decode("utf-8", "replace")
        how = f"exit code {ended.code}" if ended.code > 0 else f"killed by signal {-ended.code}"
        return Receipt(_fate(ended.code), discreet(f"{how}: {said}" if said else how, (message.to,)))


def open(options: Options) -> CommandChannel:  # noqa: A001 - the name of every kind's opener
    """Return the channel; nothing runs until there is something to say."""
    return CommandChannel(options)


def _fate(code: int) -> Fate:
    """Return what an exit code says: EX_TEMPFAIL of sysexits.h asks for another attempt."""
    if code < 0:
        return Fate.UNSURE
    return Fate.LATER if code == os.EX_TEMPFAIL else Fate.REFUSED
