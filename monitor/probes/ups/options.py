"""What a look at a UPS can be told."""

from typing import Any, Self

from pydantic import Field, model_validator

from monitor.kit.snmp import Access
from monitor.kit.sockets import clash
from monitor.ports import ProbeOptions

NUT_PORT = 3493


class Options(ProbeOptions, Access):
    """Which UPS to ask, by what protocol, and what was promised of it."""

    port: int = Field(default=161, ge=1, le=65535, description="Port; of a NUT server 3493 unless said here.")
    nut: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9_.-]{1,64}$",
        description="Name of the UPS at a NUT server; without it the UPS is asked itself, by SNMP.",
    )
    minutes: float | None = Field(
        default=None,
        gt=0,
        description="Minutes that it is to last on battery; less is poor, on mains, too.",
    )
    warn_charge: float | None = Field(
        default=None, ge=0, le=1, description="Share of its charge below which the battery is poor: 0.8."
    )
    warn_load: float | None = Field(
        default=None, gt=0, le=2, description="Share of its power above which its load is poor: 0.8."
    )

    @model_validator(mode="before")
    @classmethod
    def _a_server_has_its_own_port(cls, data: Any) -> Any:  # noqa: ANN401 - not looked at yet
        if isinstance(data, dict) and data.get("nut") is not None:
            return {"port": NUT_PORT, **data}
        return data

    @model_validator(mode="after")
    def _one_way_to_prove_it(self) -> Self:
        if self.nut is None:
            self.check_access()
            return self
        if self.user or self.auth_file or self.privacy_file or self.community_file:
            raise ValueError("a NUT server is asked without a user: nut goes without those of SNMP")
        if (trouble := clash(self.host, self.family, self.source)) is not None:
            raise ValueError(trouble)
        return self
