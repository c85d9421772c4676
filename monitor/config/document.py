"""YAML as a tree that knows where each value stands; hostile files are refused before they cost anything.

A file is at most 1 MiB of UTF-8 without byte order mark, control characters or tabs in its indentation.
Of YAML it may use mappings, lists and scalars, 16 deep; no tags, anchors, aliases or second documents.
Scalars are read as YAML 1.2 does: `no`, `on` and `12:30` are text, and so are numbers with leading zeros,
so that telephone numbers stay whole.
"""

import math
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import yaml

from monitor.errors import ConfigError, Problem

LARGEST = 1024 * 1024
"""Bytes that a file may have; no more than one beyond is ever read."""
MOST = 30
"""Mistakes of the YAML itself after which a file is not read on."""
DEEPEST = 16
"""Mappings and lists that may stand inside each other."""
LONGEST_NUMBER = 18
"""Digits beyond which a number is taken as text."""

Scalar = str | int | float | bool | None

_FORBIDDEN = re.compile(
    "[^\t\n\r\x20-\x7e\x85\xa0-\u2027\u202f-\u2065\u206a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
"""What no configuration needs: controls, line separators, bidirectional overrides, byte order marks."""
_TAB = re.compile(r" *\t")
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_TRUTH = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(0|[1-9][0-9]*)(\.[0-9]*)?([eE][-+]?[0-9]{1,3})?")
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_OPENING = (yaml.MappingStartEvent, yaml.SequenceStartEvent)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands."""

    file: str
    line: int
    path: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The path in one piece, `centers.danjiangkou.links`."""
        return ".".join(self.path)


@dataclass(frozen=True, slots=True)
class Node:
    """A value and its place; mappings and lists hold nodes again."""

    value: "Scalar | dict[str, Node] | list[Node]"
    place: Place

    def child(self, key: str) -> "Node | None":
        """Return the node under *key* (of a list: its position), if there is one."""
        if isinstance(self.value, dict):
            return self.value.get(key)
        if isinstance(self.value, list) and key.isdecimal() and int(key) < len(self.value):
            return self.value[int(key)]
        return None

    def children(self) -> "dict[str, Node]":
        """Return what a mapping holds; nothing for anything else."""
        return self.value if isinstance(self.value, dict) else {}

    def keys(self, *path: str) -> list[str]:
        """Return the keys of the mapping under *path*; none where there is no mapping."""
        node: Node | None = self
        for key in path:
            node = node.child(key) if node is not None else None
        return list(node.children()) if node is not None else []

    def plain(self) -> object:
        """Return the same without places."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value


def read(path: Path) -> Node:
    """Return the root of the YAML file at *path*, a mapping; raise ConfigError with all that is wrong."""
    return parse(_text(path), str(path))


def parse(text: str, file: str) -> Node:
    """Return the root of YAML *text*, a mapping; *file* is what mistakes are reported under."""
    problems = list(islice(_bad_characters(text, file), MOST))
    if problems:
        raise ConfigError(problems=problems)
    composer = _Composer(text, file)
    root = composer.document()
    if not composer.problems and not isinstance(root.value, dict):
        found = "nothing" if root.value is None else "no mapping"
        composer.problems.append(Problem(file, 1, "", found, "keys and values (`key: value`)"))
    if composer.problems:
        raise ConfigError(problems=composer.problems)
    return root


def _text(path: Path) -> str:
    file = str(path)
    try:
        raw = _bytes(path)
    except OSError as error:
        reason = "no such file" if isinstance(error, FileNotFoundError) else (error.strerror or str(error))
        raise ConfigError(problems=[Problem(file, None, "", reason, "a readable file")]) from error
    if raw is None:
        raise ConfigError(problems=[Problem(file, None, "", "no regular file", "a readable file")])
    if len(raw) > LARGEST:
        raise ConfigError(problems=[Problem(file, None, "", "more than 1 MiB", "a file of at most 1 MiB")])
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        found = f"byte 0x{raw[error.start]:02x}, which is not UTF-8"
        raise ConfigError(problems=[Problem(file, line, "", found, "text saved as UTF-8")]) from error


def _bytes(path: Path) -> bytes | None:
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a pipe must not make us wait
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(LARGEST + 1)
    finally:
        os.close(descriptor)


def _bad_characters(text: str, file: str) -> Iterator[Problem]:
    for number, line in enumerate(text.split("\n"), 1):
        if bad := _FORBIDDEN.search(line):
            if number == 1 and bad[0] == "\ufeff" and bad.start() == 0:
                yield Problem(file, 1, "", "a byte order mark", "plain UTF-8 without one")
            else:
                yield Problem(file, number, "", f"the character U+{ord(bad[0]):04X}", "printable text")
        if _TAB.match(line):
            yield Problem(file, number, "", "a tab in the indentation", "spaces")


class _Composer:
    """Builds nodes from parser events; collects what can be overlooked, raises on what cannot."""

    def __init__(self, text: str, file: str) -> None:
        self.problems: list[Problem] = []
        self._file = file
        self._events = yaml.parse(text, Loader=_Loader)

    def document(self) -> Node:
        """Return the one document of the file; an empty file is an empty node."""
        event = self._next()
        while isinstance(event, yaml.StreamStartEvent | yaml.DocumentStartEvent):
            event = self._next()
        if isinstance(event, yaml.StreamEndEvent):
            return Node(None, Place(self._file, 1))
        root = self._node(event, Place(self._file, 1))
        self._next()
        if not isinstance(last := self._next(), yaml.StreamEndEvent):
            self._wrong(_line(last), (), "a second document (`---`)", "one document")
        return root

    def _next(self) -> yaml.Event:
        try:
            return next(self._events)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line = mark.line + 1 if mark is not None else None
            told = str(error.problem).removeprefix("found ")
            problem = Problem(self._file, line, "", f"broken YAML: {told}", _cure(error))
            raise ConfigError(problems=[*self.problems, problem]) from error
        except (yaml.YAMLError, ValueError, OverflowError) as error:
            problem = Problem(self._file, None, "", f"broken YAML: {error}"[:200], "YAML")
            raise ConfigError(problems=[*self.problems, problem]) from error

    def _node(self, event: yaml.Event, place: Place) -> Node:
        if isinstance(event, yaml.AliasEvent):
            self._wrong(_line(event), place.path, f"the alias *{event.anchor}", "a template instead")
            return Node(None, place)
        if (anchor := getattr(event, "anchor", None)) is not None:
            self._wrong(_line(event), place.path, f"the anchor &{anchor[:60]}", "a template instead")
        if (tag := getattr(event, "tag", None)) is not None:
            shown = tag.replace("tag:yaml.org,2002:", "!!")[:60]
            self._wrong(_line(event), place.path, f"the tag {shown}", "a value without a tag")
        if isinstance(event, _OPENING) and len(place.path) >= DEEPEST:
            self._wrong(
                _line(event), place.path[:4], "a nest of values", f"at most {DEEPEST} inside each other"
            )
            raise ConfigError(problems=self.problems)
        if isinstance(event, yaml.MappingStartEvent):
            return Node(self._mapping(place), place)
        if isinstance(event, yaml.SequenceStartEvent):
            return Node(self._list(place), place)
        if isinstance(event, yaml.ScalarEvent):
            return Node(_scalar(event.value) if event.implicit[0] else str(event.value), place)
        return Node(None, place)

    def _mapping(self, place: Place) -> dict[str, Node]:
        found: dict[str, Node] = {}
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            line, key = _line(event), self._key(event, place)
            node = self._node(self._next(), Place(self._file, line, (*place.path, key)))
            if key in found:
                first = found[key].place.line
                self._wrong(
                    line, node.place.path, "the key a second time", f"it once (first in line {first})"
                )
            found[key] = node
        return found

    def _key(self, event: yaml.Event, place: Place) -> str:
        if isinstance(event, yaml.ScalarEvent) and event.tag is None and event.anchor is None:
            return str(event.value)
        self._wrong(_line(event), place.path, "a key that is not plain text", "a word (put `{…}` in quotes)")
        raise ConfigError(problems=self.problems)

    def _list(self, place: Place) -> list[Node]:
        found: list[Node] = []
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            path = (*place.path, str(len(found)))
            found.append(self._node(event, Place(self._file, _line(event), path)))
        return found

    def _wrong(self, line: int, path: tuple[str, ...], found: str, expected: str) -> None:
        self.problems.append(Problem(self._file, line, ".".join(path), found, expected))
        if len(self.problems) >= MOST:
            raise ConfigError(problems=self.problems)


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark is not None else 1


def _cure(error: yaml.MarkedYAMLError) -> str:
    text = f"{error.problem} {error.context}"
    if "mapping values are not allowed" in text:
        return "quotes around a value that contains `: `, or the right indentation"
    if "%" in text or "@" in text or "`" in text:
        return "quotes around the value"
    return "YAML (look at the indentation, quotes and brackets just above)"


def _scalar(text: str) -> Scalar:
    if text in _NULL:
        return None
    if text in _TRUTH:
        return _TRUTH[text]
    if len(text) <= LONGEST_NUMBER:
        if _INTEGER.fullmatch(text):
            return int(text)
        if _FLOAT.fullmatch(text) and math.isfinite(number := float(text)):
            return number
    return text
