"""The acts of this run as the event loop knows them: each under its name, the latest kept once recorded."""

import secrets
from collections import deque
from collections.abc import Container, Iterable

from monitor.core.act import Act
from monitor.store.audit import LATEST, Entry


class Recent:
    """Names acts, and keeps the latest that are recorded, for a file that may lose them again."""

    def __init__(self) -> None:
        self.recorded: deque[Entry] = deque(maxlen=LATEST)
        self._name = secrets.token_hex(8)
        self._named = 0

    def entries(self, acts: Iterable[Act]) -> list[Entry]:
        """Give each act a name that no other has."""
        named = []
        for act in acts:
            self._named += 1
            named.append(Entry(f"{self._name}-{self._named}", act))
        return named

    def is_ahead(self, latest: str, waiting: Container[str]) -> bool:
        """Tell whether a file that ends with act *latest* has lost some; *waiting*: not known to be in it."""
        return bool(self.recorded) and latest != self.recorded[-1].name and latest not in waiting
