"""How this daemon answers the test packets of others."""

from ipaddress import ip_network
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, IPvAnyAddress, model_validator

from monitor.config.schema import FileModel
from monitor.config.validation import wanted
from monitor.config.values import no_truth
from monitor.kit.stamp import Counts, Network, Reflector


def _split(value: object) -> object:
    return value.replace(",", " ").split() if isinstance(value, str) else value


def _network(value: str) -> str:
    try:
        return str(ip_network(value))
    except ValueError:
        raise wanted("an address or a network, `10.42.0.0/16`") from None


class ReflectorSettings(FileModel):
    """Answering the `stamp` checks of others (RFC 8762)."""

    listen: Annotated[list[IPvAnyAddress], BeforeValidator(_split)] = Field(default=[])
    """Addresses to listen at, `0.0.0.0` and `::` for all of a family; none: nobody is answered."""
    port: Annotated[int, Field(ge=1, le=65535), BeforeValidator(no_truth)] = 862
    """UDP port; below 1024 it needs CAP_NET_BIND_SERVICE."""
    allow: Annotated[list[Annotated[str, AfterValidator(_network)]], BeforeValidator(_split)] = Field(
        default=[]
    )
    """Addresses and networks that are answered; nobody else is."""
    rate: Annotated[int, Field(ge=1, le=100_000), BeforeValidator(no_truth)] = 200
    """Packets per second of one sender that are answered; those of two seconds may come at once."""

    @model_validator(mode="after")
    def _answers_somebody(self) -> "ReflectorSettings":
        if self.listen and not self.allow:
            raise wanted("`allow` too: whom to answer", found="nobody in `allow`")
        return self

    def reflectors(self, counts: Counts) -> list[Reflector]:
        """Return a reflector for each address."""
        allow: list[Network] = [ip_network(network) for network in self.allow]
        return [Reflector(str(address), self.port, allow, self.rate, counts) for address in self.listen]
