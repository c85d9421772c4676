"""Look once, or a few times, at one target from the shell.

Every kind takes its own options; `command-monitor probe KIND --help` lists them. Exit code 0: every look
found the target well; 1: a look failed, or found a value beyond its limit; 2: the call is wrong, or a look
could not be made.
"""

import argparse
import asyncio
import math
import re
import time
from collections.abc import Callable, Sequence
from typing import Any, Literal, get_args, get_origin

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from monitor.cli.probe.shown import as_json, as_text, milliseconds
from monitor.config.validation import worded
from monitor.core.observation import Finding, Outcome
from monitor.engine.runner import observe
from monitor.errors import MonitorError
from monitor.kit.resolver import close_shared
from monitor.kit.text import clean
from monitor.ports import ProbeKind, ProbeOptions
from monitor.probes import load_kinds

HELP = "look at one target from the shell"

TIMEOUT = 5.0
INTERVAL = 1.0
_OURS = frozenset({"help", "count", "interval", "timeout", "json"})
_HOST_AND_PORT = re.compile(r"(?:\[([^\]\s]+)\]|([^:\s]+)):(\d{1,5})")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the kinds and what each can be told."""
    kinds = parser.add_subparsers(title="kinds", metavar="KIND", required=True)
    for name, kind in load_kinds().items():
        sub = kinds.add_parser(name, help=_sentence(kind.summary), description=kind.summary)
        sub.set_defaults(kind=kind)
        _of_looking(sub)
        _of_the_kind(sub, kind)


def run(args: argparse.Namespace) -> int:
    """Look as often as told and return the exit code; an interrupt ends with the summary, too."""
    kind: ProbeKind = args.kind
    options = _options(kind, args)
    session = _Session(kind, options, args.target, as_json if args.json else as_text)
    try:
        asyncio.run(session.run(args.count, args.interval, args.timeout))
    except KeyboardInterrupt:
        print()
    if not args.json:
        session.sum_up()
    return session.exit_code


def _of_looking(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("looking")
    group.add_argument("target", metavar="TARGET", help="host, host:port or URL, as the kind has it")
    group.add_argument(
        "--count", type=_count, default=1, metavar="N", help="looks; 0: until Ctrl-C (%(default)s)"
    )
    group.add_argument(
        "--interval", type=_seconds, default=INTERVAL, metavar="S", help="seconds between looks (%(default)g)"
    )
    group.add_argument(
        "--timeout", type=_seconds, default=TIMEOUT, metavar="S", help="seconds a look may take (%(default)g)"
    )
    group.add_argument("--json", action="store_true", help="print one object per look")


def _of_the_kind(parser: argparse.ArgumentParser, kind: ProbeKind) -> None:
    group = parser.add_argument_group(f"options of {kind.name}")
    for key, field in kind.options.model_fields.items():
        if key != _subject(kind):
            _declare(group, kind, key, field)


def _declare(group: Any, kind: ProbeKind, key: str, field: FieldInfo) -> None:  # noqa: ANN401 - argparse hides it
    told: dict[str, Any] = {"dest": f"option_{key}", "default": argparse.SUPPRESS}
    told["help"] = _help(field).replace("%", "%%")
    if field.annotation is bool:
        told["action"] = argparse.BooleanOptionalAction
    elif get_origin(field.annotation) is dict:
        told |= {"action": "append", "metavar": "NAME=TEXT"}
    elif get_origin(field.annotation) is tuple:
        told |= {"action": "append", "metavar": "TEXT"}
    elif get_origin(field.annotation) is Literal:
        told["metavar"] = "|".join(map(str, get_args(field.annotation)))
    else:
        told["metavar"] = key.upper()
    group.add_argument(_flag(kind, key), **told)


def _flag(kind: ProbeKind, key: str) -> str:
    """Return the flag of an option; one of the same name as ours bears the kind's name in front."""
    return f"--{kind.name}-{key}" if key in _OURS else f"--{key.replace('_', '-')}"


def _help(field: FieldInfo) -> str:
    text = _sentence(field.description or "")
    if (
        field.is_required()
        or field.annotation is bool
        or field.default in (None, "")
        or field.default_factory
    ):
        return text
    return f"{text} ({field.default})"


def _sentence(text: str) -> str:
    return text[:1].lower() + text[1:].rstrip(".") if not text[1:2].isupper() else text.rstrip(".")


def _subject(kind: ProbeKind) -> str:
    return "url" if "url" in kind.options.model_fields else "host"


def _options(kind: ProbeKind, args: argparse.Namespace) -> ProbeOptions:
    given = {
        key.removeprefix("option_"): value for key, value in vars(args).items() if key.startswith("option_")
    }
    for key, value in given.items():
        if get_origin(kind.options.model_fields[key].annotation) is dict:
            given[key] = dict(_pair(kind, key, text) for text in value)
    given[_subject(kind)] = args.target
    split = _HOST_AND_PORT.fullmatch(args.target)
    if split and "port" in kind.options.model_fields and "port" not in given:
        given["host"], given["port"] = split[1] or split[2], split[3]
    try:
        return kind.options(**given)
    except ValidationError as error:
        lines = [_complaint(kind, problem) for problem in error.errors(include_url=False)]
        raise MonitorError("\n".join(lines)) from error


def _pair(kind: ProbeKind, key: str, text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise MonitorError(f"{_flag(kind, key)}: {clean(text, 60)!r} is not NAME=TEXT")
    return name, value


def _complaint(kind: ProbeKind, problem: ErrorDetails) -> str:
    message = problem["msg"].removeprefix("Value error, ")
    where = str(problem["loc"][0]) if problem["loc"] else _named(kind, message)
    flag = "TARGET" if where == _subject(kind) else _flag(kind, where)
    if problem["type"] == "value_error":
        return f"{flag}: {message}"
    found, expected, hint = worded(problem, kind.options)
    return f"{flag}: found {found}, expected {expected}" + (f" (did you mean {hint}?)" if hint else "")


def _named(kind: ProbeKind, message: str) -> str:
    """Return the option that a complaint about several names first."""
    words = re.findall(r"\w+", message)
    return next((word for word in words if word in kind.options.model_fields), _subject(kind))


Show = Callable[[ProbeKind, str, int, float, float, Finding, Sequence[str]], str]


class _Session:
    """A few looks at one target, and what came of them."""

    def __init__(self, kind: ProbeKind, options: ProbeOptions, target: str, show: Show) -> None:
        self._kind, self._options, self._target, self._show = kind, options, target, show
        self._outcomes: list[Outcome] = []
        self._poor = False
        self._times: list[float] = []
        self._lines: Sequence[str] = ()

    async def run(self, count: int, interval: float, deadline: float) -> None:
        """Look *count* times, *interval* seconds apart; without a count until it is cancelled."""
        clock = asyncio.get_running_loop().time
        due = clock()
        try:
            while True:
                await self._look(deadline)
                if len(self._outcomes) == count:
                    return
                due = max(due + interval, clock())
                await asyncio.sleep(due - clock())
        finally:
            await close_shared()

    async def _look(self, deadline: float) -> None:
        at = time.time()
        self._lines = ()
        finding, took = await observe(self._once, deadline)
        self._outcomes.append(finding.outcome)
        if finding.outcome is Outcome.OK:
            self._poor |= finding.reason != "ok"
            self._times.append(finding.values.get("rtt", took))
        told = self._show(self._kind, self._target, len(self._outcomes), at, took, finding, self._lines)
        print(told, flush=True)

    async def _once(self) -> Finding:
        if self._kind.at_length is None:
            return await self._kind.probe(self._options)
        finding, self._lines = await self._kind.at_length(self._options)
        return finding

    @property
    def exit_code(self) -> int:
        """Return 1 if a look failed or found something poor, 2 if one could not be made, 0 if all is well."""
        if Outcome.FAILED in self._outcomes or self._poor:
            return 1
        return 2 if Outcome.UNKNOWN in self._outcomes or not self._outcomes else 0

    def sum_up(self) -> None:
        """Print loss and times of several looks."""
        looks, times = len(self._outcomes), self._times
        if looks < 2:  # noqa: PLR2004 - a single look is its own summary
            return
        counts = ", ".join(f"{self._outcomes.count(outcome)} {outcome}" for outcome in Outcome)
        known = looks - self._outcomes.count(Outcome.UNKNOWN)
        loss = f", {self._outcomes.count(Outcome.FAILED) / known:.0%} loss" if known else ""
        print(f"--- {self._kind.name} {clean(self._target, 100)}\n{looks} looks: {counts}{loss}")
        if times:
            spread = (min(times), sum(times) / len(times), max(times))
            shown = "/".join(milliseconds(value) for value in spread)
            print(f"rtt min/avg/max {shown} ms")


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError("must be a whole number from 0 on")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds <= 3600:  # noqa: PLR2004
        raise argparse.ArgumentTypeError("must be seconds, more than 0 and at most 3600")
    return seconds
