"""Says a message where Apprise can: WeCom, DingTalk, Feishu and a hundred more services."""

import asyncio
import json
import os
import re
import sys
from urllib.parse import unquote

from pydantic import Field, SecretStr

from monitor.core.alarm import Address, Message
from monitor.kit import process
from monitor.kit.courier import Fate, Receipt
from monitor.kit.program import ENVIRONMENT
from monitor.kit.text import clean, discreet
from monitor.ports import ChannelOptions, OneWay

ADDRESS = Address.NONE
AT_ONCE = 2
REPORTS = False

SPEAKER = (sys.executable, "-m", "monitor.kit.chat")
"""The program that says one message; a process of its own, for the library bounds nothing itself."""
_KEY = 6
"""Characters from which a part of a URL may be a secret."""
_PARTS = re.compile(r"[/?&@=:]+")
_FATES = {0: Fate.TAKEN, 1: Fate.LATER, 2: Fate.LATER}
_WHY = {1: "not taken", 2: "Apprise does not know such a URL"}


class Options(ChannelOptions):
    """Where to say messages: the URL of Apprise is the secret, for it holds the keys."""

    timeout: float = Field(default=20.0, gt=0, le=300, description="Seconds that one attempt may take.")
    password: SecretStr = Field(exclude=True, description="The URL as Apprise wants it, `wecombot://KEY`.")


class AppriseChannel(OneWay):
    """Starts one process for each attempt; Apprise's yes is the yes, but its no does not say why."""

    def __init__(self, options: Options) -> None:
        self._url = options.password.get_secret_value()
        self._timeout = options.timeout

    async def send(self, message: Message) -> Receipt:
        """Say *message*; at the deadline the process is killed, and it may have been heard."""
        told = {"url": self._url, "title": message.title, "text": message.text, "severity": message.severity}
        environment = ENVIRONMENT | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        try:
            async with asyncio.timeout(self._timeout):
                ended = await process.run(SPEAKER, environment, json.dumps(told).encode())
        except TimeoutError:
            return Receipt(Fate.UNSURE, f"no answer within {self._timeout:g} s")
        except OSError as error:
            return Receipt(Fate.LATER, clean(f"{SPEAKER[0]}: {os.strerror(error.errno or 0)}"))
        fate = _FATES.get(ended.code, Fate.UNSURE)
        if fate is Fate.TAKEN:
            return Receipt(fate)
        said = (ended.complaints.strip() or ended.output.strip()).decode("utf-8", "replace")
        why = _WHY.get(ended.code, f"exit code {ended.code}")
        return Receipt(
            fate, discreet(f"{why}: {said.splitlines()[0]}" if said else why, self._hidden(message))
        )

    def _hidden(self, message: Message) -> list[str]:
        """Return the URL and every part of it that may be a key."""
        address = self._url.partition("://")[2]
        parts = [part for part in _PARTS.split(address) if len(part) >= _KEY]
        return [self._url, address, message.to, *parts, *map(unquote, parts)]


def open(options: Options) -> AppriseChannel:  # noqa: A001 - the name of every kind's opener
    """Return the channel; nothing runs until there is something to say."""
    return AppriseChannel(options)
