"""Make the offline bundle: one archive with all that a machine without any network needs.

The same sources, lock files and time give the same bytes: names are sorted, owners are root, times are
SOURCE_DATE_EPOCH (or that of the latest commit). With `--key` it is signed, inside (`SHA256SUMS.sig`) and
beside (`ARCHIVE.sig`).
"""

import argparse
import gzip
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import venv
import zipfile
from itertools import product
from pathlib import Path

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
NAME = "command-monitor"
OLDEST_EPOCH = 1577836800
"""2020-01-01: the time of everything where there is no commit to ask."""
GLIBC = range(36, 4, -1)
"""Minor versions of glibc whose wheels may be taken: Debian 12 has 2.36."""
LEFT_OUT = ("__pycache__", "*.pyc", ".*", "bundle", "*.py")
COPIED = ("README.md", "README.zh-CN.md", "CHANGELOG.md", "LICENSE", "requirements.lock")


def main() -> int:
    """Make the archive and say what it is."""
    args = _arguments()
    epoch = _epoch(args.source)
    os.environ["SOURCE_DATE_EPOCH"] = str(epoch)
    version = tomllib.loads((args.source / "pyproject.toml").read_text())["project"]["version"]
    tags = ".".join("cp" + python.replace(".", "") for python in args.python)
    args.out.mkdir(parents=True, exist_ok=True)
    archive = args.out / f"{NAME}-{version}-{tags}-{'.'.join(args.arch)}.tar.gz"
    with tempfile.TemporaryDirectory(prefix=f"{NAME}-") as place:
        tree = Path(place) / f"{NAME}-{version}"
        fill(tree, args, version)
        if args.key is not None:
            sign(args.key, tree / "SHA256SUMS")
        pack(tree, archive, epoch)
    if args.key is not None:
        sign(args.key, archive)
    size = f"{archive.stat().st_size / 1e6:.1f} MB"
    sys.stdout.write(f"{archive}: {size}, Python {' '.join(args.python)}, {' '.join(args.arch)}\n")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--python", action="append", help="version to bring wheels for (3.11); may be repeated"
    )
    parser.add_argument(
        "--arch", action="append", help="machine to bring wheels for (this one's); may be repeated"
    )
    parser.add_argument("--key", type=Path, help="private Ed25519 key (PEM) to sign with")
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="folder for the archive")
    parser.add_argument(
        "--wheels", type=Path, default=ROOT / "build" / "wheels", help="folder that keeps wheels"
    )
    parser.add_argument("--source", type=Path, default=ROOT, help="the sources")
    args = parser.parse_args()
    args.python = sorted(args.python or ["3.11"], key=lambda version: int(version.rpartition(".")[2]))
    args.arch = sorted(args.arch or [os.uname().machine])
    return args


def _epoch(source: Path) -> int:
    if told := os.environ.get("SOURCE_DATE_EPOCH"):
        return int(told)
    asked = subprocess.run(  # noqa: S603 - our own words
        ["git", "-C", str(source), "log", "-1", "--format=%ct"],  # noqa: S607 - wherever git is
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return int(asked.stdout) if asked.returncode == 0 else OLDEST_EPOCH


def fill(tree: Path, args: argparse.Namespace, version: str) -> None:
    """Put everything into *tree*, and its sums last."""
    source = args.source
    for folder in ("deploy", "config", "docs"):
        shutil.copytree(source / folder, tree / folder, ignore=shutil.ignore_patterns(*LEFT_OUT))
    for name in COPIED:
        shutil.copy(source / name, tree / name)
    shutil.copy(HERE / "pip.lock", tree / "pip.lock")
    shutil.copy(HERE / "install.sh", tree / "install.sh")
    (tree / "BUNDLE").write_text(
        f"version={version}\npythons={' '.join(args.python)}\narches={' '.join(args.arch)}\n"
    )
    kept = [locked(args.wheels, source, *target) for target in product(args.python, args.arch)]
    (tree / "wheels").mkdir()
    for folder in kept:
        for wheel in folder.iterdir():
            shutil.copy(wheel, tree / "wheels" / wheel.name)
    ours = own_wheel(source, tree / "wheels")
    bill(tree / "sbom.cdx.json", source, [ours, *kept[0].iterdir()])
    (tree / "SHA256SUMS").write_text(sums(tree))


def locked(cache: Path, source: Path, python: str, arch: str) -> Path:
    """Return a folder with the wheels of the lock files and nothing else, downloaded if we have none yet."""
    locks = (source / "requirements.lock", HERE / "pip.lock")
    mark = hashlib.sha256(b"".join(lock.read_bytes() for lock in locks)).hexdigest()[:16]
    folder = cache / f"{python}-{arch}-{mark}"
    if folder.exists():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    abi = "cp" + python.replace(".", "")
    platforms = (
        *(f"manylinux_2_{minor}_{arch}" for minor in GLIBC),
        f"manylinux2014_{arch}",
        f"linux_{arch}",
    )
    with tempfile.TemporaryDirectory(dir=cache) as place:
        target = Path(place) / "wheels"
        _run(
            "download the wheels",
            sys.executable, "-m", "pip", "--quiet", "download", "--disable-pip-version-check",
            "--no-deps", "--require-hashes", "--only-binary=:all:",
            *(word for lock in locks for word in ("--requirement", str(lock))),
            "--python-version", python, "--implementation", "cp",
            *(word for name in (abi, "abi3", "none") for word in ("--abi", name)),
            *(word for platform in platforms for word in ("--platform", platform)),
            "--dest", str(target),
        )  # fmt: skip
        target.rename(folder)
    return folder


def own_wheel(source: Path, folder: Path) -> Path:
    """Build our own wheel into *folder* and return it."""
    before = set(folder.iterdir())
    _run(
        "build our wheel",
        sys.executable,
        "-m",
        "hatchling",
        "build",
        "-t",
        "wheel",
        "-d",
        str(folder.resolve()),
        cwd=source,
    )
    (wheel,) = set(folder.iterdir()) - before
    return wheel


def bill(file: Path, source: Path, wheels: list[Path]) -> None:
    """Write what we are made of, with licences and who needs whom (CycloneDX 1.6, JSON)."""
    with tempfile.TemporaryDirectory() as place:
        venv.EnvBuilder(with_pip=False).create(place)
        (packages,) = Path(place).glob("lib/python*/site-packages")
        for wheel in wheels:
            with zipfile.ZipFile(wheel) as opened:
                known = [name for name in opened.namelist() if ".dist-info/" in name]
                opened.extractall(packages, known)  # noqa: S202 - its hash was that of the lock file
        _run(
            "write the bill of materials",
            sys.executable, "-m", "cyclonedx_py", "environment", "--output-reproducible", "--no-validate",
            "--pyproject", str(source / "pyproject.toml"), "--output-file", str(file), place,
        )  # fmt: skip


def sums(tree: Path) -> str:
    """Return the SHA-256 of every file, as `sha256sum --check` reads them."""
    files = sorted(path for path in tree.rglob("*") if path.is_file())
    return "".join(
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(tree)}\n" for path in files
    )


def sign(key: Path, file: Path) -> None:
    """Write the signature of *file* beside it, as `openssl pkeyutl -verify -rawin` reads it."""
    _run(
        f"sign {file.name}",
        "openssl", "pkeyutl", "-sign", "-rawin", "-inkey", str(key), "-in", str(file), "-out", f"{file}.sig",
    )  # fmt: skip


def pack(tree: Path, archive: Path, epoch: int) -> None:
    """Pack *tree* so that nothing but its content shows."""
    with (
        archive.open("wb") as file,
        gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=epoch) as squeezed,
        tarfile.open(fileobj=squeezed, mode="w", format=tarfile.GNU_FORMAT) as packed,
    ):
        for path in (tree, *sorted(tree.rglob("*"))):
            entry = packed.gettarinfo(path, str(path.relative_to(tree.parent)))
            entry.mtime, entry.uid, entry.gid, entry.uname, entry.gname = epoch, 0, 0, "root", "root"
            entry.mode = 0o755 if entry.mode & 0o100 else 0o644
            if path.is_dir():
                packed.addfile(entry)
            else:
                with path.open("rb") as content:
                    packed.addfile(entry, content)


def _run(what: str, *command: str, cwd: Path | None = None) -> None:
    run = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)  # noqa: S603 - our own words
    if run.returncode != 0:
        raise SystemExit(f"cannot {what}:\n{run.stdout}{run.stderr}")


if __name__ == "__main__":
    sys.exit(main())
