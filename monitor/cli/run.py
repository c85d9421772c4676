"""Run the daemon: watch the city and tell, until SIGTERM; SIGHUP reads the inventory anew."""

import argparse
import asyncio
from pathlib import Path

import structlog

from monitor.app import App, signals
from monitor.core.inventory import Inventory
from monitor.kit.log import configure
from monitor.ports import ProbeKind
from monitor.probes import load_kinds
from monitor.settings import Settings, load_declared, load_settings

HELP = "run the daemon"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Say what can be given."""
    parser.add_argument("--settings", type=Path, metavar="FILE", help="settings file (default: all defaults)")


def run(args: argparse.Namespace) -> int:
    """Watch until stopped; a file that is wrong is named before anything begins."""
    settings = load_settings(args.settings)
    kinds = load_kinds()
    inventory = load_declared(settings, kinds)
    writer = configure(settings.log.level, settings.log.format)
    try:
        asyncio.run(_watch(settings, inventory, kinds))
    finally:
        writer.close()
    return 0


async def _watch(settings: Settings, inventory: Inventory, kinds: dict[str, ProbeKind]) -> None:
    app = App(settings, inventory, kinds)
    with signals(app):
        structlog.get_logger().info("daemon.starting", vantage=settings.vantage, boot=app.world.boot)
        await app.run()
