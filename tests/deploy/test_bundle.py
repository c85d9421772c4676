"""The offline bundle: whole, the same from everywhere, silent on its maker, installed without any network."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

ROOT = Path(__file__).parents[2]
VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"
SHELLCHECK = shutil.which("shellcheck")
OPENSSL = shutil.which("openssl")
EPOCH = "1790000000"
OFFLINE = ("unshare", "--map-root-user", "--net")
"""Root in a network of its own, where nobody is."""

pytestmark = pytest.mark.timeout(300)  # the first one downloads what is locked


@dataclass
class Bundle:
    """One archive, where it was unpacked, and who signed it."""

    archive: Path
    tree: Path
    public: Path

    def install(self, *words, prefix=()):
        command = [*prefix, self.tree / "install.sh", "--python", sys.executable, *words]
        return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    """Make one, signed if there is an openssl, and unpack it."""
    folder = tmp_path_factory.mktemp("bundle")
    key, public = keys(folder)
    archive = build(ROOT, folder / "out", *(["--key", key] if key else []))
    (folder / "tree").mkdir()
    subprocess.run(["tar", "-xzf", archive, "-C", folder / "tree"], check=True)
    (tree,) = (folder / "tree").iterdir()
    return Bundle(archive, tree, public)


def build(source, out, *words):
    command = [
        sys.executable, source / "deploy" / "bundle" / "build.py", "--python", VERSION,
        "--wheels", ROOT / "build" / "wheels", "--out", out, *words,
    ]  # fmt: skip
    environment = os.environ | {"SOURCE_DATE_EPOCH": EPOCH}
    run = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if "cannot download" in run.stderr:
        pytest.skip("the locked packages cannot be downloaded here")
    assert run.returncode == 0, run.stderr
    (archive,) = out.glob("*.tar.gz")
    return archive


def keys(folder, name="maker"):
    if OPENSSL is None:
        return None, None
    key, public = folder / f"{name}.key", folder / f"{name}.pub"
    subprocess.run([OPENSSL, "genpkey", "-algorithm", "ed25519", "-out", key], check=True)
    subprocess.run([OPENSSL, "pkey", "-in", key, "-pubout", "-out", public], check=True)
    return key, public


def files(tree):
    return sorted(path for path in tree.rglob("*") if path.is_file())


def locked():
    """Return what a Linux machine is to get, by its name as wheels write it."""
    lines = re.findall(r"^([\w.-]+)==([\w.+-]+)(.*)$", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    return {
        name.lower().replace("-", "_").replace(".", "_"): version
        for name, version, only in lines
        if "win32" not in only
    }


def test_every_file_has_its_sum_and_every_sum_its_file(bundle):
    lines = (bundle.tree / "SHA256SUMS").read_text().splitlines()
    told = {name: digest for digest, name in (line.split("  ") for line in lines)}
    there = {
        str(path.relative_to(bundle.tree)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files(bundle.tree)
        if not path.name.startswith("SHA256SUMS")
    }

    assert told == there


def test_what_is_locked_is_there_and_nothing_else_but_ourselves_and_what_installs_us(bundle):
    wheels = (path.name.split("-") for path in (bundle.tree / "wheels").iterdir())
    there = {name.lower().replace(".", "_"): version for name, version, *_ in wheels}

    assert there.pop("pip")
    assert there.pop("command_monitor")
    assert there == locked()


@pytest.mark.parametrize(
    "name",
    [
        "install.sh", "LICENSE", "docs/deployment.md", "config/settings.yaml", "config/schema/settings.json",
        "deploy/systemd/command-monitor.service", "deploy/prometheus/prometheus.yml",
        "deploy/alertmanager/alertmanager.yml", "deploy/grafana/dashboards/city.zh.json",
    ],
)  # fmt: skip
def test_the_operator_finds_what_the_pages_speak_of(name, bundle):
    assert (bundle.tree / name).is_file()


def test_what_can_be_run_here_can_be_run_there(bundle):
    here = {path.relative_to(ROOT) for path in files(ROOT / "deploy") if os.access(path, os.X_OK)}
    there = {path.relative_to(bundle.tree) for path in files(bundle.tree) if os.access(path, os.X_OK)}

    assert there - {Path("install.sh")} == {path for path in here if "bundle" not in path.parts}


def test_made_of_the_same_sources_elsewhere_it_is_the_same(bundle, tmp_path):
    copy = tmp_path / "elsewhere"
    for name in ("monitor", "config", "deploy", "docs"):
        shutil.copytree(ROOT / name, copy / name)
    for path in ROOT.iterdir():
        if path.is_file() and path.suffix in (".md", ".toml", ".lock", ""):
            shutil.copy(path, copy)
    again = build(copy, tmp_path / "out")

    assert unsigned(again) == unsigned(bundle.archive)


def unsigned(archive):
    """Return all that an archive says of each of its files, apart from the signature."""
    with tarfile.open(archive) as packed:
        return [
            (one.name, one.mode, one.mtime, one.uname, one.gname, one.isfile() and sum_of(packed, one))
            for one in packed
            if not one.name.endswith(".sig")
        ]


def sum_of(packed, entry):
    return hashlib.sha256(packed.extractfile(entry).read()).hexdigest()


def test_nothing_in_it_tells_where_it_was_made_or_whence_packages_came(bundle):
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    )
    words = {str(ROOT), str(bundle.tree.parent), sys.prefix}
    words |= set(re.findall(r"(?:https?|file)://[^\s'\"]+", listed.stdout))
    found = [
        (path.name, word)
        for path in files(bundle.tree)
        for word in words
        if word.encode() in path.read_bytes()
    ]

    assert found == []


def test_the_bill_of_materials_is_valid_and_names_every_package_with_its_version(bundle):
    text = (bundle.tree / "sbom.cdx.json").read_text()
    named = {
        one["name"].lower().replace("-", "_").replace(".", "_"): one for one in json.loads(text)["components"]
    }

    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    assert locked().items() <= {name: one["version"] for name, one in named.items()}.items()


@pytest.mark.skipif(OPENSSL is None, reason="openssl is not installed")
def test_only_the_makers_signature_is_good(bundle, tmp_path):
    _, stranger = keys(tmp_path, "stranger")
    good = bundle.install("--check", "--root", tmp_path, "--key", bundle.public)
    bad = bundle.install("--check", "--root", tmp_path, "--key", stranger)

    assert good.returncode == 0, good.stderr
    assert bad.returncode == 1
    assert "signature" in bad.stderr


def test_a_bundle_with_a_changed_file_is_not_installed(bundle, tmp_path):
    changed = tmp_path / "changed"
    shutil.copytree(bundle.tree, changed)
    with (changed / "config" / "settings.yaml").open("a") as settings:
        settings.write("# changed\n")
    refused = Bundle(bundle.archive, changed, bundle.public).install("--root", tmp_path)

    assert refused.returncode == 1
    assert "damaged" in refused.stderr
    assert not (tmp_path / "opt").exists()


def test_a_python_it_was_not_made_for_is_refused(bundle, tmp_path):
    old = tmp_path / "python3.9"
    old.write_text("#!/bin/sh\necho 3.9\n")
    old.chmod(0o755)
    refused = bundle.install("--root", tmp_path, "--python", old)

    assert refused.returncode == 1
    assert f"this bundle is for Python {VERSION}" in refused.stderr


def test_a_check_says_what_would_be_done_and_does_nothing(bundle, tmp_path):
    told = bundle.install("--check", "--root", tmp_path)

    assert told.returncode == 0, told.stderr
    assert "建立虚拟环境" in told.stdout
    assert f"{tmp_path}/usr/local/lib/systemd/system/command-monitor.service" in told.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def refused(bundle, tmp_path_factory):
    """Try to install over settings with a mistake, without any network; lend the image and what was said."""
    image = tmp_path_factory.mktemp("image")
    settings = image / "etc" / "command-monitor" / "settings.yaml"
    settings.parent.mkdir(parents=True)
    settings.write_text("inventry: city.yaml\n")
    run = bundle.install("--root", image, prefix=offline())
    switched = (image / "opt" / "command-monitor" / "current").exists()
    settings.unlink()
    return image, run, switched


def offline():
    return OFFLINE if subprocess.run([*OFFLINE, "true"], check=False).returncode == 0 else ()


def test_a_configuration_with_a_mistake_switches_nothing(refused):
    _, run, switched = refused

    assert run.returncode == 1
    assert "inventry" in run.stderr
    assert not switched


def test_it_is_installed_twice_and_removed_but_for_what_is_the_sites(bundle, refused, tmp_path):
    image, site = refused[0], tmp_path / "site"
    site.mkdir()
    shutil.copy(ROOT / "config" / "settings.yaml", site)
    shutil.copy(ROOT / "config" / "shiyan.yaml", site)
    first = bundle.install("--root", image, "--config", site, prefix=offline())
    python = image / "opt" / "command-monitor" / "current" / "bin" / "python"
    said = subprocess.run(
        [python, "-I", "-m", "monitor", "--version"], capture_output=True, text=True, check=False
    )
    before = state(image)
    again = bundle.install("--root", image, "--config", site)
    after = state(image)
    edited = image / "etc" / "command-monitor" / "settings.yaml"
    edited.write_text(edited.read_text() + "# ours\n")
    third = bundle.install("--root", image, "--config", site)
    left = bundle.install("--root", image, "--uninstall")
    kept = {path.name: path.read_text() for path in files(image)}
    purged = bundle.install("--root", image, "--uninstall", "--purge")

    assert [one.returncode for one in (first, again, third, left, purged)] == [0] * 5, first.stderr
    assert said.stdout.startswith("command-monitor "), said.stderr
    assert (after - before, before - after) == (set(), set())
    assert set(kept) == {"settings.yaml", "settings.yaml.new", "shiyan.yaml"}
    assert kept["settings.yaml"].endswith("# ours\n")
    assert files(image) == []


def state(folder):
    """Return what can be seen of every file: its name, when it was changed, how large it is."""
    return {(str(path), path.stat().st_mtime_ns, path.stat().st_size) for path in files(folder)}


@pytest.mark.skipif(SHELLCHECK is None, reason="shellcheck is not installed")
@pytest.mark.parametrize("script", sorted((ROOT / "deploy").rglob("*.sh")), ids=lambda path: path.name)
def test_shellcheck_has_nothing_to_say(script):
    run = subprocess.run([SHELLCHECK, script], capture_output=True, text=True, check=False)

    assert run.stdout == ""
