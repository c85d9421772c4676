"""The shape of the files: what may stand in an inventory and in a device profile, and what it means.

These models read files and are turned into core values at once; nothing behind the door sees them.
What a reference may name is told by the validation context (`carrier`, `network`, `profile` …).
"""

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from monitor.config.validation import wanted
from monitor.config.values import (
    Address,
    Clock,
    Day,
    Host,
    Id,
    Interface,
    Moment,
    Seconds,
    Text,
    Texts,
    Variables,
    as_written,
    known,
    no_truth,
)
from monitor.core.inventory import Bearer, Level, RiskKind
from monitor.core.planned import LONGEST_MINUTES, WEEK


class FileModel(BaseModel):
    """A mapping in a file: unknown keys are refused, keys without a value count as left out."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    @model_validator(mode="before")
    @classmethod
    def _leave_out_empty(cls, data: object) -> object:
        if data is None:
            return {}
        if not isinstance(data, dict):
            return data
        known = {field.alias or key for key, field in cls.model_fields.items()}
        return {key: value for key, value in data.items() if value is not None or key not in known}


class NameFile(FileModel):
    """What people call it, in Chinese and English; a plain text serves for both."""

    zh: Text = ""
    """In Chinese."""
    en: Text = ""
    """In English."""

    @model_validator(mode="before")
    @classmethod
    def _plain_text(cls, data: object) -> object:
        text = as_written(data)
        if text is not None and not isinstance(text, str | dict):
            raise wanted("a name, or {zh: …, en: …}")
        return {"zh": text, "en": text} if isinstance(text, str) else data


class NetworkFile(FileModel):
    """An upper network that every center must reach."""

    name: NameFile = NameFile()
    """What people call it."""
    anchor: Address | None = None
    """An address inside the network that answers pings; if it is silent too, the network is the suspect."""


class CarrierFile(FileModel):
    """Who provides circuits."""

    name: NameFile = NameFile()
    """What people call it."""
    hotline: Text = ""
    """The number to call when a circuit is broken."""


class ContactFile(FileModel):
    """A person or desk to call at a center."""

    name: Text
    """Who answers."""
    phone: Text = ""
    """The number."""


class LookFile(FileModel):
    """A way of looking. All other keys are options of the probe kind: `command-monitor schema` lists them."""

    model_config = ConfigDict(extra="allow")

    kind: Annotated[str, known("kind")] | None = None
    """The probe kind: icmp, tcp, http …"""
    period: Seconds | None = None
    """Seconds from one look to the next while all is well."""
    deadline: Seconds | None = None
    """Seconds after which no answer counts as a failure; at most the period."""
    means: NameFile | None = None
    """What a failure means in plain words."""
    about: Text | None = None
    """Of a device's look: the center's circuit whose state it tells, `province/primary`. A router that says
    that its interface or its neighbour there is down speaks of the circuit, not of itself."""


class CircuitFile(FileModel):
    """One physical bearer of a link."""

    near: Address
    """Address of the center's end."""
    far: Address | None = None
    """Address of the network's end."""
    carrier: Annotated[str, known("carrier")] | None = None
    """Who provides it: an id from `carriers`."""
    number: Text = ""
    """The carrier's own name for the circuit, which its hotline asks for."""
    bearer: Bearer = Bearer.FIBRE
    """What it runs on; each kind loses packets in its own way."""
    source: Address | None = None
    """Address at which the center's own daemon sends, so that its looks at the far end and at the network's
    anchor go over this circuit."""
    interface: Interface | None = None
    """Interface to which the center's own daemon binds, for the same purpose."""
    shared: bool = False
    """Its addresses may stand elsewhere too."""
    look: LookFile | None = None
    """What differs from `looks.circuit`."""


class LinkFile(FileModel):
    """A center's connection to one network."""

    primary: CircuitFile
    """The circuit that carries it while all is well."""
    backup: CircuitFile | None = None
    """The circuit that takes over."""


class DeviceFile(FileModel):
    """Equipment at a center."""

    address: Host | None = None
    """IP address, or a host name; may be left out only where nothing is asked, as of a radio."""
    profile: Annotated[str, known("profile")] | None = None
    """How such equipment is looked at: a file name in `profiles/`, without `.yaml`."""
    name: NameFile = NameFile()
    """What people call it; without one, the profile's name."""
    variables: Variables = {}
    """Values for the profile's variables."""
    shared: bool = False
    """Its address may stand elsewhere too, such as a router that is a circuit's end."""
    looks: dict[Id, LookFile | None] = {}
    """Looks besides the profile's; of the same name: what differs; without a value: left out."""


class RiskFile(FileModel):
    """What several circuits, devices or centers share, so that one fault takes them all."""

    kind: RiskKind = RiskKind.DUCT
    """What it is: a duct, a power feed, a carrier's exchange or backbone, equipment in which circuits end."""
    name: NameFile = NameFile()
    """What people call it; without one, its id."""
    members: list[Text] = Field(min_length=2)
    """Paths of circuits (`danjiangkou/city/primary`) and devices; a center's id means its power."""
    per_year: Annotated[float, Field(gt=0, le=1000), BeforeValidator(no_truth)] | None = None
    """How often it breaks in a year; left out: 0.3 a duct, 0.3 a feed, 0.1 a carrier's, 0.2 equipment."""


class WeeklyFile(FileModel):
    """When planned work is done every week."""

    days: list[Day] = Field(min_length=1, max_length=WEEK)
    """The days on which it begins."""
    at: Clock
    """The time of day at which it begins, `02:30`."""
    minutes: Annotated[float, Field(ge=1, le=LONGEST_MINUTES), BeforeValidator(no_truth)]
    """How long it takes; days that follow each other join up."""

    @model_validator(mode="after")
    def _ends(self) -> "WeeklyFile":
        if len(set(self.days)) == WEEK and self.minutes == LONGEST_MINUTES:
            raise wanted("a window that ends", found="every day, all day long")
        return self


class PlannedFile(FileModel):
    """Planned work: what may be down in a window of time without anybody being alarmed."""

    what: Texts
    """Paths of centers, links, circuits and devices, `network/…`, `risk/…`, `carrier/…`, `vantage/…`, or the
    `…/power` or `…/lan` of a center; all that belongs to them is covered, too. One path needs no list."""
    from_: Moment | None = Field(default=None, alias="from")
    """When it begins, `2026-11-24 22:00`, on the clocks of the settings' time zone."""
    to: Moment | None = None
    """When it ends."""
    weekly: WeeklyFile | None = None
    """When it is done every week, in place of `from` and `to`."""
    document: Text = ""
    """Number of the document that orders it."""
    note: Text = ""
    """What is done."""
    who: Text = ""
    """Who is in charge."""

    @model_validator(mode="after")
    def _once_or_weekly(self) -> "PlannedFile":
        once = [self.from_ is not None, self.to is not None]
        if (self.weekly is None) != all(once) or (self.weekly is not None and any(once)):
            raise wanted("either `from` and `to`, or `weekly`", found=_given(self))
        return self


def _given(planned: PlannedFile) -> str:
    given = {"from": planned.from_, "to": planned.to, "weekly": planned.weekly}
    return " and ".join(f"`{key}`" for key, value in given.items() if value is not None) or "neither"


class CenterFile(FileModel):
    """A command center. In a template: what its centers have in common."""

    template: Text | None = None
    """The template to start from: an id from `templates`."""
    name: NameFile = NameFile()
    """What people call it; without one, its id."""
    level: Level = Level.COUNTY
    """Its rank."""
    location: Text = ""
    """Where it is, for those who have to go there."""
    contacts: list[ContactFile] = []
    """Whom to call."""
    variables: Variables = {}
    """What `{name}` in its texts stands for; `{id}` is the center's id."""
    links: dict[Annotated[str, known("network")], LinkFile] = {}
    """Its connections, by network."""
    devices: dict[Id, DeviceFile] = {}
    """Its equipment."""


class VantageFile(FileModel):
    """A place where a daemon runs."""

    name: NameFile = NameFile()
    """What people call it; without one, its id."""
    center: Annotated[str, known("center")] | None = None
    """The center in which it stands: it looks at that center's own circuits and devices from inside."""
    networks: list[Annotated[str, known("network")]] | None = None
    """The networks through which it sees the other centers. Left out: all, or none if it is in a center."""


class LooksFile(FileModel):
    """How circuits, anchors and devices are looked at."""

    circuit: LookFile = LookFile()
    """Both ends of circuits; icmp every second unless told otherwise."""
    anchor: LookFile = LookFile()
    """The networks' anchors; icmp every second unless told otherwise."""
    device: LookFile = LookFile()
    """Period and deadline of device looks whose profile names none; every 10 s, 5 s to answer."""


class InventoryFile(FileModel):
    """The city as declared: who should reach whom over what."""

    city: NameFile
    """The city's name."""
    variables: Variables = {}
    """What `{name}` in texts stands for, everywhere in this file."""
    looks: LooksFile = LooksFile()
    """How things are looked at."""
    networks: dict[Id, NetworkFile] = Field(min_length=1)
    """The upper networks, by id."""
    carriers: dict[Id, CarrierFile] = {}
    """Who provides circuits, by id."""
    risks: dict[Id, RiskFile] = {}
    """What circuits, devices or centers share and lose together, by id; carriers are known already."""
    planned: dict[Id, PlannedFile] = {}
    """Planned work, by id."""
    templates: dict[Id, CenterFile] = {}
    """What like centers have in common, by id."""
    centers: dict[Id, CenterFile] = Field(min_length=1)
    """The command centers, by id."""
    vantages: dict[Id, VantageFile] = {}
    """Where daemons run, by id. Left out: one vantage `city` that sees all networks."""


class ProfileFile(FileModel):
    """A kind of equipment and how to look at it: `profiles/<name>.yaml`."""

    name: NameFile = NameFile()
    """What people call such equipment."""
    variables: Variables = {}
    """What `{name}` in the looks stands for, with its default; without one the device must give it."""
    looks: dict[Id, LookFile] = {}
    """The ways of looking, by name; `{address}` is the device's address."""
