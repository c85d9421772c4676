"""Rows of tables that are known by a name or an address, and numbered by the agent as it likes."""

from collections.abc import Generator

from monitor.kit.snmp import Bind, Oid, Question, Value, columns

Found = Generator[Question, tuple[Bind, ...], Oid | None]


class Rows:
    """Remembers where a row was; an agent that is restarted may number its rows anew."""

    def __init__(self, names: tuple[Oid, ...], wanted: bytes) -> None:
        """Prepare to look for *wanted* in the columns *names*, one after the other."""
        self._names = names
        self._wanted = wanted
        self._column: Oid = ()
        self._row: Oid | None = None

    @property
    def name(self) -> Oid:
        """Where the name of the row was found: to be asked for with the row, and to be checked."""
        return self._column + (self._row or ())

    def is_it(self, name: Value | None) -> bool:
        """Tell whether a row that is named so is still the one."""
        return name is not None and name.text == self._wanted

    def find(self) -> Found:
        """Return the number of the row, if need be by reading the columns; None if there is none."""
        if self._row is not None:
            return self._row
        for column in self._names:
            for row, name in (yield from columns(column)).items():
                if name.text == self._wanted:
                    self._column, self._row = column, row
                    return row
        return None

    def forget(self) -> None:
        """Look for it anew the next time."""
        self._row = None
