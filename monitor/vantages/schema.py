"""What vantages say to each other as documents: a JSON Schema of each message, and where it is said."""

from typing import Any, NamedTuple

from monitor.vantages.topics import ACK, BELIEF, DAEMON, LOG
from monitor.vantages.wire import Ack, BeliefWord, Chunk, DaemonWord, Wire

DIALECT = "https://json-schema.org/draft/2020-12/schema"


class Channel(NamedTuple):
    """One kind of message."""

    shape: str
    """Topic below the root; the names in braces are levels of it."""
    model: type[Wire]
    retained: bool


CHANNELS: dict[str, Channel] = {
    "vantage_daemon": Channel(DAEMON, DaemonWord, retained=True),
    "vantage_belief": Channel(BELIEF, BeliefWord, retained=True),
    "vantage_log": Channel(LOG, Chunk, retained=False),
    "vantage_ack": Channel(ACK, Ack, retained=True),
}

PARAMETERS = {
    "vantage": "Id of the place where the daemon runs, from the inventory.",
    "check": "Readable path of a check, `danjiangkou/province/primary/icmp`: several levels of the topic.",
}


def schemas() -> dict[str, dict[str, Any]]:
    """Return the JSON Schema of each message, by channel; each stands on its own."""
    return {
        name: {"$schema": DIALECT, **channel.model.model_json_schema(mode="serialization")}
        for name, channel in CHANNELS.items()
    }
