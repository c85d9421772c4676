"""What is told of an open incident, as published, and how it is put into words."""

from collections.abc import Callable
from typing import Any

from pydantic import Field
from pydantic.config import JsonDict

from monitor.core.incident import Stage
from monitor.core.story import Story
from monitor.core.story_facts import incident_facts
from monitor.core.topology import Kind
from monitor.outputs.mqtt.payloads import NamePayload, Payload, Seconds, Stamp

_ISO: JsonDict = {"format": "date-time"}
_LISTS = ("evidence", "against", "others", "lost", "reduced", "works", "hidden", "traces", "names")
"""What is left out where it does not fit into one packet: the counts beside it tell enough."""
_TIMES = ("since", "confirmed_at", "recovering_at")


class SentencePayload(Payload):
    """One sentence for a duty officer."""

    zh: str
    en: str


class PathPayload(Payload):
    """What people call something that the payload mentions."""

    path: str
    zh: str
    en: str


class OtherPayload(Payload):
    """Another explanation that fits almost as well."""

    causes: tuple[str, ...]
    """Components that it blames instead; none: the looks are wrong."""
    confidence: float
    behind: float
    """How much worse it is, nats."""


class LeftPayload(Payload):
    """A link that still works, with less to spare than it had."""

    subject: str
    over: tuple[str, ...]
    """The circuits that are left."""


class CallPayload(Payload):
    """Whom to call, and what to ask for."""

    name: NamePayload
    """Of the carrier."""
    hotline: str
    """Telephone number of its fault desk; empty if not declared."""
    numbers: tuple[str, ...]
    """Its own names for the circuits that are broken; none: not declared, or all of them."""


class TracePayload(Payload):
    """Where the way over a circuit ends, as a trace from one vantage shows it."""

    vantage: str
    circuit: str
    at: float
    """When it was traced, Unix seconds."""
    target: str
    """The address that was traced."""
    reached: bool
    """It was reached: the way is whole again, or another leads there."""
    how: str
    """What ended it: an answer of the target, the refusal of a router (`host_unreachable` …), `silence`."""
    last: str
    """The last hop that answers; empty: not even the first does."""
    gone: str
    """The first behind it that answered when all was well, and no longer does; empty: not known."""
    hops: tuple[str, ...]
    """The hops now; empty text: silence. Of a long way the first and the last five."""
    was: tuple[str, ...]
    """The same when all was well; none: not known."""
    was_at: float | None
    """When that was traced, Unix seconds."""
    told: SentencePayload
    """The same for people."""


class IncidentPayload(Stamp):
    """One root cause with a life, while it is open; retained, cleared when it is closed."""

    seq: int
    """Counts with the statuses of this boot: of two with the same boot the one with the larger is newer."""
    valid_for: Seconds
    """A consumer must not take the incident for current once `now - at` is larger than this."""
    incident: str
    """Its id, the date and time of its first miss; it stays the same whatever the incident is called."""
    stage: Stage
    """`suspected`, `confirmed` or `recovering`; closed ones are cleared."""
    component: str
    """What is broken, readable path: `danjiangkou/province/primary`, `danjiangkou/power`, `network/city`."""
    kind: Kind
    """Of the component: `circuit`, `power`, `router`, `lan`, `network`, `device`, `service` …"""
    center: str | None
    """The center to which the component belongs; null if it belongs to none."""
    name: NamePayload
    """What people call the component."""
    group: tuple[str, ...]
    """Components that no evidence tells apart from it, itself first."""
    confidence: float
    """Probability that one of the group is broken."""
    since: float
    """When it began: at the first miss, not at our conclusion. Unix seconds."""
    since_iso: str = Field(json_schema_extra=_ISO)
    """The same as ISO 8601 with offset."""
    confirmed_at: float | None
    """When it was sure enough to be told to people; null: not yet."""
    confirmed_at_iso: str | None = Field(json_schema_extra=_ISO)
    """The same as ISO 8601 with offset."""
    recovering_at: float | None
    """Since when all is well again; null: it is not."""
    recovering_at_iso: str | None = Field(json_schema_extra=_ISO)
    """The same as ISO 8601 with offset."""
    relapses: int
    """How often it came back while it was recovering."""
    hold: Seconds
    """How long all must be well before it is closed; twice as long after each relapse."""
    behind: str | None
    """The broken component that hides it, so that its own state is unknown; null: nothing does."""
    called: tuple[str, ...]
    """Components that it was called after before it was confirmed to be this one."""
    planned: bool
    """It is being worked on."""
    failing: int
    """How many observations look down because of it."""
    evidence: tuple[str, ...]
    """The first of them: vantage and check."""
    contradicting: int
    """How many observations look up though it should make them look down."""
    against: tuple[str, ...]
    """The first of them."""
    others: tuple[OtherPayload, ...]
    """What else fits, the likeliest first."""
    deciding: tuple[str, ...]
    """Observations that would tell it from what it may be as well."""
    affected: int
    """How many links, devices and services are lost or have less to spare."""
    lost: tuple[str, ...]
    """The first of those that are lost."""
    reduced: tuple[LeftPayload, ...]
    """The first of those that have less to spare."""
    works: tuple[str, ...]
    """Links and devices of its center that it leaves alone, as far as they can be seen."""
    hiding: int
    """How many components nothing can be known of because of it."""
    hidden: tuple[str, ...]
    """The first of them."""
    isolated: bool
    """The daemon itself is cut off from every network: all else is unknown to it."""
    carriers: tuple[CallPayload, ...]
    """Whom to call; none where no carrier has to mend it."""
    traces: tuple[TracePayload, ...]
    """Where the ways over its circuits end, the first few, from each end that was traced."""
    names: tuple[PathPayload, ...]
    """What people call everything that is mentioned."""
    sentence: SentencePayload
    """All of it in one sentence for a duty officer."""


def incident_payload(
    story: Story, stamp: dict[str, Any], iso: Callable[[float], str], *, brief: bool
) -> IncidentPayload:
    """Put a story into words; *stamp* says who tells it and when, *brief* without what may be long."""
    facts: dict[str, Any] = {**stamp, **incident_facts(story)}
    facts |= {f"{key}_iso": None if facts[key] is None else iso(facts[key]) for key in _TIMES}
    if brief:
        facts |= dict.fromkeys(_LISTS, ())
    return IncidentPayload.model_validate(facts)
