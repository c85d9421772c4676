"""What happens in the demo: city, broker and daemon in one process, and MQTT as judge of what was told."""

import asyncio
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from pydantic_settings import BaseSettings, PydanticBaseSettingsSource
from rich.console import Console

from monitor.app import App
from monitor.board.server import BoardOptions
from monitor.cli.demo.stage import Stage, related
from monitor.config import load_inventory, shipped
from monitor.core.inventory import Center, Circuit, Device, Inventory
from monitor.errors import MonitorError
from monitor.probes import load_kinds
from monitor.settings import Settings
from monitor.settings.brokers import MqttSettings
from monitor.settings.model import TracingSettings
from monitor.simulator.broker import ADDRESS, broker
from monitor.simulator.city import City
from monitor.simulator.faults import Script
from monitor.simulator.witness import Witness
from monitor.store import StoreOptions

VANTAGE = "city"
CUT_AT, MENDED_AT = 2.0, 14.0
"""Seconds from when all is well. In between the outage is told: of fibre after some 4 s, of microwave 8."""
SETTLING = 20.0
"""Seconds in which the daemon has to see that the city is whole, at first and after an outage."""
DETECTION = 18.0
"""Seconds from the cut in which the outage has to be told."""
PAUSE = 10.0
"""Seconds between two outages."""
DEVICE_PERIOD = 3.0
"""Devices are looked at this often, so that nobody has to wait a minute for the first picture."""
CIRCUIT_DEADLINE = 0.3
"""Seconds that a circuit may take to answer: on so short a way a ping would be given up as soon."""


async def play(
    subject: str, script: Script, console: Console, language: str, *, once: bool, patience: float = DETECTION
) -> int:
    """Bring everything up, play *script*, judge whether *subject*'s outage was told; return the exit code."""
    kinds = load_kinds()
    declared = _hurried(load_inventory(shipped() / "shiyan.yaml", kinds))
    if subject not in _subjects(declared):
        raise MonitorError(f"--cut {subject}: the simulated city has no such center, link or circuit")
    home = declared.vantages[VANTAGE].center
    with tempfile.TemporaryDirectory(prefix="command-monitor-demo-") as folder:
        async with broker() as port, City(declared, kinds, home=home) as city:
            settings = _settings(Path(folder), port)
            app = App(settings, city.inventory, kinds, quiet=True)
            stage = Stage(app, settings, console, language, subject)
            witness = Witness(ADDRESS, port, settings.mqtt.root, stage.hear)
            story = Story(stage, city, witness, subject, script, patience)
            return await _run(app, story, stage, witness, once=once)


class Story:
    """One outage, or one after the other."""

    def __init__(
        self, stage: Stage, city: City, witness: Witness, subject: str, script: Script, patience: float
    ) -> None:
        self._stage = stage
        self._city = city
        self._witness = witness
        self._subject = subject
        self._script = script
        self._patience = patience

    async def tell(self, *, once: bool) -> bool:
        """Play the script when all is well, once or until something is not told; say whether all was."""
        if not await self._witness.until(self._all_well, SETTLING):
            self._stage.say("unwell", patience=SETTLING)
            return False
        self._stage.open()
        while await self._outage():
            if once:
                return True
            await asyncio.sleep(PAUSE)
            await self._witness.until(self._all_well, SETTLING)
        return False

    def _all_well(self) -> bool:
        inventory = self._city.inventory
        seen = (*inventory.centers, *inventory.circuits, *inventory.devices)
        return all(self._witness.says(subject, "up") for subject in seen)

    async def _outage(self) -> bool:
        witness, clock = self._witness, asyncio.get_running_loop().time
        began = clock()
        limit = began + CUT_AT + self._patience
        playing = asyncio.create_task(self._city.play(self._script, self._stage.done), name="script")
        try:
            await witness.until(self._something_is_down, limit - clock())
            first = clock() - began - CUT_AT
            told = await witness.until(lambda: witness.told(self._subject, "down"), limit - clock())
            down = clock() - began - CUT_AT
            self._stage.table()
            await playing
            told = told and await witness.until(lambda: witness.told(self._subject, "up"), SETTLING)
            up = clock() - began - MENDED_AT
            told = told and await witness.until(self._all_around_is_well, SETTLING)
        finally:
            playing.cancel()
        self._stage.table()
        self._stage.say("seen" if told else "unseen", subject=self._subject, first=first, down=down, up=up)
        return told

    def _all_around_is_well(self) -> bool:
        """Tell whether it was also said of what our subject belongs to: a center follows its circuits."""
        said = self._witness.statuses.items()
        around = [status for name, status in said if related(name, self._subject)]
        return all(status["health"] == "up" and not status["suspected"] for status in around)

    def _something_is_down(self) -> bool:
        said = self._witness.statuses.items()
        return any(related(name, self._subject) and status["health"] == "down" for name, status in said)


async def _run(app: App, story: Story, stage: Stage, witness: Witness, *, once: bool) -> int:
    """Run everything until the story ends or is interrupted, then end it all in good order."""
    telling = asyncio.create_task(story.tell(once=once), name="story")
    daemon = asyncio.create_task(app.run(), name="daemon")
    others = [
        daemon,
        asyncio.create_task(witness.listen(), name="witness"),
        asyncio.create_task(stage.draw(), name="stage"),
    ]
    with _interrupted(telling):
        await asyncio.wait([telling, *others], return_when=asyncio.FIRST_COMPLETED)
    app.stop()
    await asyncio.wait([daemon], timeout=SETTLING)
    for task in (telling, *others):
        task.cancel()
    told, *ends = await asyncio.gather(telling, *others, return_exceptions=True)
    for end in (told, *ends):
        if isinstance(end, Exception):
            raise end
    return 0 if told is True or (isinstance(told, asyncio.CancelledError) and not once) else 1


@contextmanager
def _interrupted(story: asyncio.Task[bool]) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM end the story, and with it everything in good order."""
    loop = asyncio.get_running_loop()
    numbers = (signal.SIGINT, signal.SIGTERM)
    for number in numbers:
        loop.add_signal_handler(number, story.cancel)
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


class _OwnSettings(Settings):
    """Settings that no environment can change: a demo must not tell a real broker of its outages."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take what is given and nothing else."""
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)


def _settings(folder: Path, port: int) -> Settings:
    mqtt = MqttSettings(host=ADDRESS, port=port, protocol="3.1.1")
    return _OwnSettings(
        vantage=VANTAGE,
        state_dir=folder,
        http=BoardOptions(port=0),
        mqtt=mqtt,
        store=StoreOptions(reserve_mib=0),
        tracing=TracingSettings(every=0.0),  # all addresses are this machine's: no way to any of them is cut
    )


def _hurried(inventory: Inventory) -> Inventory:
    """Return the inventory with looks as quick as the ways are short."""

    def circuit(one: Circuit) -> Circuit:
        near = one.near_look and replace(one.near_look, deadline=CIRCUIT_DEADLINE)
        far = one.far_look and replace(one.far_look, deadline=CIRCUIT_DEADLINE)
        return replace(one, near_look=near, far_look=far)

    def device(one: Device) -> Device:
        looks = (replace(look, period=DEVICE_PERIOD, deadline=DEVICE_PERIOD) for look in one.looks)
        return replace(one, looks=tuple(looks))

    def center(one: Center) -> Center:
        links = (replace(link, circuits=tuple(map(circuit, link.circuits))) for link in one.links)
        return replace(one, links=tuple(links), devices=tuple(map(device, one.devices)))

    return replace(inventory, centers={key: center(one) for key, one in inventory.centers.items()})


def _subjects(inventory: Inventory) -> set[str]:
    links = {link.id for center in inventory.centers.values() for link in center.links}
    return {*inventory.centers, *links, *inventory.circuits}
