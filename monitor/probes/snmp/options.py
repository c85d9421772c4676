"""What a look over SNMP can be told."""

from ipaddress import IPv4Address
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from monitor.kit.snmp import Access, Oid, named
from monitor.ports import ProbeOptions

UPTIME: Oid = (1, 3, 6, 1, 2, 1, 1, 3, 0)
"""sysUpTime.0, RFC 3418."""
QUESTIONS = ("get", "ifname", "bgp", "ospf", "bfd", "test")


class Options(ProbeOptions, Access):
    """What to ask the agent for, and what the answer should be."""

    get: str | None = Field(
        default=None, description="Object identifier of one value: `1.3.6.1.2.1.1.5.0`; it needs its index."
    )
    expect: str | None = Field(
        default=None,
        max_length=200,
        description="What the value must be, as text; without it, its limits count.",
    )
    rate: bool = Field(
        default=False, description="Whether the value is a counter whose growth a second counts."
    )
    scale: float = Field(
        default=1.0,
        gt=0,
        allow_inf_nan=False,
        description="What the number is multiplied with first: 0.1 for tenths.",
    )

    ifname: str | None = Field(
        default=None,
        min_length=1,
        max_length=255,
        description="Interface of the router, as in its `ifName` or `ifDescr`: `GigabitEthernet0/0/1`.",
    )
    warn_utilisation: float | None = Field(
        default=None, gt=0, description="Share of the interface's speed above which it is poor: 0.8."
    )
    max_utilisation: float | None = Field(default=None, gt=0, description="Above this it has failed.")
    warn_errors: float | None = Field(
        default=None, ge=0, description="Damaged packets a second above which the interface is poor."
    )
    max_errors: float | None = Field(default=None, ge=0, description="Above this it has failed.")
    bgp: IPv4Address | None = Field(default=None, description="BGP neighbour of the router.")
    ospf: IPv4Address | None = Field(
        default=None, description="OSPF neighbour: the address of its interface."
    )
    bfd: IPv4Address | None = Field(default=None, description="Far end of a BFD session.")
    test: str | None = Field(
        default=None,
        max_length=66,
        pattern=r"^([^/]{0,32}/[^/]{1,32}|\d{1,10})$",
        description="Test that the router runs itself, as `owner/name`; of `cisco` the number.",
    )
    test_mib: Literal["disman", "huawei", "cisco"] = Field(
        default="disman", description="Where the router tells its results; H3C does so in `disman`."
    )
    warn_round_trip: float | None = Field(
        default=None, gt=0, description="Seconds above which a test is poor."
    )
    max_round_trip: float | None = Field(default=None, gt=0, description="Seconds above which it has failed.")
    warn_loss: float | None = Field(
        default=None, ge=0, le=1, description="Share lost above which it is poor."
    )
    max_loss: float | None = Field(default=None, ge=0, le=1, description="Above this it has failed.")
    label: str = Field(default="value", max_length=40, description="What people call the number.")
    unit: str = Field(default="", max_length=20, description="What it counts, for people: `%`, `°C`.")
    max_value: float | None = Field(default=None, description="Above this the look has failed.")
    min_value: float | None = Field(default=None, description="Below this the look has failed.")
    warn_above: float | None = Field(default=None, description="Above this the number is poor.")
    warn_below: float | None = Field(default=None, description="Below this the number is poor.")

    @field_validator("get")
    @classmethod
    def _identifiers_are_numbers(cls, text: str | None) -> str | None:
        if text is not None:
            named(text)
        return text

    @model_validator(mode="after")
    def _one_question(self) -> Self:
        if sum(getattr(self, question) is not None for question in QUESTIONS) != 1:
            raise ValueError(f"exactly one of {', '.join(QUESTIONS)} is needed: what to ask for")
        if self.get is None and (self.expect is not None or self.numeric):
            raise ValueError("expect, rate and the limits of a number need get")
        if self.test is not None and (self.test_mib == "cisco") == ("/" in self.test):
            raise ValueError("test is owner/name, and of cisco a number")
        if self.expect is not None and self.numeric:
            raise ValueError("expect is for texts; limits and rate are for numbers")
        given = [limit for limit in self.limits if limit is not None]
        if given != sorted(given):
            raise ValueError("min_value, warn_below, warn_above and max_value must be in this order")
        return self

    @property
    def reaches(self) -> bool:
        """A test and a BFD session are over as soon as the far end is out of reach; other things go on."""
        return self.test is not None or self.bfd is not None

    @property
    def limits(self) -> tuple[float | None, ...]:
        """All limits, from the lowest to the highest."""
        return self.min_value, self.warn_below, self.warn_above, self.max_value

    @property
    def numeric(self) -> bool:
        """Only a number will do."""
        return self.rate or any(limit is not None for limit in self.limits)
