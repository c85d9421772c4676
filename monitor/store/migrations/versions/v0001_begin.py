"""The log begins: events, what is kept of checks, statuses, incidents, planned work; readers, runs."""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

APPLICATION = 0x434D4C67


def upgrade() -> None:
    """Make the tables, mark the file as ours, give the log a name."""
    op.execute(f"PRAGMA application_id = {APPLICATION}")
    _events()
    _state()
    _bookkeeping()
    meta = op.create_table(
        "meta",
        sa.Column("key", sa.Text, primary_key=True, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
    )
    op.bulk_insert(meta, [{"key": "identity", "value": secrets.token_hex(8)}])


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("vantage", sa.Text, nullable=False),
        sa.Column("boot", sa.Text, nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("received_at", sa.Float),
        sa.Column("recorded_at", sa.Float, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sa.UniqueConstraint("vantage", "boot", "seq", name="events_name"),
    )
    own = sa.text("received_at IS NULL")
    op.create_index("events_own", "events", ["position"], sqlite_where=own)
    op.create_index("events_recorded_at", "events", ["recorded_at"])
    op.create_index("events_subject_at", "events", ["subject", "at"])


def _state() -> None:
    op.create_table(
        "checks",
        sa.Column("id", sa.Text, primary_key=True, nullable=False),
        sa.Column("mark", sa.Text, nullable=False),
        sa.Column("verdict", sa.Text, nullable=False),
        sa.Column("since", sa.Float, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("looks", sa.Float, nullable=False),
        sa.Column("isolated", sa.Float, nullable=False),
    )
    op.create_table(
        "statuses",
        sa.Column("subject", sa.Text, primary_key=True, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("health", sa.Text, nullable=False),
        sa.Column("since", sa.Float, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("active", sa.Text),
        sa.Column("works", sa.Text, nullable=False),
        sa.Column("ill_since", sa.Float),
    )
    op.create_table(
        "incidents",
        sa.Column("id", sa.Text, primary_key=True, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
    )
    op.create_table(
        "planned",
        sa.Column("id", sa.Text, primary_key=True, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
    )


def _bookkeeping() -> None:
    op.create_table(
        "readers",
        sa.Column("name", sa.Text, primary_key=True, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
    )
    op.create_table(
        "runs",
        sa.Column("boot", sa.Text, primary_key=True, nullable=False),
        sa.Column("started_at", sa.Float, nullable=False),
        sa.Column("alive_at", sa.Float, nullable=False),
        sa.Column("ended_at", sa.Float),
    )
    op.create_table(
        "gathered",
        sa.Column("vantage", sa.Text, primary_key=True, nullable=False),
        sa.Column("log", sa.Text, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("boots", sa.Text, nullable=False),
    )
    op.create_table(
        "quarantine",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("vantage", sa.Text, nullable=False),
        sa.Column("topic", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
    )
