"""migration: a step is taken as a whole or not at all, after a copy; no newer file is touched."""

import asyncio
import os
import shutil
import signal
import sqlite3
import sys
from contextlib import closing

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from monitor.kit.crash import VARIABLE
from monitor.store import NewerError, backup, backup_folder
from monitor.store.database import connect
from monitor.store.file import LogFile
from monitor.store.migration import STEPS, migrate, shapes
from monitor.store.tables import APPLICATION, metadata
from tests.store.log_ground import opened, record, rows

LATEST = shapes()[0]
SECOND = '''
"""A step that does not exist yet."""

import sqlalchemy as sa
from alembic import op

revision = "9999"
down_revision = "{latest}"


def upgrade():
    op.add_column("events", sa.Column("weight", sa.Integer, nullable=False, server_default="1"))
    op.create_table("notes", sa.Column("id", sa.Integer, primary_key=True), sa.Column("text", sa.Text))
    op.execute("INSERT INTO notes (text) VALUES ('moved')")
    op.execute("UPDATE checks SET mark = mark || '2'")
'''
PROGRAM = (
    "import sys; from pathlib import Path; from monitor.store.database import connect;"
    "from monitor.store.migration import migrate; path = Path(sys.argv[1]);"
    "engine = connect(path, writes=True); migrate(engine, path, lambda: None, Path(sys.argv[2]));"
    "engine.dispose()"
)


@pytest.fixture
def steps(tmp_path):
    """Give the steps of a version to come."""
    folder = tmp_path / "migrations"
    shutil.copytree(STEPS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "versions" / "v9999_later.py").write_text(SECOND.format(latest=LATEST))
    return folder


@pytest.fixture
async def used(tmp_path):
    """Give the path of a log with something in it."""
    async with opened(tmp_path) as log:
        log.store.append(record(*range(100)))
    return log.path


def migrated(path, steps):
    engine = connect(path, writes=True)
    kept = []
    try:
        migrate(engine, path, lambda: kept.append(rows(path, "SELECT count(*) FROM events")), steps)
    finally:
        engine.dispose()
    return kept


def shape(path):
    return rows(path, "SELECT version_num FROM alembic_version"), rows(path, "SELECT sql FROM sqlite_master")


def test_the_steps_lead_to_the_tables_that_the_program_knows(tmp_path):
    engine = connect(tmp_path / "log-city.db", writes=True, create=True)
    migrate(engine, tmp_path / "log-city.db", lambda: None)
    with engine.connect() as connection:
        different = compare_metadata(MigrationContext.configure(connection), metadata)
        application = connection.exec_driver_sql("PRAGMA application_id").scalar()
    engine.dispose()

    assert different == []
    assert application == APPLICATION


def test_every_step_has_a_name_that_python_can_import():
    files = [file.stem for file in (STEPS / "versions").glob("*.py") if file.stem != "__init__"]

    assert files
    assert all(name.isidentifier() and name.startswith("v") for name in files)


def test_a_new_file_needs_no_copy_and_a_used_one_is_copied_before_a_step(used, steps):
    kept = migrated(used, steps)
    again = migrated(used, steps)

    assert kept == [[100]]
    assert again == []
    assert rows(used, "SELECT text FROM notes") == ["moved"]
    assert rows(used, "SELECT count(*) FROM events WHERE weight = 1") == [100]


def test_opening_a_log_of_an_older_version_leaves_a_backup_of_it(used, steps):
    file = LogFile(used, backup_folder(used), steps)
    found = file.open(verify=False)
    file.close()
    (copy,) = backup.every(backup_folder(used), used.stem)

    assert shape(used)[0] == ["9999"]
    assert shape(copy)[0] == [LATEST]
    assert rows(copy) == list(range(100))
    assert found.last == 100


@pytest.mark.parametrize("nth", [1, 2, 3, 4, 5])
async def test_a_step_that_is_killed_in_the_middle_is_rolled_back_and_completed(used, steps, nth):
    before = shape(used)
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, used, steps, env=os.environ | {VARIABLE: f"in_migration:{nth}"}
    )
    ended = await child.wait()
    in_between = shape(used), rows(used, "PRAGMA integrity_check"), rows(used)
    migrated(used, steps)

    assert ended == -signal.SIGKILL
    assert in_between == (before, ["ok"], list(range(100)))
    assert shape(used)[0] == ["9999"]
    assert rows(used, "SELECT text FROM notes") == ["moved"]
    assert rows(used) == list(range(100))


def test_a_newer_file_is_left_as_it_is(used):
    with closing(sqlite3.connect(used)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '0099'")
    before = used.read_bytes()

    with pytest.raises(NewerError, match=r"its shape is 0099, this version knows up to \d{4}"):
        migrated(used, STEPS)

    assert used.read_bytes() == before
