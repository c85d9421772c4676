"""The latest report of a check that the daemon is told of is kept."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the column."""
    op.add_column("checks", sa.Column("report", sa.Text))
