"""Ways of looking: one module per kind, and the file name is the kind.

A module offers `Options` (a `ProbeOptions`), `REASONS` (each reason it can give, with its meaning), `VALUES`
(each value it can measure, with its unit and meaning) and `async probe(options) -> Finding`; where it is run
by the thousand also `engine(sink) -> BatchEngine`, of which `probe` is then a thin wrapper; where it finds
more than fits into a detail also `at_length(options) -> (Finding, lines)`, for people. It looks once.
A kind that waits to be told offers `TOLD` (by whom) and `judged(options, standing) -> Finding` (what the
latest report says now), of which `probe` is the form without any report. A kind that asks a peer how
something else is offers `ANSWERS`: the reasons that are an answer to that, and not a refusal to give one.
Deadline, stopwatch and mishaps belong to the runner. Nothing else is needed to add a kind: no list, no
decorator; a contract test holds every module to this.
"""

import importlib
import pkgutil

from monitor.ports import ProbeKind


def load_kinds() -> dict[str, ProbeKind]:
    """Return every probe kind in this package, by name."""
    return {name: _load(name) for _, name, _ in pkgutil.iter_modules(__path__)}


def _load(name: str) -> ProbeKind:
    module = importlib.import_module(f"{__name__}.{name}")
    summary = (module.__doc__ or "").partition("\n")[0]
    engine = getattr(module, "engine", None)
    at_length = getattr(module, "at_length", None)
    reasons, values = dict(module.REASONS), dict(module.VALUES)
    told, judged = getattr(module, "TOLD", None), getattr(module, "judged", None)
    words = getattr(module, "ANSWERS", None)
    return ProbeKind(
        name, summary, module.Options, module.probe, reasons, engine, values, at_length, told, judged, words
    )
