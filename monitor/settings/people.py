"""The roster that the settings name, and whether its plans speak of channels that there are."""

from collections.abc import Iterator

from monitor.config.document import Node, read
from monitor.config.roster import load_roster
from monitor.config.words import nearest, one_of, shown
from monitor.core.roster import Roster
from monitor.errors import ConfigError, Problem
from monitor.settings.model import Settings


def load_people(settings: Settings) -> Roster:
    """Return the roster that the settings name, an empty one if they name none.

    Raises ConfigError with every mistake, also for a plan that tells over a channel that the settings lack.
    """
    if settings.roster is None:
        return Roster()
    roster = load_roster(settings.roster)
    if problems := list(_strange_channels(settings, roster, read(settings.roster))):
        raise ConfigError(problems=problems)
    return roster


def _strange_channels(settings: Settings, roster: Roster, node: Node) -> Iterator[Problem]:
    names = list(settings.channels)
    for key, plan in roster.escalation.plans.items() if roster.escalation is not None else ():
        for number, step in enumerate(plan.steps):
            for way in (*step.over, *step.otherwise):
                if way not in settings.channels:
                    path = ("plans", key, "steps", str(number))
                    place = _place(node, path)
                    yield Problem(
                        place.place.file,
                        place.place.line,
                        ".".join(path),
                        shown(way),
                        one_of(names, f"a channel of {settings.file or 'the settings'}"),
                        nearest(way, names),
                    )


def _place(node: Node, path: tuple[str, ...]) -> Node:
    for key in path:
        node = node.child(key) or node
    return node
