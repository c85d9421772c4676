"""The plans in a roster's file: who is told what, over which channel, and what follows if nobody answers."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from monitor.config.schema import FileModel
from monitor.config.validation import wanted
from monitor.config.values import Id, Text, known, no_truth
from monitor.config.words import nearest, one_of
from monitor.core.alarm import DUTY, LEADERS, Area, Escalation, Plan, Rule, Severity, Step

DAY = 86_400.0
Seconds = Annotated[float, Field(ge=0, le=7 * DAY, allow_inf_nan=False), BeforeValidator(no_truth)]


def as_list(value: object) -> object:
    """Take one thing as a list of it."""
    return value if isinstance(value, list) else [value]


class StepFile(FileModel):
    """One step: who is told, over what, and when."""

    after: Seconds = 0.0
    """Seconds after the alarm began; the first step's is 0."""
    tell: Annotated[list[Text], Field(min_length=1), BeforeValidator(as_list)]
    """`duty` (who is on duty at that moment), `leaders`, or ids of officers."""
    over: Annotated[list[Id], Field(min_length=1), BeforeValidator(as_list)]
    """Names of channels from the settings, all of them at once."""
    otherwise: Annotated[list[Id], BeforeValidator(as_list)] = Field(default_factory=list)
    """Channels that are used as well where a message was not brought in time, or cannot be."""
    within: Annotated[float, Field(ge=5, le=3600), BeforeValidator(no_truth)] = 60.0
    """Seconds that a message has for being brought before `otherwise` is used."""

    @field_validator("tell")
    @classmethod
    def _is_somebody(cls, words: list[str], info: ValidationInfo) -> list[str]:
        names = [DUTY, LEADERS, *(info.context or {}).get("officer", ())]
        for word in words:
            if word not in names:
                raise wanted(one_of(names, "whom to tell"), nearest(word, names))
        return words


class PlanFile(FileModel):
    """What is done about an alarm until somebody answers."""

    steps: Annotated[list[StepFile], Field(min_length=1, max_length=20)]
    """In order."""
    repeat: Seconds = 600.0
    """Seconds between two rounds through everybody once all steps are done; 0: there is no further round."""
    answer_holds: Seconds = 7200.0
    """Seconds after which an answer is no longer enough if the alarm is still there; 0: it always is."""

    @model_validator(mode="after")
    def _in_order(self) -> "PlanFile":
        times = [step.after for step in self.steps]
        if times != sorted(times) or times[0] != 0.0:
            raise wanted("steps in order of `after`, the first at 0", found="another order")
        if 0.0 < self.repeat < 60.0:  # noqa: PLR2004 - a minute
            raise wanted("`repeat` of at least 60 seconds, or 0", found=f"{self.repeat:g}")
        return self

    def plan(self, name: str) -> Plan:
        """Return it frozen."""
        steps = (
            Step(one.after, tuple(one.tell), tuple(one.over), tuple(one.otherwise), one.within)
            for one in self.steps
        )
        return Plan(name, tuple(steps), self.repeat, self.answer_holds)


class RuleFile(FileModel):
    """Which alarms a plan is for; the first rule that fits counts."""

    plan: Annotated[Text, known("plan")]
    """Name of a plan."""
    severity: Annotated[
        list[Literal["critical", "warning", "info"]], Field(min_length=1), BeforeValidator(as_list)
    ] = Field(default=["critical", "warning", "info"])
    """How urgent: critical (a center cannot reach a network), warning, info."""
    area: Annotated[
        list[Literal["center", "network", "circuit", "device", "ourselves"]],
        Field(min_length=1),
        BeforeValidator(as_list),
    ] = Field(default=["center", "network", "circuit", "device", "ourselves"])
    """What it is about: `ourselves` is this program and the machines that it runs on."""

    def rule(self) -> Rule:
        """Return it frozen."""
        return Rule(self.plan, frozenset(map(Severity, self.severity)), frozenset(map(Area, self.area)))


def escalation_of(plans: Mapping[str, PlanFile], rules: list[RuleFile]) -> Escalation | None:
    """Return the plans with their rules; without rules the first plan is for everything. None: no plans."""
    if not plans:
        return None
    built = {name: plan.plan(name) for name, plan in plans.items()}
    return Escalation(built, tuple(rule.rule() for rule in rules) or (Rule(next(iter(built))),))
