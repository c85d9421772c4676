"""Alarms that are not settled are kept, and the notices by which people are told of them."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the tables."""
    for name in ("alarms", "notices"):
        op.create_table(
            name,
            sa.Column("id", sa.Text, primary_key=True, nullable=False),
            sa.Column("data", sa.Text, nullable=False),
        )
