"""Texts written from templates in files: sandboxed, strict about names, one file for each text.

A template sees what it is given and nothing else (Jinja's sandbox): it can call no method that changes
anything, read no file and reach no attribute of Python's own.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from jinja2 import FileSystemLoader, StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment


class BadTemplateError(Exception):
    """A template that cannot be used, and why."""


class Templates:
    """The templates of some folders; a file in an earlier folder takes the place of one in a later."""

    def __init__(self, folders: Sequence[Path]) -> None:
        """Read the templates when they are used, and again when they have changed."""
        self._environment = ImmutableSandboxedEnvironment(
            loader=FileSystemLoader([str(folder) for folder in folders]),
            undefined=StrictUndefined,
            autoescape=False,
            keep_trailing_newline=False,
        )

    def write(self, name: str, facts: Mapping[str, object]) -> str:
        """Return the text of the template at this path below a folder. Raises BadTemplateError."""
        try:
            return self._environment.get_template(name).render(facts)
        except (TemplateError, OSError, ValueError, TypeError, ArithmeticError, LookupError) as error:
            raise BadTemplateError(f"{name}: {error}") from error
