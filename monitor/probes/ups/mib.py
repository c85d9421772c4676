"""A UPS with a network card of its own: UPS-MIB, RFC 1628."""

from monitor.core.observation import failed
from monitor.kit.snmp import Oid, Question, Talk
from monitor.probes.ups.options import Options
from monitor.probes.ups.reading import Reading

REASONS = {"no_ups": "the agent tells nothing of a UPS: it has no UPS-MIB, or does not show it to us"}

_UPS: Oid = (1, 3, 6, 1, 2, 1, 33, 1)
_COLUMNS: dict[str, Oid] = {
    "battery": (*_UPS, 2, 1, 0),
    "seconds": (*_UPS, 2, 2, 0),
    "minutes": (*_UPS, 2, 3, 0),
    "charge": (*_UPS, 2, 4, 0),
    "source": (*_UPS, 4, 1, 0),
    "load": (*_UPS, 4, 4, 1, 5, 1),
    "test": (*_UPS, 7, 3, 0),
}
_ALARMS: Oid = (*_UPS, 6, 2, 1, 2)
_BAD: Oid = (*_UPS, 6, 3, 1)
_OVERLOAD: Oid = (*_UPS, 6, 3, 8)
_LOW = {3, 4}
_NONE, _BYPASS, _BATTERY = 2, 4, 5
_TESTS = {2: "warning", 3: "error"}
_MOST_ALARMS = 20


class Card:
    """Asks the network card of a UPS."""

    def __init__(self, options: Options) -> None:
        self._options = options

    def talk(self) -> Talk:
        """Ask for the state and then for the alarms, and return the finding."""
        binds = yield Question(tuple(_COLUMNS.values()))
        told = {bind.oid: bind.value.number for bind in binds}
        numbers = {word: told.get(oid) for word, oid in _COLUMNS.items()}
        if numbers["battery"] is None and numbers["source"] is None:
            return failed("no_ups", "no UPS-MIB", path_up=True)
        answer = yield Question((_ALARMS,), _MOST_ALARMS)
        alarms: set[object] = {bind.value.content for bind in answer if bind.oid[: len(_ALARMS)] == _ALARMS}
        return _reading(numbers, alarms).judged(self._options)


def _reading(numbers: dict[str, int | None], alarms: set[object]) -> Reading:
    source, minutes = numbers["source"], numbers["minutes"]
    on_battery = source == _BATTERY
    return Reading(
        on_battery=on_battery,
        low=on_battery and numbers["battery"] in _LOW,
        off=source == _NONE,
        overload=_OVERLOAD in alarms,
        replace=_BAD in alarms,
        bypass=source == _BYPASS,
        tested_badly=_TESTS.get(numbers["test"] or 0, ""),
        charge=_share(numbers["charge"]),
        runtime=None if minutes is None else minutes * 60.0,
        load=_share(numbers["load"]),
        seconds=None if numbers["seconds"] is None else float(numbers["seconds"]),
    )


def _share(percent: int | None) -> float | None:
    return None if percent is None else percent / 100
