"""The Debian package as its maker makes it."""

import os
import shutil
import subprocess

import pytest

from tests.system.machine import PYTHON, ROOT

TOOLS = ("dpkg-buildpackage", "dh", "lintian")
MAKER = {"DEBFULLNAME": "Duty Room", "DEBEMAIL": "duty@command.internal"}
SAYS = "import sys; print('%d.%d' % sys.version_info[:2])"


def _lacking():
    """Return what keeps the package from being made here."""
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        return f"needs {', '.join(missing)}"
    ours = subprocess.run(["/usr/bin/python3", "-c", SAYS], capture_output=True, text=True, check=False)
    return "" if ours.stdout.strip() == PYTHON else f"Debian's python3 is not {PYTHON}"


needs_tools = pytest.mark.skipif(bool(_lacking()), reason=_lacking())


def make(archive, folder):
    """Make the package of a bundle; return it."""
    script = ROOT / "deploy" / "bundle" / "deb.sh"
    subprocess.run([script, archive, folder], check=True, env=os.environ | MAKER)
    (made,) = folder.glob("*.deb")
    return made
