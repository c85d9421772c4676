"""Which statuses name which incidents, so that those are told again at once whose naming changes."""

from collections.abc import Iterable, Mapping

from monitor.core.story import Story


class Mentions:
    """Remembers what each open incident touched when that was last told."""

    def __init__(self) -> None:
        self._touched: dict[str, frozenset[str]] = {}

    def changed(self, incidents: Iterable[str], stories: Mapping[str, Story]) -> frozenset[str]:
        """Return the subjects that name other incidents now that these have begun, changed or closed."""
        found: set[str] = set()
        for name in incidents:
            story = stories.get(name)
            touched = frozenset[str]() if story is None else story.touched
            found |= self._touched.pop(name, frozenset()) ^ touched
            if story is not None:
                self._touched[name] = touched
        return frozenset(found)
