"""What a look over SNMP can be told."""

from typing import Self

from pydantic import Field, field_validator, model_validator

from monitor.kit.snmp import Access, named
from monitor.ports import ProbeOptions


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
        if self.get is None:
            raise ValueError("get is needed: what to ask for")
        if self.expect is not None and self.numeric:
            raise ValueError("expect is for texts; limits and rate are for numbers")
        given = [limit for limit in self.limits if limit is not None]
        if given != sorted(given):
            raise ValueError("min_value, warn_below, warn_above and max_value must be in this order")
        return self

    @property
    def limits(self) -> tuple[float | None, ...]:
        """All limits, from the lowest to the highest."""
        return self.min_value, self.warn_below, self.warn_above, self.max_value

    @property
    def numeric(self) -> bool:
        """Only a number will do."""
        return self.rate or any(limit is not None for limit in self.limits)
