"""Brings a message to a URL as JSON, signed, under a name by which a double shows."""

import time
from pathlib import Path

from pydantic import Field
from yarl import URL

from monitor.core.alarm import Address, Message
from monitor.kit import tls
from monitor.kit.courier import Fate, Page, Receipt, bring
from monitor.kit.http_client import Ask
from monitor.kit.signing import signed
from monitor.kit.text import clean, discreet
from monitor.ports import ChannelOptions, OneWay, as_json

ADDRESS = Address.NONE
AT_ONCE = 4
REPORTS = False


class Options(ChannelOptions):
    """Where to bring messages."""

    url: Page = Field(description="Where to bring them, `https://host/path`.")
    ca: Path | None = Field(default=None, description="PEM file of who may vouch for it; none: the system's.")


class WebhookChannel(OneWay):
    """Makes one POST for each attempt; a status of the two hundreds is the yes."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._secret = None if options.password is None else options.password.get_secret_value()

    async def send(self, message: Message) -> Receipt:
        """Bring *message*; what the receiver says of a status that is no yes is told."""
        options, body = self._options, as_json(message)
        headers = signed(message.key, int(time.time()), body, self._secret)
        headers |= {"Content-Type": "application/json", "Idempotency-Key": message.key}
        secure = options.url.startswith("https")
        try:
            settings = tls.context(str(options.ca) if options.ca else None) if secure else None
        except OSError as error:
            return Receipt(Fate.LATER, clean(f"ca: {error}"))
        receipt = await bring(Ask("POST", URL(options.url), headers, body), options.timeout, settings)
        hidden = (message.to, self._secret or "", options.url, URL(options.url).query_string)
        words = discreet(receipt.words, hidden)
        return Receipt(receipt.fate, words, receipt.wait)


def open(options: Options) -> WebhookChannel:  # noqa: A001 - the name of every kind's opener
    """Return the channel; nothing is connected until there is something to say."""
    return WebhookChannel(options)
