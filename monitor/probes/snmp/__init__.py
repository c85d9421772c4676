"""Asks an agent over SNMP for a value, an interface, a neighbour or a test of the router's own."""

from collections.abc import Sequence
from typing import Any

from monitor.core.observation import Finding, failed, unknown
from monitor.kit import mishap
from monitor.kit import snmp as kit
from monitor.kit.mishap import Mishap
from monitor.ports import BatchEngine, Sink
from monitor.probes.snmp import interfaces, peers, remote, single
from monitor.probes.snmp.options import Options

REASONS = {
    **single.REASONS,
    **interfaces.REASONS,
    **peers.REASONS,
    **remote.REASONS,
    **kit.REASONS,
    **{word: meaning for word, meaning in mishap.PEERS.items() if word != "reset"},
    **kit.OURS,
    **mishap.OURS,
}

ANSWERS = frozenset(
    {
        *interfaces.REASONS,
        *peers.REASONS,
        *remote.REASONS,
        *("unexpected_value", "too_high", "too_low"),
    }
) - {"no_such_test", "test_not_run"}
"""Reasons in which the agent tells how the thing is that it was asked about."""

VALUES = {
    "rtt": ("seconds", "from the latest question to the kernel's receipt of its answer"),
    "uptime": ("seconds", "since the agent was started"),
    "value": ("as configured", "the number, times `scale`; of a counter, its growth a second"),
    **interfaces.VALUES,
    **peers.VALUES,
    **remote.VALUES,
}

__all__ = ["ANSWERS", "REASONS", "VALUES", "Options", "engine", "probe"]


async def probe(options: Options) -> Finding:
    """Ask once; a rate needs two looks, so by hand there is none."""
    return _finding(*await kit.converse(options, asker(options)))


def engine(sink: Sink) -> BatchEngine:
    """Return the batch form."""
    return _Engine(sink)


class _Engine:
    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._batch = kit.Batch(self._found)

    def prepare(self, options: Options) -> kit.Handle:
        """Return what is remembered of one agent from look to look."""
        return kit.Handle(options, asker(options))

    def send(self, due: Sequence[tuple[Any, object, float]]) -> None:
        """Ask all that are due."""
        self._batch.send(due)

    def close(self) -> None:
        """Give up what is under way."""
        self._batch.close()

    def _found(self, key: object, sent_at: float, rtt: float, result: object) -> None:
        self._sink.found(key, sent_at, _finding(rtt, result))


def asker(options: Options) -> kit.Asker:
    """Return who has the conversation that the options ask for, again and again."""
    if options.get is not None:
        return single.Single(options)
    if options.ifname is not None:
        return interfaces.Interface(options)
    if options.test is not None:
        return remote.RemoteTest(options)
    return peers.peer(options)


def _finding(rtt: float, result: object) -> Finding:
    if isinstance(result, Finding):
        return result._replace(values={"rtt": rtt, **result.values})
    if not isinstance(result, Mishap):
        return unknown("local_error", "the conversation returned nothing")
    if result.ours:
        return unknown(result.reason, result.text)
    return failed(result.reason, result.text, path_up=result.answered)
