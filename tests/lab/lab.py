"""A city in network namespaces: real kernels' ICMP and TCP over forty circuits that can be cut.

Needs root, iproute2 and nftables. One lab at a time: a lock is held for its life, and what a crashed
lab has left behind is cleared away before the next is built.
"""

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from tests.lab import plan
from tests.lab.netns import RUN, inside
from tests.lab.topology import (
    CENTERS,
    DAEMON,
    DEVICES,
    NETWORKS,
    PREFIX,
    ROUTERS,
    Wire,
    lan,
    namespaces,
    nets,
    place,
    subnet,
    wire,
    wires,
)

LOCK = Path("/run/lock/cmt-lab.lock")
PATIENCE = 110.0
"""Seconds to wait for another lab to end; less than a test may take."""
CONVERGENCE = 1.5
"""Seconds until the routers send the traffic of a center's servers over the other circuit."""

DROP = "drop"
TO_CENTER, FROM_CENTER = "to_center", "from_center"


def why_not() -> str | None:
    """Say why no lab can be built here; None if it can."""
    if os.geteuid():
        return "needs root"
    if missing := [program for program in ("ip", "nft", "setpriv") if shutil.which(program) is None]:
        return f"needs {' and '.join(missing)} (iproute2, nftables, util-linux)"
    tried = subprocess.run(["unshare", "--net", "nft", "list", "tables"], capture_output=True, check=False)
    return "may not make network namespaces" if tried.returncode else None


class Lab:
    """The city, as a context: built on entering, gone on leaving."""

    def __init__(self) -> None:
        self._lock: IO[str] | None = None
        self._rules: dict[tuple[str, str], str] = {}
        """What stands in a namespace's chain now; nothing: all passes."""
        self._off: set[str] = set()
        """Centers without power."""
        self._timers: dict[str, threading.Timer] = {}
        self._children: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        self._lock = _locked()
        try:
            clear()
            self._build()
        except BaseException:
            self._pull_down()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pull_down()

    # ── faults of a circuit ─────────────────────────────────────────────────────────────────────

    def cut(self, *paths: str) -> float:
        """Cut circuits (`danjiangkou/city/primary`) both ways; return the monotonic time just before."""
        return self._place(dict.fromkeys(paths, (DROP, DROP)))

    def heal(self, *paths: str) -> float:
        """Make circuits whole again; return the monotonic time just after."""
        self._place(dict.fromkeys(paths, ("", "")))
        return time.monotonic()

    def one_way(self, path: str, direction: str) -> float:
        """Let nothing pass in one direction, `to_center` or `from_center`."""
        return self._place({path: (DROP, "") if direction == TO_CENTER else ("", DROP)})

    def loss(self, percent: int, *paths: str) -> float:
        """Lose packets towards the center at random, each on its own: the share of round trips lost."""
        return self._place(dict.fromkeys(paths, (f"numgen random mod 100 < {percent} drop", "")))

    # ── faults of a center ──────────────────────────────────────────────────────────────────────

    def cut_off(self, center: str) -> float:
        """Cut all four circuits of a center."""
        return self.cut(*(found.id for found in wires(center)))

    def backup_only(self, center: str) -> float:
        """Cut the primary circuits of a center."""
        return self.cut(*(found.id for found in wires(center) if found.role == "primary"))

    def router_dead(self, center: str) -> float:
        """Hang a center's router: the lines keep their light, nothing comes through or back."""
        return self._fill({(place(center), "everything"): DROP})

    def power_off(self, center: str) -> float:
        """Switch a center off, servers and all: the far ends of its circuits lose their carrier."""
        began = time.monotonic()
        self._off.add(center)
        for namespace in (place(center), lan(center)):
            _ip(namespace, plan.switched_off(namespace))
        return began

    def power_on(self, center: str) -> None:
        """Switch a center on again."""
        for namespace in (place(center), lan(center)):
            _ip(namespace, plan.switched_on(namespace))
        self._off.discard(center)
        self._reroute(center)

    def core_dead(self, network: str) -> float:
        """Hang the router of a network: `city` or `province`."""
        return self._fill({(ROUTERS[network], "everything"): DROP})

    def lan_down(self, center: str) -> float:
        """Hang the switch of a center: its router reaches none of its servers."""
        return self._fill({(place(center), "lan"): DROP})

    def lan_up(self, center: str) -> float:
        """Let a center's servers be reached again; return the monotonic time just after."""
        self._fill({(place(center), "lan"): ""})
        return time.monotonic()

    def silence(self, center: str, device: str, port: int | None = None) -> float:
        """Let a device answer nothing, or nothing on one of its TCP ports."""
        last, _ = DEVICES[device]
        rule = f"ip saddr {subnet(center)}.{last}" + (f" tcp sport {port}" if port else "")
        return self._fill({(place(center), "lan"): f"{rule} drop"})

    def trunk_cut(self) -> float:
        """Cut what joins the networks of the city and the province, both ways."""
        return self._fill({(ROUTERS["city"], "pr"): DROP, (ROUTERS["province"], "mr"): DROP})

    def uplink_cut(self) -> float:
        """Cut the municipal center's own uplink, both ways."""
        beyond = f"ip daddr {DAEMON} drop"
        return self._fill({(ROUTERS["city"], "muni"): DROP, (ROUTERS["city"], "reports"): beyond})

    def mute(self, *centers: str) -> float:
        """Let no MQTT of these centers, and of no others, come through the networks' routers."""
        sources = ", ".join(net for center in centers for net in nets(center))
        rule = f"ip saddr {{ {sources} }} tcp dport 1883 drop" if centers else ""
        return self._fill({(router, "reports"): rule for router in ROUTERS.values()})

    def restore(self) -> None:
        """Undo every fault; the routers are back on the primaries at once."""
        self._fill(dict.fromkeys(self._rules, ""))
        for center in tuple(self._off):
            self.power_on(center)
        for center, timer in self._timers.items():
            timer.cancel()
            timer.join()
            self._reroute(center)
        self._timers.clear()

    # ── programs ────────────────────────────────────────────────────────────────────────────────

    def start(self, namespace: str, *command: str, log: Path | None = None) -> subprocess.Popen[bytes]:
        """Start a program in a namespace; it is ended with the lab, and with us if we are killed."""
        words = ["ip", "netns", "exec", namespace, "setpriv", "--pdeathsig", "KILL", "--", *command]
        with contextlib.ExitStack() as stack:
            out = stack.enter_context(log.open("ab")) if log else subprocess.DEVNULL
            child = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)
        self._children.append(child)
        return child

    def end(self, child: subprocess.Popen[bytes]) -> None:
        """End a program that was started here: asked first, killed if it does not go."""
        _end(child)
        self._children.remove(child)

    # ── how it is done ──────────────────────────────────────────────────────────────────────────

    def _build(self) -> None:
        _batch(plan.cables())
        for namespace in namespaces():
            inside(namespace, _settle, namespace)
        self._serve()

    def _serve(self) -> None:
        """Start the centers' servers: one process that listens in ten namespaces."""
        wanted = [
            f"{lan(center)},{subnet(center)}.{last},{port}"
            for center in CENTERS
            for last, port in DEVICES.values()
        ]
        server = subprocess.Popen(
            [sys.executable, "-m", "tests.lab.servers", *wanted],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._children.append(server)
        if server.stdout is None or server.stdout.readline() != b"serving\n":
            raise RuntimeError("the centers' servers did not start")

    def _place(self, changes: dict[str, tuple[str, str]]) -> float:
        """Put rules (towards the center, away from it) on circuits; the routers notice in their time."""
        rules = {}
        for path, (towards, away) in changes.items():
            found = wire(path)
            rules[place(found.center), found.near_port] = towards
            rules[found.router, found.far_port] = away
        began = self._fill(rules)
        for center in {path.partition("/")[0] for path in changes}:
            self._reroute_soon(center)
        return began

    def _fill(self, rules: dict[tuple[str, str], str]) -> float:
        """Fill chains, one transaction per namespace; return the monotonic time just before the first."""
        texts: defaultdict[str, str] = defaultdict(str)
        for (namespace, chain), rule in rules.items():
            texts[namespace] += f"flush chain inet lab {chain}\n"
            texts[namespace] += f"add rule inet lab {chain} {rule}\n" if rule else ""
        began = time.monotonic()
        for namespace, text in texts.items():
            inside(namespace, _nft, text)
        self._rules = {key: rule for key, rule in (self._rules | rules).items() if rule}
        return began

    def _whole(self, found: Wire) -> bool:
        ends = ((place(found.center), found.near_port), (found.router, found.far_port))
        return all(self._rules.get(end) != DROP for end in ends)

    def _reroute_soon(self, center: str) -> None:
        if waiting := self._timers.pop(center, None):
            waiting.cancel()
        self._timers[center] = timer = threading.Timer(CONVERGENCE, self._reroute, [center])
        timer.daemon = True
        timer.start()

    def _reroute(self, center: str) -> None:
        """Send the traffic of the center's servers over the first circuits that are whole, if any."""
        for network in NETWORKS if center not in self._off else ():
            whole = [found for found in wires(center) if found.network == network and self._whole(found)]
            if whole:
                _ip(whole[0].router, [plan.route_to_servers(whole[0])])
                _ip(place(center), [plan.route_from_servers(whole[0])])

    def _pull_down(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
            timer.join()
        for child in reversed(self._children):
            _end(child)
        clear()
        if self._lock:
            self._lock.close()


def clear() -> None:
    """Delete the lab's namespaces, end what still runs in them, and unmount its disks."""
    ours = [found.name for found in RUN.glob(f"{PREFIX}*")]
    for namespace in ours:
        found = subprocess.run(
            ["ip", "netns", "pids", namespace], capture_output=True, text=True, check=False
        )
        for pid in found.stdout.split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
    _batch(f"netns del {namespace}" for namespace in ours)
    for mount in Path("/proc/mounts").read_text().splitlines():
        label, place, *_ = mount.split()
        if label.startswith(PREFIX):
            subprocess.run(["umount", "--lazy", place], check=False)


def _locked() -> IO[str]:
    lock = LOCK.open("w")
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                lock.close()
                raise RuntimeError(f"another lab holds {LOCK}") from None
            time.sleep(0.2)
        else:
            return lock


def _settle(namespace: str) -> None:
    """Make a fresh namespace what it shall be; runs inside it."""
    forwards = namespace in set(plan.routers())
    Path("/proc/sys/net/ipv4/ip_forward").write_text(str(int(forwards)))
    Path("/proc/sys/net/ipv4/ping_group_range").write_text("0 2147483647")
    _batch((*plan.addresses(namespace), *plan.switched_on(namespace)))
    if forwards:
        _nft(plan.filters(namespace))


def _ip(namespace: str, lines: Iterable[str]) -> None:
    inside(namespace, _batch, lines)


def _batch(lines: Iterable[str]) -> None:
    _feed(["ip", "-batch", "-"], "\n".join(lines) + "\n")


def _nft(text: str) -> None:
    _feed(["nft", "-f", "-"], text)


def _feed(command: list[str], text: str) -> None:
    done = subprocess.run(command, input=text, text=True, capture_output=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}\n{text}")


def _end(child: subprocess.Popen[bytes]) -> None:
    for pipe in (child.stdin, child.stdout):
        if pipe:
            pipe.close()
    child.terminate()
    try:
        child.wait(10)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
