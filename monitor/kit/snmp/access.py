"""How an agent is reached and who asks: the options that all kinds of looks over SNMP have in common."""

from typing import Self

from pydantic import BaseModel, Field, IPvAnyAddress, model_validator

from monitor.kit import secret
from monitor.kit.snmp.usm import SHORTEST, Digest, User
from monitor.kit.sockets import Family, Host, Interface, clash


class Access(BaseModel):
    """Where the agent is, and how we prove who we are."""

    host: Host = Field(description="Name or address of the agent.")
    port: int = Field(default=161, ge=1, le=65535, description="UDP port of the agent.")
    user: str | None = Field(
        default=None,
        min_length=1,
        max_length=32,
        description="User of SNMP version 3, with authentication and privacy (AES-128).",
    )
    auth: Digest = Field(default="sha256", description="How the user is authenticated: `sha` or `sha256`.")
    auth_file: str | None = Field(
        default=None, min_length=1, description="File that holds the user's authentication password."
    )
    privacy_file: str | None = Field(
        default=None, min_length=1, description="File that holds the privacy password; default: the same."
    )
    community_file: str | None = Field(
        default=None,
        min_length=1,
        description="File that holds the community of version 2c, which anybody on the way can read.",
    )
    family: Family = Field(default="any", description="`ipv4`, `ipv6` or `any`: which address of a name.")
    source: IPvAnyAddress | None = Field(default=None, description="Address of ours to send from.")
    interface: Interface | None = Field(default=None, description="Interface of ours to send over.")

    @model_validator(mode="after")
    def _one_way_to_prove_it(self) -> Self:
        self.check_access()
        return self

    def check_access(self) -> None:
        """Raise ValueError unless there is exactly one way to prove who asks."""
        if (trouble := clash(self.host, self.family, self.source)) is not None:
            raise ValueError(trouble)
        if (self.user is None) == (self.community_file is None):
            raise ValueError("either user (version 3) or community_file (version 2c) is needed")
        if self.user is not None and self.auth_file is None:
            raise ValueError("user needs auth_file")
        if self.user is None and (self.auth_file or self.privacy_file):
            raise ValueError("auth_file and privacy_file need user")

    def who(self) -> bytes | User:
        """Return the community, or the user with his passwords; raises OSError without quoting them."""
        if self.user is None:
            return secret.one_line(self.community_file or "").encode()
        auth = _password(self.auth_file or "")
        privacy = auth if self.privacy_file is None else _password(self.privacy_file)
        return User(self.user.encode(), self.auth, auth, privacy)


def _password(file: str) -> bytes:
    found = secret.one_line(file)
    if len(found) < SHORTEST:
        raise OSError(f"{file} holds a password of fewer than {SHORTEST} characters")
    return found.encode()
