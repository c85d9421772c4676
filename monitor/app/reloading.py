"""Which files a reload reads, and what an act says of one: what has changed, from what to what."""

import hashlib
import time
from collections.abc import Mapping
from pathlib import Path

from monitor.config.inventory import profile_paths
from monitor.core.act import Act
from monitor.core.world import Json
from monitor.settings import Settings

MOST = 50
"""Files that an act names."""

Digests = Mapping[str, str]
"""SHA-256 of each file, as `sha256sum` tells it; empty: it cannot be read."""


class Reloads:
    """The files as they were when they were last taken over."""

    def __init__(self, settings: Settings) -> None:
        """Look at the files now; blocks."""
        self._settings = settings
        self._taken = self.look()

    def look(self) -> Digests:
        """Return what the files hold now; blocks."""
        settings = self._settings
        files = [settings.inventory, *profile_paths(settings.inventory).values()]
        files += [] if settings.roster is None else [settings.roster]
        return {str(file): _digest(file) for file in files}

    def act(self, found: Digests, refused: str = "") -> Act:
        """Return the act of who asked for a reload that *found* this; *refused*: why it changed nothing."""
        before = self._taken
        if not refused:
            self._taken = found
        names = [name for name in {**before, **found} if before.get(name) != found.get(name)][:MOST]
        facts: dict[str, Json] = {
            "changed": [*names],
            "before": {name: before.get(name, "") for name in names},
            "after": {name: found.get(name, "") for name in names},
        }
        return Act(time.time(), "", None, "signal", "reload", "", facts | {"refused": refused[:1000]})


def _digest(file: Path) -> str:
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError:
        return ""
