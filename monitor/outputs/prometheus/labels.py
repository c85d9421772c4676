"""Labels of samples, ready to be written: made once per check, used in every scrape."""

import re
from collections.abc import Iterable

from monitor.core.health import SubjectKind
from monitor.core.inventory import Inventory
from monitor.core.world import Check

Pairs = tuple[tuple[str, str], ...]

_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})


def escaped(value: str) -> str:
    """Write a label value as both text formats want it."""
    return value.translate(_ESCAPES)


def word(text: str) -> str:
    """Let a short stable word through, and nothing else: labels are no place for a peer's text."""
    return text if re.fullmatch(r"[a-z0-9_]{1,40}", text) else "other"


class Written:
    """Labels with their text; those with an empty value are left out.

    They are kept flat, name after value: there are tens of thousands, and the garbage collector looks at
    every tuple of tuples again and again but soon leaves tuples of strings alone.
    """

    __slots__ = ("_flat", "text")

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._flat = tuple(part for name, value in pairs if value for part in (name, value))
        self.text = ",".join(f'{name}="{escaped(value)}"' for name, value in self.pairs)

    @property
    def pairs(self) -> Pairs:
        """The labels themselves."""
        return tuple(zip(self._flat[::2], self._flat[1::2], strict=True))


class Labels(Written):
    """The labels of a subject or check, all from configuration.

    Their text lacks the closing brace, so that an Ending can follow; if there are none it is empty.
    """

    __slots__ = ()

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        super().__init__(pairs)
        self.text = self.text and "{" + self.text


class Ending(Written):
    """What follows a subject's labels in a sample line: further labels that many samples share, if any."""

    __slots__ = ()

    def __init__(self, *pairs: tuple[str, str]) -> None:
        super().__init__(pairs)
        self.text = f",{self.text}}} " if self.text else "} "


END = Ending()
NO_LABELS = Labels(())
BARE = Ending()
BARE.text = " "
"""Follows NO_LABELS, where no brace was opened."""


def check_labels(check: Check, inventory: Inventory) -> Pairs:
    """Name a check: its own path, its subject, the subject's place, and the way of looking."""
    kind = subject_kind(check.subject, inventory)
    place = subject_labels(check.subject, kind, inventory)
    return (("check", check.id), *place, ("probe", check.look.kind))


def subject_kind(subject: str, inventory: Inventory) -> SubjectKind:
    """Say what a subject's path names."""
    if subject in inventory.circuits:
        return SubjectKind.CIRCUIT
    if subject in inventory.devices:
        return SubjectKind.DEVICE
    if subject in inventory.centers:
        return SubjectKind.CENTER
    return SubjectKind.LINK if subject.partition("/")[0] in inventory.centers else SubjectKind.NETWORK


def subject_labels(subject: str, kind: SubjectKind, inventory: Inventory) -> Pairs:
    """Name a subject: its path, its kind, and center, network and role where it has them."""
    center, network, role = "", "", ""
    if kind is SubjectKind.NETWORK:
        network = subject.partition("/")[2]
    elif kind is SubjectKind.CIRCUIT and subject in inventory.circuits:
        circuit = inventory.circuits[subject]
        center, network, role = circuit.center, circuit.network, circuit.role.value
    elif kind is SubjectKind.LINK:
        center, _, network = subject.partition("/")
    else:
        center = subject.partition("/")[0]
    return (
        ("subject", subject),
        ("kind", kind.value),
        ("center", center),
        ("network", network),
        ("role", role),
    )


def subject_names(subject: str, inventory: Inventory) -> Pairs:
    """Give the names people use, and of a circuit what its carrier's hotline asks for."""
    first, _, rest = subject.partition("/")
    network = inventory.networks.get(rest.partition("/")[0])
    center = inventory.centers.get(first)
    device = inventory.devices.get(subject)
    names = [thing.name for thing in (center, device or network) if thing is not None]
    circuit = inventory.circuits.get(subject)
    carrier = inventory.carriers.get(circuit.carrier or "") if circuit else None
    return (
        ("name", " ".join(name.zh for name in names)),
        ("name_en", " ".join(name.en for name in names)),
        ("carrier", carrier.name.zh if carrier else ""),
        ("number", circuit.number if circuit else ""),
        ("hotline", carrier.hotline if carrier else ""),
    )
