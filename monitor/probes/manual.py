"""Waits for a roll-call: somebody tries it by radio or telephone, and enters how it went."""

from monitor.core.observation import Finding, unknown
from monitor.core.report import Standing, Told, finding_of
from monitor.ports import ReportOptions

TOLD = Told.BY_PERSON

REASONS = {
    "reported_failed": "who tried it got no answer",
    "reported_degraded": "who tried it got an answer, and not a good one",
    "not_reported": "no roll-call was entered yet: one is due",
    "expired": "the result of the latest roll-call holds no longer: another one is due",
}

VALUES = {"age": ("seconds", "since the result was entered")}


class Options(ReportOptions):
    """How long a result holds."""


async def probe(options: Options) -> Finding:
    """Say that nobody can be asked: the daemon alone knows what was entered."""
    return judged(options, Standing(None))


def judged(options: Options, standing: Standing) -> Finding:
    """Return what the latest result says, while it holds."""
    report, age, _ = standing
    if report is None:
        return unknown("not_reported", "enter the first result: command-monitor report")
    if age > options.valid_for:
        return unknown(
            "expired", f"the latest result is {age:.0f} s old; it held for {options.valid_for:g} s"
        )
    return finding_of(report, age)
