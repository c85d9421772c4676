"""How everything is, in one line: for whoever asks the service manager."""

from collections.abc import Iterator

from monitor.core.incident import Stage
from monitor.core.sentence import WORDS
from monitor.core.vitals import Vitals
from monitor.core.words import Words
from monitor.core.world import World


def one_line(world: World, vitals: Vitals, language: str) -> str:
    """Say what is open, the latest confirmed incident first, and what troubles us ourselves."""
    words = WORDS[language]
    return words.semicolon.join((_incidents(world, words), *_troubles(vitals, words)))


def _incidents(world: World, words: Words) -> str:
    says = words.label
    open_ = [story for story in world.stories.values() if story.incident.stage is Stage.CONFIRMED]
    if not open_:
        return says["line_well"].format(centers=len(world.inventory.centers), checks=len(world.checks))
    latest = max(open_, key=lambda story: story.incident.confirmed_at or 0.0)
    return says["line_incidents"].format(count=len(open_), sentence=latest.sentence[words.language])


def _troubles(vitals: Vitals, words: Words) -> Iterator[str]:
    if vitals.store.trouble:
        yield f"{words.label['store']}: {vitals.store.trouble}"
    for name, output in vitals.outputs.items():
        if output.trouble:
            yield f"{name}: {output.trouble}"
    if not vitals.reload_ok:
        yield f"{words.label['reload']}: {vitals.reload_trouble}"
