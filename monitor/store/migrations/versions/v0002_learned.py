"""What a path has taught of bursts and round-trip times is kept, and how much worse a subject has become."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the columns; what was learned before goes on from there."""
    op.add_column("checks", sa.Column("learned", sa.Text, nullable=False, server_default="{}"))
    op.add_column("checks", sa.Column("decline", sa.Text))
    op.add_column("statuses", sa.Column("decline", sa.Text))
