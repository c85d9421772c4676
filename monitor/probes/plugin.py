"""Runs a Nagios or Monitoring Plugins program and takes its word for it."""

import asyncio
import contextlib
import os
import re
from collections.abc import AsyncIterator
from typing import Annotated
from weakref import WeakKeyDictionary

from pydantic import ConfigDict, Field, field_validator

from monitor.core.observation import Finding, failed, ok, poor, unknown
from monitor.kit import perfdata, process
from monitor.kit.program import ENVIRONMENT, Argument, Program
from monitor.kit.sockets import Host
from monitor.kit.text import clean
from monitor.ports import ProbeOptions

REASONS = {
    "warning": "the plugin says WARNING (exit code 1): it works, poorly",
    "critical": "the plugin says CRITICAL (exit code 2)",
    "plugin_unknown": "the plugin says UNKNOWN (exit code 3): it could not look, or was called wrongly",
    "plugin_broken": "the plugin crashed, has another exit code than 0 to 3, or says more than 64 KiB",
    "plugin_missing": "the program is not there, or this user may not run it",
    "plugins_busy": "too many other plugins are running, and none ended within a second",
}

VALUES = {
    "state": ("code", "exit code of the plugin: 0 OK, 1 WARNING, 2 CRITICAL"),
    "rtt": ("seconds", "`rta` of its performance data, as of check_icmp and check_ping"),
    "loss": ("ratio", "`pl` of its performance data, as of the same"),
    "time": ("seconds", "`time` of its performance data, as of check_tcp and check_http"),
    "size": ("bytes", "`size` of its performance data, as of check_http"),
    "offset": ("seconds", "`offset` of its performance data, as of check_ntp_time"),
}

AT_ONCE = 16
"""Plugins that run at the same time: each is a process."""
PATIENCE = 1.0
"""Seconds for which a look waits for another's plugin to end."""
_LABELS = {"rtt": "rta", "loss": "pl", "time": "time", "size": "size", "offset": "offset"}
_UNITS = {name: unit for name, (unit, _) in VALUES.items()}
_ADDRESS = "$HOSTADDRESS$"
_WARNING, _CRITICAL, _UNKNOWN = 1, 2, 3

_places: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()


Label = Annotated[str, Field(min_length=1, max_length=120)]


class Options(ProbeOptions):
    """Which program to run, and with which arguments; there is no shell in between."""

    model_config = ConfigDict(str_strip_whitespace=False)

    host: Host = Field(description="Name or address of the subject, for `$HOSTADDRESS$` in the arguments.")
    program: Program = Field(description="Absolute path of the plugin, without `..`.")
    arguments: tuple[Argument, ...] = Field(
        default=(),
        max_length=64,
        description="Its arguments, each as it is; `$HOSTADDRESS$` in them stands for `host`.",
    )
    values: dict[str, Label] = Field(
        default={},
        max_length=16,
        description="Further values to keep, by a name of your own: label of the performance data.",
    )

    @field_validator("host")
    @classmethod
    def _host_is_no_option(cls, host: str) -> str:
        if host.startswith("-"):
            raise ValueError("the host must not begin with -: the plugin would take it for an option")
        return host

    @field_validator("values")
    @classmethod
    def _names_are_names(cls, values: dict[str, str]) -> dict[str, str]:
        for name in values:
            if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", name) or name in VALUES:
                raise ValueError(f"values: {name!r} is no name, or taken; use a-z, 0-9 and _")
        return values


async def probe(options: Options) -> Finding:
    """Run the plugin to its end; at the deadline it is killed, and its children with it."""
    arguments = [options.program, *(one.replace(_ADDRESS, options.host) for one in options.arguments)]
    try:
        async with _place():
            ended = await process.run(arguments, ENVIRONMENT)
    except _BusyError:
        return unknown("plugins_busy", f"{AT_ONCE} plugins are running")
    except OSError as error:
        return unknown("plugin_missing", clean(f"{options.program}: {os.strerror(error.errno or 0)}"))
    return _judge(ended, options)


class _BusyError(Exception):
    """No place became free."""


@contextlib.asynccontextmanager
async def _place() -> AsyncIterator[None]:
    places = _places.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(AT_ONCE))
    try:
        async with asyncio.timeout(PATIENCE):
            await places.acquire()
    except TimeoutError:
        raise _BusyError from None
    try:
        yield
    finally:
        places.release()


def _judge(ended: process.Ended, options: Options) -> Finding:
    told = perfdata.read((ended.output.strip() or ended.complaints.strip()).decode("utf-8", "replace"))
    detail = clean(told.line)
    if ended.too_much:
        return unknown("plugin_broken", clean(f"says more than {process.MOST} bytes: {told.line}"))
    if ended.code < 0:
        return unknown("plugin_broken", f"killed by signal {-ended.code}")
    if ended.code == _UNKNOWN:
        return unknown("plugin_unknown", detail)
    if ended.code > _UNKNOWN:
        return unknown("plugin_broken", clean(f"exit code {ended.code}: {told.line}"))
    values = {"state": float(ended.code), **_kept(told.values, options.values)}
    if ended.code == _CRITICAL:
        return failed("critical", detail, path_up=False, **values)
    if ended.code == _WARNING:
        return poor("warning", detail, **values)
    return ok(detail, **values)


def _kept(told: dict[str, perfdata.Measured], wanted: dict[str, str]) -> dict[str, float]:
    """Return the values whose names we know: what a plugin makes up never becomes a label."""
    usual = {
        name: told[label].number
        for name, label in _LABELS.items()
        if label in told and told[label].unit == _UNITS[name]
    }
    return usual | {name: told[label].number for name, label in wanted.items() if label in told}
