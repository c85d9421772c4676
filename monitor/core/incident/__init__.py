"""Incidents: one root cause with a life, suspected → confirmed → recovering → closed.

An incident keeps its id whatever it is called. It is renamed only for a better name by far and ever more
rarely, it is not over because nothing is seen of it any more, and after each relapse it must be quiet for
twice as long.
"""

from monitor.core.incident.life import advance, let_go, recalled
from monitor.core.incident.model import HOLD, Book, Change, Incident, Other, Seen, Sighting, Stage

__all__ = [
    "HOLD",
    "Book",
    "Change",
    "Incident",
    "Other",
    "Seen",
    "Sighting",
    "Stage",
    "advance",
    "let_go",
    "recalled",
]
