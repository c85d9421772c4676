"""Brings a file to the shape that this version knows, or refuses it with one clear word."""

import io
from collections.abc import Callable
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, event

from monitor.kit import crash
from monitor.store.database import revision
from monitor.store.trouble import NewerError

STEPS = Path(__file__).with_name("migrations")


def migrate(engine: Engine, path: Path, keep: Callable[[], None], steps: Path = STEPS) -> None:
    """Run the *steps* that are missing, each in one transaction; before the first on a used file, *keep* it.

    Raises NewerError for a file of a newer version.
    """
    with engine.connect() as connection:
        found = revision(connection)
    known = shapes(steps)
    if found == known[0]:
        return
    if found is not None:
        if found not in known:
            raise NewerError(
                f"{path}: written by a newer version of command-monitor (its shape is {found}, this version "
                f"knows up to {known[0]}); install that version again, or restore a backup from before it"
            )
        keep()
    _upgrade(engine, steps)


def shapes(steps: Path = STEPS) -> list[str]:
    """Return the numbers of all shapes that this version knows, the latest first."""
    return [step.revision for step in ScriptDirectory(str(steps)).walk_revisions()]


def _upgrade(engine: Engine, steps: Path) -> None:
    config = Config(stdout=io.StringIO())
    config.set_main_option("script_location", str(steps).replace("%", "%%"))
    with engine.connect() as connection:
        event.listen(connection, "after_cursor_execute", _one_statement_done)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _one_statement_done(*_: object) -> None:
    crash.point("in_migration")
