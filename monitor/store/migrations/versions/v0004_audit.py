"""What people do is kept, each act chained to the one before; the file itself refuses to change it."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_TRIGGERS = (
    """
    CREATE TRIGGER audit_keeps BEFORE UPDATE ON audit
    BEGIN SELECT RAISE(ABORT, 'what is in the audit log stays as it is'); END
    """,
    """
    CREATE TRIGGER audit_stays BEFORE DELETE ON audit
    WHEN OLD.at > CAST(strftime('%s', 'now') AS INTEGER) - 180 * 86400
        OR OLD.number > (SELECT min(number) FROM audit)
        OR OLD.number > coalesce((SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'audit_anchor'), 0)
    BEGIN SELECT RAISE(ABORT, 'of the audit log only the oldest may go, after 180 days'); END
    """,
    """
    CREATE TRIGGER audit_grows BEFORE INSERT ON audit
    WHEN EXISTS (SELECT 1 FROM audit WHERE number >= NEW.number OR name = NEW.name)
    BEGIN SELECT RAISE(ABORT, 'the audit log only grows at its end'); END
    """,
)


def upgrade() -> None:
    """Make the table, and what refuses to change or replace its rows."""
    op.create_table(
        "audit",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("uid", sa.Integer),
        sa.Column("via", sa.Text, nullable=False),
        sa.Column("act", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sa.Column("before", sa.Text, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.UniqueConstraint("name", name="audit_name"),
    )
    for trigger in _TRIGGERS:
        op.execute(trigger)
