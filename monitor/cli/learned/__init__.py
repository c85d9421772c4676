"""Show what each check has learned: how its path loses packets while it is well, and how long answers take.

It is what a fault would be judged by now. The daemon may run meanwhile; what it learned in the last minutes
may be in its memory only.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from monitor.cli.learned.texts import TEXTS
from monitor.cli.status import language_of
from monitor.core.checks import bearer_of, checks_of, mark_of
from monitor.core.detection import Belief, Manner, manner, silence
from monitor.core.inventory import Bearer
from monitor.core.judge import Judge
from monitor.core.learning import DAY, LEAST_SHARE, Learned
from monitor.core.loss import LossModel
from monitor.core.quantile import Sketch
from monitor.core.sentence import WORDS
from monitor.core.world import Reading
from monitor.engine.watch import SHORTEST_WAIT
from monitor.errors import MonitorError
from monitor.kit.text import clean
from monitor.probes import load_kinds
from monitor.settings import Settings, load_declared, load_settings
from monitor.store import log_file
from monitor.store.backup import reading
from monitor.store.rows import learned_of
from monitor.store.tables import checks

HELP = "show what each check has learned of its path"
HOUR = 3600.0
LONG = 48.0
"""Hours from which days are said instead."""
SMALL = 0.1
"""Share below which it is told with two decimals."""


@dataclass(frozen=True, slots=True)
class Lore:
    """What is known of one check's path."""

    check: str
    bearer: Bearer | None
    how: Manner
    learned: Learned
    slow_above: float
    """Seconds; infinite while it is not known."""

    @property
    def model(self) -> LossModel:
        """How it loses packets while it is well."""
        return self.learned.model(self.how.prior, self.how.period)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what can be asked for."""
    parser.add_argument("check", nargs="?", metavar="CHECK", help="a check, or a subject and all below it")
    parser.add_argument("--settings", type=Path, metavar="FILE", help="the daemon's settings")
    parser.add_argument("--json", action="store_true", help="print one object per check")
    parser.add_argument(
        "--language", "--lang", choices=sorted(WORDS), help="language of the words (from LANG, else zh)"
    )


def run(args: argparse.Namespace) -> int:
    """Show it."""
    settings = load_settings(args.settings)
    wanted = args.check.rstrip("/") if args.check else ""
    known = [lore for lore in _known(settings) if not wanted or f"{lore.check}/".startswith(f"{wanted}/")]
    if not known:
        meant = f"is looked at from {settings.vantage}; `command-monitor check` lists what is"
        raise MonitorError(f"nothing called {clean(wanted, 60)!r} {meant}")
    language = args.language or language_of(os.environ, sys.stdout.encoding)
    for lore in known:
        print(json.dumps(_document(lore), ensure_ascii=False) if args.json else _text(lore, language))
    return 0


def _known(settings: Settings) -> Iterator[Lore]:
    """Give what is known of each check of the vantage, in the order of the inventory."""
    inventory, budget = load_declared(settings, load_kinds()), settings.detection
    recorded = _recorded(settings)
    for check in checks_of(inventory, inventory.vantages[settings.vantage]).values():
        bearer = bearer_of(check, inventory)
        how = manner(
            check.look.period,
            bearer,
            suspicions_per_year=budget.suspicions_per_year,
            false_alarms_per_year=budget.false_alarms_per_year,
            degradations_per_year=budget.degradations_per_year,
        )
        learned = recorded.get((check.id, mark_of(check)), Learned())
        judge = Judge(how, Belief(), learned, Reading())
        yield Lore(check.id, bearer, how, learned, judge.slow_above)


def _recorded(settings: Settings) -> Mapping[tuple[str, str], Learned]:
    """Return what the log says was learned, by check and mark."""
    log = log_file(settings.state_dir, settings.vantage)
    if not log.exists():
        raise MonitorError(f"{log}: no log there; see `state_dir` and `vantage` in the settings")
    engine = create_engine("sqlite+pysqlite://", creator=lambda: reading(log), poolclass=NullPool)
    try:
        with engine.connect() as connection:
            return {(row.id, row.mark): learned_of(row) for row in connection.execute(select(checks))}
    except DBAPIError as error:
        raise MonitorError(f"{log}: {error.orig}") from error


def _text(lore: Lore, language: str) -> str:
    """Return what is known in a few lines."""
    says, model, learned = TEXTS[language], lore.model, lore.learned
    bearer = WORDS[language].bearer[lore.bearer] if lore.bearer else says["service"]
    head = says["head"].format(bearer=bearer, period=lore.how.period)
    hours = learned.seconds / HOUR
    if learned.seconds:
        count = says["days"].format(count=hours / 24) if hours >= LONG else says["hours"].format(count=hours)
        head += says["watched"].format(duration=count)
    else:
        head += says["nothing"]
    looks, seconds = silence(lore.how, model, SHORTEST_WAIT)
    lines = [
        says["isolated"].format(share=_share(model.isolated)) + says["comma"] + _bursts(model, says),
        *_round_trips(lore, says),
        says["down"].format(looks=looks, seconds=seconds),
    ]
    return "\n".join([f"{lore.check}  {head}", *(f"    {line}" for line in lines)])


def _bursts(model: LossModel, says: Mapping[str, str]) -> str:
    daily = model.share / model.burst * DAY
    if model.share <= LEAST_SHARE:
        return says["no_bursts"].format(mean=model.burst)
    return says["bursts"].format(daily=f"{daily:.2g}", mean=model.burst, inside=_share(model.inside))


def _round_trips(lore: Lore, says: Mapping[str, str]) -> Iterator[str]:
    sketch = Sketch(lore.learned.rtts)
    if not sketch.total:
        return
    usual, most = (f"{1000 * sketch.quantile(share):.0f}" for share in (0.5, 0.95))
    told = says["rtt"].format(usual=usual, most=most)
    if lore.slow_above < HOUR:
        told += says["comma"] + says["slow"].format(limit=f"{1000 * lore.slow_above:.0f}")
    yield told


def _share(share: float) -> str:
    return f"{share:.2%}" if share < SMALL else f"{share:.0%}"


def _document(lore: Lore) -> dict[str, Any]:
    looks, seconds = silence(lore.how, lore.model, SHORTEST_WAIT)
    sketch = Sketch(lore.learned.rtts)
    return {
        "check": lore.check,
        "bearer": lore.bearer,
        "period": lore.how.period,
        "watched": round(lore.learned.seconds, 1),
        "model": {name: round(value, 7) for name, value in asdict(lore.model).items()},
        "rtt_median": sketch.quantile(0.5) if sketch.total else None,
        "rtt_p95": sketch.quantile(0.95) if sketch.total else None,
        "slow_above": lore.slow_above if lore.slow_above < HOUR else None,
        "misses_until_down": looks,
        "seconds_until_down": round(seconds, 3),
    }
