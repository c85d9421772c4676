"""What the event log can be told."""

from pydantic import BaseModel, ConfigDict, Field


class StoreOptions(BaseModel):
    """How much is kept, and how it is guarded."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    keep_days: int = Field(
        default=400, ge=180, le=36_500, description="Days for which events are kept; at least 180."
    )
    reserve_mib: int = Field(
        default=64,
        ge=0,
        le=65_536,
        description="Mebibytes of disk held in reserve, given up when the disk is full; 0: none.",
    )
    memory_events: int = Field(
        default=20_000,
        ge=1_000,
        le=1_000_000,
        description="Events that may wait in memory while the disk is bad; the oldest are lost first.",
    )
    backups: int = Field(default=7, ge=1, le=1_000, description="How many backups of the log are kept.")
    backup_hours: int = Field(default=24, ge=1, le=8_760, description="Hours between two backups.")
