"""What is said of circuits, links, devices, centers and networks, from what is believed of their checks."""

from monitor.core.health.assessment import assess_center, assess_network
from monitor.core.health.status import REACHABLE, Health, Status, SubjectKind, View, is_cut

__all__ = [
    "REACHABLE",
    "Health",
    "Status",
    "SubjectKind",
    "View",
    "assess_center",
    "assess_network",
    "is_cut",
]
