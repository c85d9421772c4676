"""How this daemon hears the traps of devices."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field, IPvAnyAddress, model_validator

from monitor.config.schema import FileModel
from monitor.config.validation import wanted
from monitor.config.values import no_truth
from monitor.kit.snmp import Access, Known, Oid, Receiver
from monitor.kit.snmp.usm import Digest


class TrapSettings(FileModel):
    """Hearing the traps of devices: whoever sends a genuine one is looked at at once."""

    listen: IPvAnyAddress | None = None
    """Address to listen at, `0.0.0.0` or `::` for all; not set: traps are not heard."""
    port: Annotated[int, Field(ge=1, le=65535), BeforeValidator(no_truth)] = 162
    """UDP port; below 1024 it needs CAP_NET_BIND_SERVICE."""
    user: str | None = None
    """User by whom devices send traps of version 3."""
    auth: Digest = "sha256"
    """How the user is authenticated: `sha` or `sha256`."""
    auth_file: Path | None = None
    """File that holds the user's authentication password."""
    privacy_file: Path | None = None
    """File that holds the privacy password; default: the same."""
    community_file: Path | None = None
    """File that holds the community of traps of version 2c."""

    @model_validator(mode="after")
    def _hears_somebody(self) -> "TrapSettings":
        if (self.user is None) != (self.auth_file is None):
            raise wanted("`user` and `auth_file` together", found="one of them")
        if self.listen is not None and self.user is None and self.community_file is None:
            raise wanted("`user` or `community_file` too: whom to believe", found="neither")
        return self

    def receiver(self, nudge: Callable[[str], object]) -> Receiver | None:
        """Return who listens and tells *nudge* the address of each sender, if that is wanted."""
        if self.listen is None:
            return None
        host, plain, secure = str(self.listen), None, None
        if self.community_file is not None:
            plain = Access(host=host, community_file=str(self.community_file))
        if self.user is not None:
            privacy = None if self.privacy_file is None else str(self.privacy_file)
            auth = str(self.auth_file)
            secure = Access(host=host, user=self.user, auth=self.auth, auth_file=auth, privacy_file=privacy)

        def known() -> Known:
            return Known(*(None if access is None else access.who() for access in (plain, secure)))

        def heard(address: str, _what: Oid) -> None:
            nudge(address)

        return Receiver(host, self.port, known, heard)
