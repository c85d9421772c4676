"""ups: on mains or not, and for how long it would last, whoever tells it."""

import contextlib
import os
import socket
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from monitor.core.observation import Finding, Outcome
from monitor.engine.runner import look_with, observe
from monitor.probes.ups import REASONS, Options, nut, probe
from tests.probes.conftest import free_ports
from tests.probes.peers import peer, says
from tests.snmpd import needs_snmpd, snmpd

FOLDER = Path("/lib/nut")
needs_nut = pytest.mark.skipif(
    not (FOLDER / "upsd").exists() or not (FOLDER / "dummy-ups").exists(),
    reason="nut-server is not installed",
)

WELL = {"ups.status": "OL CHRG", "battery.charge": "97", "battery.runtime": "2400", "ups.load": "31"}
ON_MAINS, ON_BATTERY = (f"on {source}, charge 97%, 40 min left" for source in ("mains", "battery"))
UNITS = {
    "well": WELL,
    "dark": WELL | {"ups.status": "OB DISCHRG", "battery.charge": "71.5", "battery.runtime": "900"},
    "dying": WELL | {"ups.status": "OB LB"},
    "off": WELL | {"ups.status": "OFF"},
    "heavy": WELL | {"ups.status": "OL OVER", "ups.load": "112"},
    "old": WELL | {"ups.status": "OL RB"},
    "bypassed": WELL | {"ups.status": "OL BYPASS"},
    "tested": WELL | {"ups.test.result": "Battery failure"},
}


class Nut:
    """A real NUT server with a dummy driver for each of some units."""

    def __init__(self, folder, units):
        self.folder, self.units = folder, units
        self.port = free_ports(1)[0]
        self.drivers, self.server = {}, None

    def __enter__(self):
        self.folder.chmod(0o700)
        sections = [
            f"[{name}]\ndriver = dummy-ups\nport = {name}.dev\nmode = dummy-once\n" for name in self.units
        ]
        (self.folder / "ups.conf").write_text("\n".join(sections))
        (self.folder / "upsd.conf").write_text(f"LISTEN 127.0.0.1 {self.port}\nMAXAGE 15\n")
        (self.folder / "upsd.users").write_text("")
        for name, variables in self.units.items():
            text = "".join(f"{key}: {value}\n" for key, value in variables.items())
            (self.folder / f"{name}.dev").write_text(text)
            self.drivers[name] = self.start("dummy-ups", "-a", name)
        until = time.monotonic() + 10
        while len(list(self.folder.glob("dummy-ups-*"))) < len(self.units):
            self.wait(until)
        self.server = self.start("upsd")
        while not self.answers():
            self.wait(until)
        return self

    def __exit__(self, *_):
        for process in (*self.drivers.values(), self.server):
            if process is not None:
                process.terminate()
                process.wait()

    def start(self, program, *arguments):
        places = dict.fromkeys(("NUT_CONFPATH", "NUT_STATEPATH", "NUT_ALTPIDPATH"), str(self.folder))
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                [FOLDER / program, *arguments, "-u", "root", "-F"],
                stdout=log,
                stderr=log,
                env={**os.environ, **places},
            )

    def wait(self, until):
        if time.monotonic() > until:
            pytest.fail((self.folder / "log").read_text())
        time.sleep(0.02)

    def answers(self):
        """Tell whether the server knows how all of the units are."""
        return all(self.knows(name) for name in self.units)

    def knows(self, name):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1) as sock:
            sock.sendall(f"GET VAR {name} battery.charge\n".encode())
            return sock.recv(200).startswith(b"VAR")
        return False


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    if os.geteuid() != 0:
        pytest.skip("NUT wants to be started by root")
    with Nut(tmp_path_factory.mktemp("nut"), UNITS) as one:
        yield one


async def looked(**options):
    finding, _ = await observe(look_with(probe, Options(**{"host": "127.0.0.1", **options})), 5.0)
    return finding


@needs_nut
@pytest.mark.parametrize(
    ("unit", "promised", "outcome", "reason", "detail"),
    [
        ("well", {"minutes": 30, "warn_charge": 0.9, "warn_load": 0.8}, "ok", "ok", ON_MAINS),
        ("well", {"minutes": 60}, "ok", "runtime", "runtime 40 min, limit 60 min"),
        ("well", {"warn_charge": 0.99}, "ok", "charge", "charge 0.97, limit 0.99"),
        ("well", {"warn_load": 0.3}, "ok", "load", "load 0.31, limit 0.3"),
        ("dark", {}, "failed", "on_battery", "on battery, charge 72%, 15 min left"),
        ("dying", {}, "failed", "battery_low", ON_BATTERY),
        ("off", {}, "failed", "output_off", ON_MAINS),
        ("heavy", {}, "failed", "overload", ON_MAINS),
        ("old", {}, "ok", "battery_bad", ON_MAINS),
        ("bypassed", {}, "ok", "bypass", ON_MAINS),
        ("tested", {}, "ok", "self_test", "its self-test says Battery failure"),
        ("nobody", {}, "failed", "unknown_ups", "ERR UNKNOWN-UPS"),
    ],
)  # fmt: skip
async def test_a_real_server_tells_how_its_units_are(server, unit, promised, outcome, reason, detail):
    finding = await looked(port=server.port, nut=unit, **promised)

    assert (finding.outcome, finding.reason, finding.detail) == (outcome, reason, detail)
    assert finding.path_up


@needs_nut
async def test_what_the_battery_holds_is_measured(server):
    finding = await looked(port=server.port, nut="dark")

    assert (finding.values["charge"], finding.values["runtime"]) == (0.715, 900)
    assert finding.values["load"] == pytest.approx(0.31)


@needs_nut
async def test_a_server_that_has_lost_its_unit_says_so(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("NUT wants to be started by root")
    with Nut(tmp_path, {"hub": WELL}) as one:
        one.drivers["hub"].terminate()
        one.drivers["hub"].wait()
        until = time.monotonic() + 5
        while one.answers():
            one.wait(until)
        finding = await looked(port=one.port, nut="hub")

    assert (finding.outcome, finding.reason) == (Outcome.FAILED, "stale")


BEGIN = b'BEGIN LIST VAR hub\nVAR hub ups.status "OL"\n'
MIB = "1.3.6.1.2.1.33.1"


def card(**numbers):
    """Return the lines of an agent that is a UPS."""
    columns = {
        "battery": "2.1.0",
        "seconds": "2.2.0",
        "minutes": "2.3.0",
        "charge": "2.4.0",
        "source": "4.1.0",
    }
    columns |= {"load": "4.4.1.5.1", "test": "7.3.0"}
    well = {"battery": 2, "seconds": 0, "minutes": 40, "charge": 97, "source": 3, "load": 31, "test": 1}
    alarm = numbers.pop("alarm", None)
    lines = [f"override {MIB}.{columns[name]} integer {number}" for name, number in (well | numbers).items()]
    if alarm is not None:
        lines.append(f"override {MIB}.6.2.1.2.1 object_id {MIB}.6.3.{alarm}")
    return lines


@needs_snmpd
@pytest.mark.parametrize(
    ("told", "promised", "outcome", "reason", "detail"),
    [
        pytest.param({}, {"minutes": 30}, "ok", "ok", ON_MAINS, id="well"),
        pytest.param({}, {"minutes": 60}, "ok", "runtime", "runtime 40 min, limit 60 min", id="too-short"),
        pytest.param({"source": 5, "seconds": 60}, {}, "failed", "on_battery", ON_BATTERY, id="dark"),
        pytest.param({"source": 5, "battery": 3}, {}, "failed", "battery_low", ON_BATTERY, id="dying"),
        pytest.param({"source": 2}, {}, "failed", "output_off", ON_MAINS, id="off"),
        pytest.param({"source": 4}, {}, "ok", "bypass", ON_MAINS, id="bypass"),
        pytest.param({"alarm": 1}, {}, "ok", "battery_bad", ON_MAINS, id="bad-battery"),
        pytest.param({"alarm": 8}, {}, "failed", "overload", ON_MAINS, id="overload"),
        pytest.param({"test": 3}, {}, "ok", "self_test", "its self-test says error", id="tested"),
    ],
)  # fmt: skip
async def test_a_card_tells_how_its_unit_is(tmp_path, told, promised, outcome, reason, detail):
    with snmpd(tmp_path, *card(**told)) as agent:
        finding = await looked(**agent.v3(**promised))

    assert (finding.outcome, finding.reason, finding.detail) == (outcome, reason, detail)


@needs_snmpd
async def test_an_agent_that_is_no_ups_is_told(tmp_path):
    with snmpd(tmp_path) as agent:
        finding = await looked(**agent.v3())

    assert (finding.reason, finding.path_up) == ("no_ups", True)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        pytest.param(b"", "closed", id="nothing"),
        pytest.param(b"220 mail\r\n", "not_nut", id="a-mail-server"),
        pytest.param(b"ERR ACCESS-DENIED\n", "nut_error", id="another-error"),
        pytest.param(BEGIN, "closed", id="cut-short"),
        pytest.param(b"BEGIN LIST VAR hub\nEND LIST VAR hub\n", "stale", id="no-status"),
        pytest.param(BEGIN + b'VAR hub battery.charge "1e999"\nEND LIST VAR hub\n', "ok", id="odd-charge"),
        pytest.param(BEGIN + b'VAR hub x "y"\n' * 9000, "closed", id="too-much"),
    ],
)  # fmt: skip
async def test_a_server_may_say_anything(words, reason):
    async with peer(says(lambda _: words)) as one:
        finding = await looked(port=one.port, nut="hub")

    assert finding.reason == reason


LINES = [
    b"BEGIN LIST VAR hub\n", b'VAR hub ups.status "OL"\n', b'VAR hub ups.status "O\\"B"\n',
    b"END LIST VAR hub\n",
    b'VAR hub battery.charge "-1"\n', b'VAR hub battery.runtime "\xff"\n', b"ERR ", b"\n", b'"', b"\\",
    b'VAR hub ups.test.result "fail\x1b[2J"\n',
]  # fmt: skip
answers = st.lists(st.sampled_from(LINES) | st.binary(max_size=30), max_size=12).map(b"".join)
PROMISED = Options(host="127.0.0.1", nut="hub", minutes=10, warn_charge=0.5, warn_load=0.5)


def judged(words):
    finding = nut.judged(words, PROMISED)
    assert isinstance(finding, Finding)
    assert finding.reason in {"ok", *REASONS}
    assert len(finding.detail) <= 200
    assert finding.detail == "" or finding.detail.isprintable()


@settings(max_examples=500, deadline=None, derandomize=True)
@given(words=answers)
def test_whatever_is_said_is_judged(words):
    judged(words)


@pytest.mark.long
@pytest.mark.timeout(600)
@settings(max_examples=10_000, deadline=None)
@given(words=answers)
def test_whatever_is_said_is_judged_ten_thousand_times(words):
    judged(words)


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({}, "either user"),
        ({"nut": "hub", "community_file": "x"}, "nut goes without"),
        ({"nut": "hub two"}, "pattern"),
        ({"nut": "hub", "minutes": 0}, "greater than 0"),
    ],
)
def test_options_that_contradict_each_other_are_refused(wrong, word):
    with pytest.raises(ValidationError, match=word):
        Options(host="127.0.0.1", **wrong)


def test_each_protocol_has_its_own_port():
    assert Options(host="127.0.0.1", nut="hub").port == 3493
    assert Options(host="127.0.0.1", nut="hub", port=1).port == 1
    assert Options(host="127.0.0.1", community_file="x").port == 161
