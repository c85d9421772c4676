"""Ways to reach people: one module per kind, and the file name is the kind.

A module offers `Options` (a `ChannelOptions`), `ADDRESS` (what it needs of an officer), `AT_ONCE` (messages
under way at the same time), `REPORTS` (it hears whether a message has arrived) and `open(options)`, which
gives a `Channel`. Queue, retries and receipts belong to the engine. Nothing else is needed to add a kind; a
contract test holds every module to this.
"""

import importlib
import pkgutil

from monitor.ports import ChannelKind


def load_channels() -> dict[str, ChannelKind]:
    """Return every kind of channel in this package, by name."""
    return {name: _load(name) for _, name, _ in pkgutil.iter_modules(__path__)}


def _load(name: str) -> ChannelKind:
    module = importlib.import_module(f"{__name__}.{name}")
    summary = (module.__doc__ or "").partition("\n")[0]
    return ChannelKind(
        name, summary, module.Options, module.open, module.ADDRESS, module.AT_ONCE, module.REPORTS
    )
