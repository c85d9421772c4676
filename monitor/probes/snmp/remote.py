"""Tests that a router runs itself: what it sees of places that we do not reach.

DISMAN-PING-MIB (RFC 4560; also H3C's NQA), Huawei's NQA-MIB, Cisco's CISCO-RTTMON-MIB (IP SLA).
"""

from collections.abc import Generator

from monitor.core.limits import Limit, judged
from monitor.core.observation import Finding, failed, poor, unknown
from monitor.kit.snmp import Bind, Oid, Question, Talk
from monitor.kit.text import clean
from monitor.probes.snmp.options import Options

REASONS = {
    "no_such_test": "the router has no results of this test",
    "test_failed": "the router's own test has failed",
    "test_slow": "it took longer than `warn_round_trip`, `max_round_trip` or the router's own threshold",
    "test_loss": "less of it was answered than `warn_loss` or `max_loss` allows",
    "test_not_run": "the router has the test and does not run it, or has no result yet",
}
VALUES = {
    "round_trip": ("seconds", "of a router's test: the mean of its latest run"),
    "loss": ("ratio", "of a router's test: the share that was not answered"),
}

_DISMAN: Oid = (1, 3, 6, 1, 2, 1, 80, 1, 3, 1)
_STATUS, _AVERAGE, _ANSWERED, _SENT = 1, 6, 7, 8
_DISABLED = 2
_HUAWEI: Oid = (1, 3, 6, 1, 4, 1, 2011, 5, 25, 111)
_LATEST: Oid = (*_HUAWEI, 2, 3, 1, 8)
_RESULTS: Oid = (*_HUAWEI, 4, 1, 1)
_OUTCOME, _SHORTEST, _LONGEST = 3, 11, 12
_CISCO: Oid = (1, 3, 6, 1, 4, 1, 9, 9, 42, 1, 2, 10, 1)
_TOOK, _SENSE = 1, 2
_OK, _OVER_THRESHOLD = 1, 3
_SENSES = {
    2: "disconnected", 4: "timeout", 5: "busy", 6: "not connected", 7: "dropped", 8: "sequence error",
    9: "verify error", 10: "application error",
}  # fmt: skip
_MILLI = 0.001

Part = Generator[Question, tuple[Bind, ...], Finding]


class RemoteTest:
    """Asks for the latest result of a test."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._name = options.test or ""

    def talk(self) -> Talk:
        """Ask for the result, and return the finding."""
        ask = {"disman": self._disman, "huawei": self._huawei, "cisco": self._cisco}[self._options.test_mib]
        return (yield from ask())

    def _disman(self) -> Part:
        row = _row(self._name)
        columns = (_STATUS, _AVERAGE, _ANSWERED, _SENT)
        status, average, answered, sent = _numbers(
            (yield Question(tuple((*_DISMAN, column, *row) for column in columns))), len(columns)
        )
        if status is None:
            return self._missing()
        if status == _DISABLED or not sent:
            return unknown("test_not_run", f"{clean(self._name, 60)} has no result")
        lost = max(0.0, 1 - (answered or 0) / sent)
        if not answered:
            return failed("test_failed", f"none of {sent} was answered", path_up=True, loss=lost)
        return self._judge(None if average is None else average * _MILLI, lost)

    def _huawei(self) -> Part:
        row = _row(self._name)
        (latest,) = _numbers((yield Question(((*_LATEST, *row),))), 1)
        if latest is None:
            return self._missing()
        hop = (*row, latest, 1)
        columns = (_OUTCOME, _SHORTEST, _LONGEST)
        outcome, shortest, longest = _numbers(
            (yield Question(tuple((*_RESULTS, column, *hop) for column in columns))), len(columns)
        )
        if not outcome:
            return unknown("test_not_run", f"{clean(self._name, 60)} has no result")
        if outcome != _OK:
            return failed("test_failed", f"{clean(self._name, 60)} has failed", path_up=True)
        if shortest is None or longest is None:
            return self._judge(None, None)
        return self._judge((shortest + longest) / 2 * _MILLI, None)

    def _cisco(self) -> Part:
        row = (int(self._name),)
        took, sense = _numbers((yield Question(((*_CISCO, _TOOK, *row), (*_CISCO, _SENSE, *row)))), 2)
        if sense is None:
            return self._missing()
        if sense == _OVER_THRESHOLD:
            return poor(
                "test_slow", f"{took} ms, over the router's threshold", round_trip=(took or 0) * _MILLI
            )
        if sense != _OK:
            return failed("test_failed", _SENSES.get(sense, f"sense {sense}"), path_up=True)
        return self._judge(None if took is None else took * _MILLI, None)

    def _judge(self, took: float | None, lost: float | None) -> Finding:
        options, limits, values = self._options, [], {}
        if lost is not None:
            limits.append(Limit("test_loss", "loss", lost, options.warn_loss, options.max_loss))
            values["loss"] = lost
        if took is not None:
            most = (options.warn_round_trip, options.max_round_trip)
            limits.append(Limit("test_slow", "round trip", took, *most, "s"))
            values["round_trip"] = took
        return judged(limits, f"{clean(self._name, 60)} is well", **values)

    def _missing(self) -> Finding:
        return failed("no_such_test", f"no test {clean(self._name, 60)!r}", path_up=True)


def _row(name: str) -> Oid:
    """Return the index of a test: owner and name, each with its length in front."""
    owner, _, test = name.partition("/")
    return tuple(number for part in (owner.encode(), test.encode()) for number in (len(part), *part))


def _numbers(binds: tuple[Bind, ...], count: int) -> list[int | None]:
    """Return the numbers of an answer; an agent may tell less than it was asked for."""
    found = [bind.value.number for bind in binds[:count]]
    return found + [None] * (count - len(found))
