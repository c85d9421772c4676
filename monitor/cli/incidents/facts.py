"""What is told of an incident, as it comes from a daemon or a log: checked, bounded and fit for a terminal.

Other vantages wrote into the log what they liked, and daemons of other versions tell more or less than ours.
"""

from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, ValidationError

from monitor.core.incident import Stage
from monitor.kit.text import clean

Short = Annotated[str, AfterValidator(clean)]
Long = Annotated[str, AfterValidator(lambda text: clean(text, 600))]
Paths = Annotated[tuple[Short, ...], Field(max_length=200)]
Count = Annotated[int, Field(ge=0, lt=2**53)]
Instant = Annotated[float, Field(gt=-1e11, lt=1e11)]
"""Unix seconds that have a date."""


class Facts(BaseModel):
    """What all parts have in common."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class NameFacts(Facts):
    """A text in both languages."""

    zh: Long
    en: Long

    def told(self, language: str) -> str:
        """Return it in *language*."""
        return self.zh if language == "zh" else self.en


class PathFacts(NameFacts):
    """What people call a thing."""

    path: Short


class OtherFacts(Facts):
    """Another explanation."""

    causes: Paths
    confidence: float
    behind: float
    """How much worse it is, nats."""


class LeftFacts(Facts):
    """A link that still works."""

    subject: Short
    over: Paths


class CallFacts(Facts):
    """Whom to call."""

    name: NameFacts
    hotline: Short = ""
    numbers: Paths = ()


class TraceFacts(Facts):
    """Where a way ends, as one trace shows it."""

    vantage: Short
    circuit: Short
    at: Instant
    told: NameFacts


class IncidentFacts(Facts):
    """All that is known of one incident; the keys are those of docs/mqtt.md."""

    incident: Annotated[str, Field(pattern=r"^[0-9]{8}-[0-9]{6}(-[0-9]{1,6})?$")]
    stage: Stage
    component: Short
    kind: Short
    center: Short | None = None
    name: NameFacts
    group: Paths = ()
    confidence: Annotated[float, Field(ge=0, le=1)]
    since: Instant
    confirmed_at: Instant | None = None
    recovering_at: Instant | None = None
    closed_at: Instant | None = None
    reason: Short | None = None
    relapses: Count = 0
    hold: Instant = 0.0
    behind: Short | None = None
    called: Paths = ()
    planned: bool = False
    failing: Count = 0
    evidence: Paths = ()
    contradicting: Count = 0
    against: Paths = ()
    others: Annotated[tuple[OtherFacts, ...], Field(max_length=100)] = ()
    deciding: Paths = ()
    affected: Count = 0
    lost: Paths = ()
    reduced: Annotated[tuple[LeftFacts, ...], Field(max_length=200)] = ()
    works: Paths = ()
    hiding: Count = 0
    hidden: Paths = ()
    isolated: bool = False
    carriers: Annotated[tuple[CallFacts, ...], Field(max_length=100)] = ()
    traces: Annotated[tuple[TraceFacts, ...], Field(max_length=100)] = ()
    names: Annotated[tuple[PathFacts, ...], Field(max_length=1000)] = ()
    sentence: NameFacts

    @property
    def withdrawn(self) -> bool:
        """It was a suspicion that did not come true."""
        return self.stage is Stage.CLOSED and self.confirmed_at is None

    @property
    def unwatched(self) -> bool:
        """It was closed because what was broken is no longer watched."""
        return self.reason == "unwatched"

    @property
    def unproven(self) -> bool:
        """Nobody saw it end, or begin."""
        return self.withdrawn or self.unwatched


def facts_of(told: Mapping[str, JsonValue]) -> IncidentFacts | None:
    """Read what is told of an incident; None if that cannot be understood."""
    try:
        return IncidentFacts.model_validate(told)
    except ValidationError:
        return None
