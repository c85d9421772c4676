"""Looks from what files say of them: the probe kind's own options are parsed here, once."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import ValidationError

from monitor.config.document import Node
from monitor.config.expansion import fill
from monitor.config.schema import LookFile, NameFile
from monitor.config.validation import explained, truths
from monitor.config.words import one_of
from monitor.core.inventory import Look, Name
from monitor.errors import Problem
from monitor.ports import ProbeKind, ProbeOptions

OWN_KEYS = frozenset(LookFile.model_fields)
"""Keys of a look that are not options of its kind."""


@dataclass(frozen=True, slots=True)
class Manner:
    """What holds where a look does not say."""

    kind: str | None
    period: float
    deadline: float

    def under(self, look: LookFile) -> "Manner":
        """Return the same with what *look* says on top."""
        period = look.period or self.period
        deadline = look.deadline or min(self.deadline, period)
        return Manner(look.kind or self.kind, period, deadline)


PATH = Manner("icmp", 1.0, 1.0)
"""How circuits and anchors are looked at unless the file says otherwise."""
DEVICE = Manner(None, 10.0, 5.0)
"""The rhythm of device looks whose profile names none."""


def named(name: NameFile, otherwise: Name) -> Name:
    """Return a name in both languages; one stands in for the other, *otherwise* for both."""
    return Name(name.zh or name.en or otherwise.zh, name.en or name.zh or otherwise.en)


@dataclass(frozen=True, slots=True)
class Aim:
    """What a look is aimed at: filled in where the kind's options have it and the file does not say."""

    host: str
    source: str | None = None
    interface: str | None = None


class LookMaker:
    """Makes looks; what is wrong with them is added to *problems*."""

    def __init__(self, kinds: Mapping[str, ProbeKind], problems: list[Problem]) -> None:
        self._kinds = kinds
        self._problems = problems

    def make(
        self,
        look: LookFile,
        node: Node,
        aim: Aim,
        *,
        manner: Manner,
        name: str | None = None,
        at: tuple[str, ...] = (),
        variables: Mapping[str, Node] | None = None,
        center: str = "",
    ) -> Look | None:
        """Return the look that *node* describes; None if it is wrong.

        Without a *name* it is called like its kind. With *variables* its texts are filled first, and known
        by their effective path *at*.
        """
        manner = manner.under(look)
        if manner.kind is None:
            if node.child("kind") is None:  # otherwise it is an unknown one, which was told
                self._wrong(node, "kind", "nothing", one_of(self._kinds, "a kind"))
            return None
        if (kind := self._kinds.get(manner.kind)) is None:
            self._wrong(node, "kind", repr(manner.kind), one_of(self._kinds, "a kind"))
            return None
        if manner.deadline > manner.period:
            self._wrong(node, "deadline", f"{manner.deadline:g}", f"at most the period ({manner.period:g})")
            return None
        options = self._options(node, kind, aim, variables, at)
        if options is None:
            return None
        means = named(look.means, Name("", "")) if look.means is not None else None
        rhythm = manner.period, manner.deadline
        about = f"{center}/{look.about}" if look.about is not None else None
        return Look(name or kind.name, kind.name, options, *rhythm, means, kind.told, about, options.reaches)

    def _options(
        self,
        node: Node,
        kind: ProbeKind,
        aim: Aim,
        variables: Mapping[str, Node] | None,
        at: tuple[str, ...],
    ) -> ProbeOptions | None:
        own = {key: child for key, child in node.children().items() if key not in OWN_KEYS}
        node = replace(node, value=own)
        if variables is not None:
            before = len(self._problems)
            node = fill(node, variables, at, self._problems)
            if "url" in own and ":" in aim.host:
                address = replace(node, value=f"[{aim.host}]")
                bracketed = fill(own["url"], {**variables, "address": address}, (*at, "url"), [])
                node = replace(node, value={**node.children(), "url": bracketed})
            if len(self._problems) > before:
                return None
        if misplaced := truths(node, kind.options):
            self._problems += misplaced
            return None
        try:
            return kind.options.model_validate(_filled_in(node, kind, aim))
        except ValidationError as error:
            self._problems += explained(error, node, kind.options, also=OWN_KEYS)
            return None

    def _wrong(self, node: Node, key: str, found: str, expected: str) -> None:
        place = (node.child(key) or node).place
        path = ".".join((*node.place.path, key))
        self._problems.append(Problem(place.file, place.line, path, found, expected))


def _filled_in(node: Node, kind: ProbeKind, aim: Aim) -> dict[str, object]:
    known = kind.options.model_fields
    values = {key: child.plain() for key, child in node.children().items()}
    values = {key: value for key, value in values.items() if value is not None or key not in known}
    for key, value in values.items():
        if key.endswith("_file") and isinstance(value, str):
            values[key] = str(Path(node.children()[key].place.file).resolve().parent / value)
    for key in ("host", "source", "interface"):
        value = getattr(aim, key)
        if value is not None and key in known:
            values.setdefault(key, value)
    return values
