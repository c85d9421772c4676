import pytest
from pydantic import Field

from monitor.core.observation import ok
from monitor.ports import ProbeKind, ProbeOptions


class Icmp(ProbeOptions):
    host: str
    source: str | None = None
    interface: str | None = None


class Knock(Icmp):
    port: int = Field(default=7, ge=1, le=65535)
    send: str = ""


class Page(ProbeOptions):
    url: str = Field(pattern="^https?://")


async def _probe(_):
    return ok()


@pytest.fixture
def kinds():
    """Kinds of our own, so that these tests do not change with the real ones."""
    options = {"icmp": Icmp, "knock": Knock, "page": Page}
    return {name: ProbeKind(name, f"{name}s.", shape, _probe, {}) for name, shape in options.items()}
