"""Settings from a file and the environment, every mistake told where its value stands."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from pydantic import BaseModel, ValidationError
from pydantic_settings import SettingsError

from monitor.board.server import BoardOptions
from monitor.config import load_inventory
from monitor.config.document import Node, Place, read
from monitor.config.validation import explained, fields_at, truths
from monitor.config.words import nearest, one_of, shown
from monitor.core.checks import checks_of
from monitor.core.inventory import Inventory
from monitor.errors import ConfigError, Problem
from monitor.ports import ProbeKind
from monitor.probes import plugin
from monitor.settings.brokers import told_brokers, with_credential
from monitor.settings.channels import OWN_KEYS, told_channels
from monitor.settings.folders import absolute
from monitor.settings.model import PREFIX, Settings
from monitor.settings.receivers import told_receivers

NAMED = ("reports", "webhooks", "alertmanagers", "channels")
"""The sections of sections by name."""
VARIABLE = "COMMAND_MONITOR_SETTINGS"
"""The environment variable that names the settings file."""
CREDENTIALS = "CREDENTIALS_DIRECTORY"
"""Where systemd puts the service's credentials."""


def load_settings(path: Path | None = None) -> Settings:
    """Return the settings in *path*, else in the file that COMMAND_MONITOR_SETTINGS names, else the defaults.

    Paths in it become absolute; the broker's password file is the systemd credential where none is named.
    Raises ConfigError with every mistake.
    """
    named = os.environ.get(VARIABLE)
    file = path or (Path(named) if named else None)
    node = _node(file)
    problems = _unknown_variables()
    settings = _validated(node, problems)
    if settings is not None:
        folder = file.resolve().parent if file is not None else Path.cwd()
        settings = _with_credentials(absolute(settings, folder))
        problems += _bad_channels(settings, node, folder)
        problems += _missing_files(settings, node, folder)
    if settings is None or problems:
        raise ConfigError(problems=sorted(dict.fromkeys(problems), key=lambda problem: problem.line or 0))
    return settings.loaded_from(file)


def load_declared(settings: Settings, kinds: Mapping[str, ProbeKind]) -> Inventory:
    """Return the settings' inventory; raise ConfigError unless it knows the settings' vantage.

    Neither may a check of that vantage run a program that lies outside the folders of the settings.
    """
    inventory = load_inventory(settings.inventory, kinds)
    if settings.vantage not in inventory.vantages:
        words = inventory.vantages
        expected = one_of(words, f"a vantage of {settings.inventory}")
        node = _node(settings.file)
        problem = _at(node, ("vantage",), shown(settings.vantage), expected)
        raise ConfigError(problems=[replace(problem, hint=nearest(settings.vantage, words))])
    if problems := list(_strange_plugins(settings, inventory)):
        raise ConfigError(problems=problems)
    return inventory


def _strange_plugins(settings: Settings, inventory: Inventory) -> Iterator[Problem]:
    folders = settings.looking.plugin_folders
    for key, check in checks_of(inventory, inventory.vantages[settings.vantage]).items():
        options = check.look.options
        if isinstance(options, plugin.Options) and not any(
            options.program.startswith(f"{folder}/") for folder in folders
        ):
            expected = one_of(folders, "a program in a folder of `looking.plugin_folders`")
            yield Problem(str(settings.inventory), None, f"{key}: program", shown(options.program), expected)


def _node(file: Path | None) -> Node:
    return read(file) if file is not None else Node({}, Place("settings", 1))


def _validated(node: Node, problems: list[Problem]) -> Settings | None:
    """Return the settings; what is wrong with them is added to *problems*."""
    fields = Settings.model_fields
    for key, child in node.children().items():
        if key not in fields:
            place, found = child.place, f"the unknown key {shown(key)}"
            words, hint = one_of(fields, "a key"), nearest(key, fields)
            problems.append(Problem(place.file, place.line, key, found, words, hint))
    problems += truths(node, Settings)
    known = {key: child for key, child in node.children().items() if key in fields}
    try:
        return Settings.model_validate(_set(replace(node, value=known), ()))
    except ValidationError as error:
        told = zip(error.errors(include_url=False), explained(error, node, Settings), strict=True)
        problems += [_from_environment(details["loc"], problem) for details, problem in told]
    except SettingsError as error:
        problems.append(Problem("environment", None, PREFIX, str(error), "text"))
    return None


def _set(node: Node, loc: tuple[str, ...]) -> dict[str, object]:
    """Return what *node* sets: a known key without a value counts as left out."""
    known, found = fields_at(Settings, loc), {}
    for key, child in node.children().items():
        if child.value is not None or key not in known:
            section = isinstance(child.value, dict)
            found[key] = _set(child, (*loc, key)) if section else child.plain()
    return found


def _unknown_variables() -> list[Problem]:
    """Return a problem for each variable of ours that sets nothing.

    Keys inside a section are left to the section.
    """
    problems = []
    for name in os.environ:
        if not name.upper().startswith(PREFIX):
            continue
        first, _, rest = name[len(PREFIX) :].lower().partition("__")
        sections = [key for key in Settings.model_fields if fields_at(Settings, (key,)) or key in NAMED]
        if first not in Settings.model_fields:
            words, hint = one_of(Settings.model_fields, "a key"), nearest(first, Settings.model_fields)
            problems.append(Problem("environment", None, name, f"the unknown key {first!r}", words, hint))
        elif bool(rest) != (first in sections):
            form = f"{PREFIX}{first.upper()}" + ("__<KEY>" if first in sections else "")
            problems.append(Problem("environment", None, name, "a variable that sets nothing", form))
    return problems


def _from_environment(loc: tuple[int | str, ...], problem: Problem) -> Problem:
    """Return *problem*, put where its value comes from."""
    name = PREFIX + "__".join(str(part) for part in loc).upper()
    given = next((variable for variable in os.environ if variable.upper() == name), None)
    return problem if given is None else replace(problem, file="environment", line=None, key=given)


def _at(node: Node, loc: tuple[str, ...], found: str, expected: str) -> Problem:
    """Return the problem with the value at *loc*, be it in the file, in the environment or nowhere."""
    place = node.place
    for key in loc:
        node = node.child(key) or node
        place = node.place
    problem = Problem(place.file, place.line, ".".join(loc), found, expected)
    return _from_environment(loc, problem)


def _with_credentials(settings: Settings) -> Settings:
    folder = Path(os.environ.get(CREDENTIALS) or "/nonexistent")
    sections = {
        "reports": "report",
        "webhooks": "webhook",
        "alertmanagers": "alertmanager",
        "channels": "channel",
    }
    update: dict[str, object] = {
        key: {
            name: with_credential(one, f"{word}-{name}", folder)
            for name, one in getattr(settings, key).items()
        }
        for key, word in sections.items()
    }
    update |= {
        "mqtt": with_credential(settings.mqtt, "mqtt", folder),
        "http": _with_token(settings.http, folder),
    }
    return settings.model_copy(update=update)


def _with_token(http: BoardOptions, folder: Path) -> BoardOptions:
    """Return *http* with systemd's credential as the file of the token, if there is one and no other."""
    token = folder / "http-answer-token"
    given = http.answer_token_file is not None or not token.is_file()
    return http if given else http.model_copy(update={"answer_token_file": token})


def _bad_channels(settings: Settings, node: Node, folder: Path) -> Iterator[Problem]:
    """Give what is wrong with the options of channels, by their kinds."""
    below = node.child("channels") or node
    for name, channel in settings.channels.items():
        child = below.child(name) or below
        yield from truths(child, channel.known().options)
        try:
            channel.options(folder)
        except ValidationError as error:
            told = explained(error, child, channel.known().options, also=OWN_KEYS)
            for details, problem in zip(error.errors(include_url=False), told, strict=True):
                yield _from_environment(("channels", name, *details["loc"]), _about_file(problem))


def _about_file(problem: Problem) -> Problem:
    """Return *problem*; of a secret that is missing it tells where one is named."""
    if not problem.key.endswith(".password"):
        return problem
    return replace(problem, key=f"{problem.key}_file", expected="a file with the secret")


def _missing_files(settings: Settings, node: Node, folder: Path) -> list[Problem]:
    return [
        _at(node, (*loc, *keys), f"no readable file {str(path)!r}", "a file that this user may read")
        for loc, section in (*_told(settings), *told_channels(settings.channels, folder))
        for keys, path in _files(section)
        if not (path.is_file() and os.access(path, os.R_OK))
    ]


def _told(settings: Settings) -> Iterator[tuple[tuple[str, ...], BaseModel]]:
    """Give the section of everybody who is told or tells, with its path."""
    yield ("http",), settings.http
    yield from told_brokers(settings.mqtt, settings.reports)
    yield from told_receivers(settings.webhooks, settings.alertmanagers)


def _files(section: BaseModel) -> Iterator[tuple[tuple[str, ...], Path]]:
    """Give every file that a section names, with its keys."""
    tls = getattr(section, "tls", None)
    for keys, value in [
        *(((key,), getattr(section, key, None)) for key in ("password_file", "answer_token_file", "ca")),
        *((("tls", key), getattr(tls, key, None)) for key in ("ca", "cert", "key")),
    ]:
        if isinstance(value, Path):
            yield keys, value
