"""Where on the broker a subject is spoken of.

The readable path of a subject becomes levels of the topic, so a circuit has two after `circuit/`: network and
role. Networks have a tree beside `status/`, where no center's name can meet theirs.
"""

from monitor.core.health import Status, SubjectKind
from monitor.kit.mqtt import is_topic

SHAPES = {
    SubjectKind.CENTER: "status/{center}",
    SubjectKind.LINK: "status/{center}/link/{network}",
    SubjectKind.CIRCUIT: "status/{center}/circuit/{network}/{role}",
    SubjectKind.DEVICE: "status/{center}/device/{device}",
    SubjectKind.NETWORK: "network/{network}",
}
"""Topic below the root, by kind of subject; the names in braces are the levels of the subject's path."""

INCIDENT = "incident/{id}"
ALARM = "alarm/{id}"
TREES = ("status/#", "network/#", "incident/#", "alarm/#")
"""Filters below the root that match every status, every incident and every alarm."""

EVENT = "event"
DAEMON = "daemon/{vantage}"
DAEMONS = "daemon/+"
"""Filter below the root that matches what every daemon says of itself."""
ECHO = "daemon/{vantage}/echo"
"""Where the daemon calls itself, to see that the broker is there; of no meaning to others."""

_NAMES = {
    SubjectKind.CENTER: ("center",),
    SubjectKind.LINK: ("center", "network"),
    SubjectKind.CIRCUIT: ("center", "network", "role"),
    SubjectKind.DEVICE: ("center", "device"),
    SubjectKind.NETWORK: ("", "network"),
}
"""Names of the levels of a path; that of a network is `network/province`."""


def levels(status: Status) -> dict[str, str]:
    """Return the levels of the subject's path by name; raises ValueError if it is not such a path."""
    names, parts = _NAMES[status.kind], status.subject.split("/")
    if len(names) != len(parts):
        raise ValueError(f"{status.subject!r} is no path of a {status.kind}")
    return {name: part for name, part in zip(names, parts, strict=True) if name}


def topic_of(root: str, status: Status) -> str:
    """Return the topic of *status*; raises ValueError if its subject cannot stand in one."""
    return _checked(f"{root}/{SHAPES[status.kind].format(**levels(status))}")


def incident_topic(root: str, incident: str) -> str:
    """Return the topic of an incident by its id; raises ValueError if that cannot stand in one."""
    return _checked(f"{root}/{INCIDENT.format(id=incident)}")


def alarm_topic(root: str, alarm: str) -> str:
    """Return the topic of an alarm by its id, which becomes one level; raises ValueError if it cannot."""
    return _checked(f"{root}/{ALARM.format(id=alarm.replace('/', '-'))}")


def _checked(topic: str) -> str:
    if not is_topic(topic):
        raise ValueError(f"{topic!r} is no topic")
    return topic
