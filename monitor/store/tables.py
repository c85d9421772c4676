"""The tables of the log, as the latest migration leaves them.

Column names are the words of `monitor.core`; times are wall times, Unix seconds.
"""

from sqlalchemy import (
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

APPLICATION = 0x434D4C67
"""What SQLite's application_id says of our files: "CMLg"."""

metadata = MetaData()

events = Table(
    "events",
    metadata,
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("vantage", Text, nullable=False),
    Column("boot", Text, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("at", Float, nullable=False),
    Column("received_at", Float),  # NULL: our own
    Column("recorded_at", Float, nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("data", Text, nullable=False),  # JSON
    UniqueConstraint("vantage", "boot", "seq", name="events_name"),
)
Index("events_own", events.c.position, sqlite_where=text("received_at IS NULL"))
Index("events_recorded_at", events.c.recorded_at)
Index("events_subject_at", events.c.subject, events.c.at)

checks = Table(
    "checks",
    metadata,
    Column("id", Text, primary_key=True, nullable=False),
    Column("mark", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("since", Float, nullable=False),
    Column("reason", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("looks", Float, nullable=False),
    Column("isolated", Float, nullable=False),
    Column("learned", Text, nullable=False, server_default="{}"),  # JSON
    Column("decline", Text),  # JSON
    Column("report", Text),  # JSON
)

statuses = Table(
    "statuses",
    metadata,
    Column("subject", Text, primary_key=True, nullable=False),
    Column("kind", Text, nullable=False),
    Column("health", Text, nullable=False),
    Column("since", Float, nullable=False),
    Column("reason", Text, nullable=False),
    Column("active", Text),
    Column("works", Text, nullable=False),  # JSON
    Column("ill_since", Float),
    Column("decline", Text),  # JSON
)

incidents = Table(
    "incidents",
    metadata,
    Column("id", Text, primary_key=True, nullable=False),
    Column("data", Text, nullable=False),  # JSON
)

planned = Table(
    "planned",
    metadata,
    Column("id", Text, primary_key=True, nullable=False),
    Column("data", Text, nullable=False),  # JSON
)

alarms = Table(
    "alarms",
    metadata,
    Column("id", Text, primary_key=True, nullable=False),
    Column("data", Text, nullable=False),  # JSON
)

notices = Table(
    "notices",
    metadata,
    Column("id", Text, primary_key=True, nullable=False),
    Column("data", Text, nullable=False),  # JSON
)

readers = Table(
    "readers",
    metadata,
    Column("name", Text, primary_key=True, nullable=False),
    Column("position", Integer, nullable=False),
)

runs = Table(
    "runs",
    metadata,
    Column("boot", Text, primary_key=True, nullable=False),
    Column("started_at", Float, nullable=False),
    Column("alive_at", Float, nullable=False),
    Column("ended_at", Float),  # NULL: it did not close the log itself
)

gathered = Table(
    "gathered",
    metadata,
    Column("vantage", Text, primary_key=True, nullable=False),
    Column("log", Text, nullable=False),
    Column("position", Integer, nullable=False),
    Column("boots", Text, nullable=False),  # JSON
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Float, nullable=False),
    Column("vantage", Text, nullable=False),
    Column("topic", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("payload", LargeBinary, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),  # ours, by which an act is known that is written again
    Column("at", Float, nullable=False),
    Column("who", Text, nullable=False),
    Column("uid", Integer),  # NULL: the operating system does not know
    Column("via", Text, nullable=False),
    Column("act", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("data", Text, nullable=False),  # JSON
    Column("before", Text, nullable=False),  # hash of the row before
    Column("hash", Text, nullable=False),
    UniqueConstraint("name", name="audit_name"),
)

meta = Table(
    "meta",
    metadata,
    Column("key", Text, primary_key=True, nullable=False),
    Column("value", Text, nullable=False),
)
