"""Where on the broker vantages speak to each other.

Everything that an agent publishes lies below `vantage/<its own name>/`, so that a broker can keep each to its
own tree. A check's readable path becomes levels of the topic.
"""

from monitor.kit.mqtt import is_topic

DAEMON = "vantage/{vantage}/daemon"
"""Birth, heartbeat, will and farewell of an agent; retained."""
BELIEF = "vantage/{vantage}/belief/{check}"
"""What it believes of one check; retained, expires."""
LOG = "vantage/{vantage}/log"
"""Its log, chunk by chunk; not retained."""
ECHO = "vantage/{vantage}/echo"
"""Where an agent calls itself, to see that the broker is there; of no meaning to others."""
ACK = "ack/{vantage}"
"""How far the collecting daemon has recorded its log; retained."""


def daemon_topic(root: str, vantage: str) -> str:
    """Return where *vantage* says how its daemon is."""
    return f"{root}/{DAEMON.format(vantage=vantage)}"


def belief_topic(root: str, vantage: str, check: str) -> str:
    """Return where *vantage* says what it believes of *check*; raises ValueError if that is no topic."""
    topic = f"{root}/{BELIEF.format(vantage=vantage, check=check)}"
    if not is_topic(topic):
        raise ValueError(f"{topic!r} is no topic")
    return topic


def beliefs_filter(root: str, vantage: str) -> str:
    """Return the filter of everything that *vantage* believes."""
    return f"{root}/{BELIEF.format(vantage=vantage, check='#')}"


def check_of(root: str, vantage: str, topic: str) -> str | None:
    """Return the check of a belief's topic; None if *topic* is not one of *vantage*."""
    stem = f"{root}/{BELIEF.format(vantage=vantage, check='')}"
    check = topic.removeprefix(stem)
    return check if check and check != topic else None


def log_topic(root: str, vantage: str) -> str:
    """Return where *vantage* tells its log."""
    return f"{root}/{LOG.format(vantage=vantage)}"


def echo_topic(root: str, vantage: str) -> str:
    """Return where *vantage* calls itself."""
    return f"{root}/{ECHO.format(vantage=vantage)}"


def ack_topic(root: str, vantage: str) -> str:
    """Return where the collecting daemon tells *vantage* how far it is."""
    return f"{root}/{ACK.format(vantage=vantage)}"
