"""One value of an agent: whether it is what it should be."""

import time
from math import isfinite

from monitor.core.limits import Limit, judged
from monitor.core.observation import Finding, failed, ok
from monitor.kit.snmp import Question, Talk, Value, dotted, named
from monitor.kit.snmp.ber import ADDRESS, MISSING, OCTETS
from monitor.kit.text import clean
from monitor.probes.snmp.meter import TICKS_A_SECOND, Meter
from monitor.probes.snmp.options import UPTIME, Options

LONGEST_NUMBER = 32
"""Characters of a number that is written as text."""

REASONS = {
    "no_such_object": "the agent has no such value, or does not show it to us",
    "unexpected_value": "the value is not the one in `expect`",
    "not_a_number": "the value is no number, so that it has no limits and no rate",
    "too_high": "the number is above `warn_above`, or above `max_value`",
    "too_low": "the number is below `warn_below`, or below `min_value`",
}


class Single:
    """Asks for the value, and remembers what it takes to make a rate of it."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._oid = named(options.get or "")
        self._meter = Meter()

    def talk(self) -> Talk:
        """Ask once, and return the finding."""
        binds = yield Question((UPTIME, self._oid))
        told = {bind.oid: bind.value for bind in binds}
        uptime = told.get(UPTIME, Value(0, None)).number
        value = told.get(self._oid)
        values = {} if uptime is None else {"uptime": uptime / TICKS_A_SECOND}
        if value is None or value.tag in MISSING:
            return failed("no_such_object", f"nothing at {dotted(self._oid)}", path_up=True, **values)
        finding = self._judge(value, uptime)
        return finding._replace(values={**values, **finding.values})

    def _judge(self, value: Value, uptime: int | None) -> Finding:
        options = self._options
        if options.expect is not None:
            said = shown(value)
            if said != options.expect:
                told = f"{clean(said, 80)!r} where {options.expect[:80]!r} is expected"
                return failed("unexpected_value", told, path_up=True)
            return ok(clean(said, 80))
        number = _number(value)
        if number is None:
            if not options.numeric:
                return ok(clean(shown(value), 80))
            return failed("not_a_number", f"{clean(shown(value), 80)!r} is no number", path_up=True)
        if options.rate:
            rates, restarted = self._meter.rates({"value": value}, uptime, time.monotonic())
            if "value" not in rates:
                return ok("restarted: no rate yet" if restarted else "no rate yet")
            number = rates["value"]
        return self._within(number * options.scale)

    def _within(self, number: float) -> Finding:
        """Hold the number to its limits."""
        options, unit = self._options, self._options.unit
        limits = (
            Limit("too_high", options.label, number, options.warn_above, options.max_value, unit),
            Limit("too_low", options.label, number, options.warn_below, options.min_value, unit, low=True),
        )
        said = f"{options.label} {number:.6g}{f' {unit}' if unit else ''}"
        return judged(limits, said, value=number)


def shown(value: Value) -> str:
    """Return a value as text: numbers in decimal, object identifiers with dots, addresses likewise."""
    content = value.content
    if isinstance(content, tuple):
        return dotted(content)
    if isinstance(content, bytes):
        return dotted(content) if value.tag == ADDRESS else content.decode("utf-8", "replace")
    return "" if content is None else str(content)


def _number(value: Value) -> float | None:
    """Return a number, also one that is written as text, as agents do that measure in fractions."""
    if value.number is not None:
        return float(value.number)
    if value.tag != OCTETS or value.text is None or len(value.text) > LONGEST_NUMBER:
        return None
    try:
        number = float(value.text.decode("ascii").strip())
    except ValueError:
        return None
    return number if isfinite(number) else None
