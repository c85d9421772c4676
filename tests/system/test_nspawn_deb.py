"""The Debian package on a bare Debian with a systemd of its own: it starts nothing of its own accord."""

import shutil

import pytest

from tests.system.machine import bundle, needs_machine
from tests.system.package import make, needs_tools
from tests.system.site import ETC, UNIT, site

pytestmark = [pytest.mark.long, pytest.mark.timeout(900), needs_machine, needs_tools]

PLACES = (ETC, "/var/lib/command-monitor", "/var/backups/command-monitor")


async def test_it_is_installed_started_by_hand_restarted_by_an_upgrade_removed_and_purged(tmp_path):
    package = make(bundle(tmp_path / "bundle"), tmp_path)
    with site(tmp_path) as here:
        run = here.machine.run
        shutil.copy(package, here.machine.inside("/root"))
        file = f"/root/{package.name}"
        run("dpkg", "-i", file)
        idle = here.machine.shows(UNIT, "ActiveState", "UnitFileState")
        run("cp", "-r", "/root/site/.", ETC)
        run("chgrp", "-R", "command-monitor", ETC)
        run("systemctl", "enable", "--now", UNIT, "command-monitor-backup.timer")
        await here.one.all_are("up")
        process = here.main()
        run("dpkg", "-i", file)
        await here.restarted(process)
        await here.one.all_are("up")
        run("dpkg", "--remove", "command-monitor")
        stopped, left = here.machine.shows(UNIT, "ActiveState"), [there(here, place) for place in PLACES[:2]]
        run("dpkg", "--purge", "command-monitor")
        purged = [there(here, place) for place in PLACES]
        remains = run(
            "find", "/usr/lib/command-monitor", "/etc/systemd", "-name", "*command-monitor*", check=False
        )

    assert idle == {"ActiveState": "inactive", "UnitFileState": "disabled"}
    assert stopped == "inactive"
    assert left == [True, True]
    assert purged == [False, False, False]
    assert remains.stdout == ""


def there(here, place):
    return here.machine.inside(place).exists()
