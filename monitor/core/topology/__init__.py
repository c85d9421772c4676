"""What can break on its own, and which looks would show it: the city as the diagnosis sees it.

`model` has the values, `components` what can break, `ways` what each look crosses, `names` what people call
it.
"""

from monitor.core.topology.model import Component, Exit, Kind, Observation, Passage, Topology
from monitor.core.topology.ways import observation_id, topology_of

__all__ = [
    "Component",
    "Exit",
    "Kind",
    "Observation",
    "Passage",
    "Topology",
    "observation_id",
    "topology_of",
]
