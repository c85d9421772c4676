"""Waits to be told: a thing reports to the daemon by itself, and its silence is the fault."""

from pydantic import Field

from monitor.core.observation import Finding, failed, unknown
from monitor.core.report import Standing, Told, finding_of
from monitor.ports import ReportOptions, Word

TOLD = Told.BY_THING

REASONS = {
    "silent": "nothing was heard of it for longer than its latest report holds",
    "reported_failed": "it reports itself that it has failed",
    "reported_degraded": "it reports itself that it works, and not as it should",
    "never_heard": "nothing was heard of it yet",
    "deaf": "its latest report holds no longer, and meanwhile we could not have heard another one",
}

VALUES = {"age": ("seconds", "since the latest report")}


class Options(ReportOptions):
    """How long a report holds, and who may report."""

    token_file: str | None = Field(
        default=None,
        description="File with the token that reports over HTTP must bring, 16 characters at least; without "
        "one, none are taken by that way.",
    )
    values: tuple[Word, ...] = Field(
        default=(), max_length=16, description="Names of the values that it may report, shown in the metrics."
    )


async def probe(options: Options) -> Finding:
    """Say that nobody can be asked: only the daemon hears."""
    return judged(options, Standing(None))


def judged(options: Options, standing: Standing) -> Finding:
    """Return what the latest report, or the silence since, says."""
    report, age, listened = standing
    if report is None:
        return unknown("never_heard", "it has not reported to this daemon")
    if age <= options.valid_for:
        return finding_of(report, age)
    silence = f"nothing since {age:.0f} s, though a report holds for {options.valid_for:g} s"
    if listened <= options.valid_for:
        return unknown("deaf", f"{silence}; we could hear for {listened:.0f} s of them")
    return failed("silent", silence, age=age)
