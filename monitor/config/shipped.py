"""Where the configuration that comes with the program lies."""

from pathlib import Path


def shipped() -> Path:
    """Return the folder of examples and device profiles: inside an installed wheel, or beside a checkout."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "_shipped"
    return inside if inside.is_dir() else package.parent / "config"
