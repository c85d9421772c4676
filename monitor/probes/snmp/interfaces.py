"""One interface of a router: whether it is up, how busy it is, and what it loses. IF-MIB, RFC 2863."""

import time

from monitor.core.limits import Limit, judged
from monitor.core.observation import Finding, failed
from monitor.kit.snmp import Oid, Question, Talk, Value
from monitor.kit.text import clean
from monitor.probes.snmp.meter import TICKS_A_SECOND, Meter
from monitor.probes.snmp.options import UPTIME, Options
from monitor.probes.snmp.rows import Rows

REASONS = {
    "no_such_interface": "the agent has no interface of this name",
    "admin_down": "the interface is switched off in the router's configuration",
    "oper_down": "the interface is switched on, and down",
    "utilisation": "more of the interface's speed is used than `warn_utilisation` or `max_utilisation`",
    "errors": "more packets are damaged a second than `warn_errors` or `max_errors`",
}
VALUES = {
    "received": ("bits per second", "of an interface: what comes in"),
    "sent": ("bits per second", "of an interface: what goes out"),
    "speed": ("bits per second", "of an interface: what it can do"),
    "utilisation": ("ratio", "of an interface: the busier direction's share of its speed"),
    "errors": ("packets per second", "of an interface: damaged ones, both directions"),
}

_ENTRY: Oid = (1, 3, 6, 1, 2, 1, 2, 2, 1)
_EXTENDED: Oid = (1, 3, 6, 1, 2, 1, 31, 1, 1, 1)
NAMES = ((*_EXTENDED, 1), (*_ENTRY, 2))
"""ifName and ifDescr."""
_COLUMNS: dict[str, Oid] = {
    "slow_speed": (*_ENTRY, 5),
    "admin": (*_ENTRY, 7),
    "oper": (*_ENTRY, 8),
    "slow_in": (*_ENTRY, 10),
    "errors_in": (*_ENTRY, 14),
    "slow_out": (*_ENTRY, 16),
    "errors_out": (*_ENTRY, 20),
    "in": (*_EXTENDED, 6),
    "out": (*_EXTENDED, 10),
    "speed": (*_EXTENDED, 15),
}
_UP, _DOWN = 1, 2
_STATES = {2: "down", 3: "testing", 4: "unknown", 5: "dormant", 6: "not present", 7: "lower layer down"}
_BITS = 8
_MEGA = 1_000_000


class Interface:
    """Asks for the interface, and remembers its number and counters."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._name = options.ifname or ""
        self._rows = Rows(NAMES, self._name.encode())
        self._meter = Meter()

    def talk(self) -> Talk:
        """Find the interface, ask for its row, and return the finding."""
        for _ in range(2):
            row = yield from self._rows.find()
            if row is None:
                break
            asked = {word: (*column, *row) for word, column in _COLUMNS.items()}
            binds = yield Question((UPTIME, self._rows.name, *asked.values()))
            told = {bind.oid: bind.value for bind in binds}
            if self._rows.is_it(told.get(self._rows.name)):
                uptime = told.get(UPTIME, Value(0, None)).number
                return self._judge({word: told.get(oid) for word, oid in asked.items()}, uptime)
            self._rows.forget()
        return failed("no_such_interface", f"no interface {clean(self._name, 60)!r}", path_up=True)

    def _judge(self, told: dict[str, Value | None], uptime: int | None) -> Finding:
        values = self._measure(told, uptime)
        admin, oper = (value.number if (value := told[word]) else None for word in ("admin", "oper"))
        if admin == _DOWN:
            return failed("admin_down", f"{self._name} is switched off", path_up=True, **values)
        if oper != _UP:
            state = _STATES.get(oper or 0, "in an unknown state")
            return failed("oper_down", f"{self._name} is {state}", path_up=True, **values)
        options = self._options
        limits = []
        if (used := values.get("utilisation")) is not None:
            most = (options.warn_utilisation, options.max_utilisation)
            limits.append(Limit("utilisation", "utilisation", used, *most))
        if (damaged := values.get("errors")) is not None:
            most = (options.warn_errors, options.max_errors)
            limits.append(Limit("errors", "errors", damaged, *most, "packets/s"))
        return judged(limits, f"{self._name} is up", **values)

    def _measure(self, told: dict[str, Value | None], uptime: int | None) -> dict[str, float]:
        """Return what is measured; 64-bit counters where the agent has them."""
        counts = {word: value for word, value in told.items() if value is not None}
        rates, _ = self._meter.rates(counts, uptime, time.monotonic())
        received = rates.get("in", rates.get("slow_in"))
        sent = rates.get("out", rates.get("slow_out"))
        speed = (_number(told["speed"]) or 0) * _MEGA or _number(told["slow_speed"]) or 0
        values = {} if uptime is None else {"uptime": uptime / TICKS_A_SECOND}
        if speed:
            values["speed"] = float(speed)
        if received is not None and sent is not None:
            values |= {"received": received * _BITS, "sent": sent * _BITS}
            if speed:
                values["utilisation"] = max(received, sent) * _BITS / speed
        if "errors_in" in rates and "errors_out" in rates:
            values["errors"] = rates["errors_in"] + rates["errors_out"]
        return values


def _number(value: Value | None) -> int | None:
    return None if value is None else value.number
