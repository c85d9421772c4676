"""The Debian package: made of the bundle, faultless to lintian, and it starts nothing by itself."""

import subprocess

import pytest

from tests.system.machine import bundle
from tests.system.package import make, needs_tools

pytestmark = [pytest.mark.long, pytest.mark.timeout(900), needs_tools]


MADE_UP = "bogus-mail-host,bogus-mail-host-in-debian-changelog"
"""What is said against an address that a test has made up."""


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    folder = tmp_path_factory.mktemp("package")
    return make(bundle(folder / "bundle"), folder)


def test_lintian_has_nothing_to_say_but_what_is_overridden_with_a_reason(package):
    run = subprocess.run(
        ["lintian", "--allow-root", "--fail-on=error,warning", "--suppress-tags", MADE_UP, package],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert (run.returncode, run.stdout) == (0, "")


def test_it_enables_nothing_and_restarts_only_what_runs(package, tmp_path):
    subprocess.run(["dpkg-deb", "--control", package, tmp_path / "scripts"], check=True)
    said = (tmp_path / "scripts" / "postinst").read_text()

    assert "systemd-sysusers" in said
    assert "systemd-tmpfiles" in said
    assert "try-restart" in said
    assert "daemon-reload" in said
    assert "deb-systemd-invoke start" not in said
    assert not (tmp_path / "scripts" / "conffiles").exists()


def test_made_again_it_is_the_same(package, tmp_path):
    again = make(bundle(tmp_path / "bundle"), tmp_path)

    assert again.read_bytes() == package.read_bytes()


def test_no_file_of_it_belongs_to_who_made_it_or_tells_where(package):
    listed = subprocess.run(["dpkg-deb", "--contents", package], capture_output=True, text=True, check=True)
    owners = {line.split()[1] for line in listed.stdout.splitlines()}

    assert owners == {"root/root"}
