"""How a program of others may be named in a configuration, and what it finds around it."""

from pathlib import PurePosixPath
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

ENVIRONMENT = {
    "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
    "LC_ALL": "C.UTF-8",
    "LANG": "C.UTF-8",
}
"""All the variables that a program finds."""


def _as_text(value: object) -> object:
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _straight(program: str) -> str:
    if ".." in PurePosixPath(program).parts:
        raise ValueError("the path of a program must not contain ..")
    return program


Argument = Annotated[
    str,
    BeforeValidator(_as_text),
    Field(max_length=4096, pattern=r"^[^\x00]*$"),
    WithJsonSchema({"type": ["string", "number"]}),
]
"""One argument, as it is."""
Program = Annotated[str, Field(max_length=4096, pattern=r"^/[^\x00]+$"), AfterValidator(_straight)]
"""The absolute path of a program, without `..`."""
