"""stamp: a burst, and for each direction what it does to packets; reflectors of all kinds are understood."""

import asyncio
import json
import socket
import threading
import time

import pytest
from pydantic import ValidationError

from monitor.cli import main
from monitor.core.observation import Outcome
from monitor.core.vitals import Vitals
from monitor.engine.runner import look_with, observe
from monitor.errors import ConfigError
from monitor.kit.stamp import packets
from monitor.probes.stamp import Options, probe
from monitor.settings import load_settings
from tests.kit.stamp_ground import Uneven, other, plain, reflecting


async def look(port, host="127.0.0.1", **more):
    return await probe(Options(**{"host": host, "port": port, "spacing": 0.001, "wait": 0.1, **more}))


def full(data, number, dscp=0, tos=0):
    """Answer as our own reflector does."""
    now = packets.stamp(0)
    return packets.answer(data, number, now, now, 64, tos or dscp << 2)[0]


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_all_is_well_between_two_of_ours(host):
    async with reflecting(host) as one:
        finding = await look(one.port, host, packets=50, dscp=46, mtu=1500)

    assert (finding.outcome, finding.reason, finding.detail) == (Outcome.OK, "ok", "all of 50 answered")
    told = finding.values
    assert (told["sent"], told["received"], told["loss"]) == (50.0, 50.0, 0.0)
    assert (told["loss_out"], told["loss_back"]) == (0.0, 0.0)
    assert (told["dscp_out"], told["dscp_back"]) == (46.0, 46.0)
    assert 0 < told["rtt_min"] <= told["rtt"] <= told["rtt_max"] < 0.1
    assert all(0 <= told[name] < 0.1 for name in ("jitter", "jitter_out", "jitter_back"))


@pytest.mark.parametrize(
    ("lost_there", "lost_back", "reason", "detail"),
    [
        pytest.param({3, 4}, set(), "loss_out", "loss on the way there 0.1, limit 0.05", id="there"),
        pytest.param(set(), {3, 4}, "loss_back", "loss on the way back 0.1, limit 0.05", id="back"),
        pytest.param(
            {3, 4}, {6, 7, 8}, "loss_back", "loss on the way back 0.166667, limit", id="the-worse-one"
        ),
        pytest.param(
            {3}, set(), "ok", "lost 1 of 20 on the way there, 0 of 19 on the way back", id="a-little"
        ),
    ],
)
async def test_the_lossy_direction_is_named(lost_there, lost_back, reason, detail):
    reached = 0

    def behave(number, data):
        nonlocal reached
        if number in lost_there:
            return []
        reached += 1
        return [] if number in lost_back else [full(data, reached - 1)]

    async with other(behave) as (port, _):
        finding = await look(port)

    assert (finding.outcome, finding.reason) == (Outcome.OK, reason)
    assert finding.detail.startswith(detail)
    assert finding.values["loss_out"] == pytest.approx(len(lost_there) / 20)
    assert finding.values["loss_back"] == pytest.approx(len(lost_back) / (20 - len(lost_there)))


async def test_beyond_its_limit_loss_is_a_failure_that_proves_the_way():
    async with other(lambda number, data: [full(data, number)] if number % 2 else []) as (port, _):
        finding = await look(port, max_loss=0.3)

    assert (finding.outcome, finding.reason, finding.path_up) == (Outcome.FAILED, "loss_back", True)


async def test_a_reflector_that_does_not_count_tells_no_direction():
    async with other(lambda number, data: [plain(data, number)] if number % 4 else []) as (port, _):
        finding = await look(port, stateful=False)

    assert (finding.reason, finding.detail) == ("loss", "loss 0.25, limit 0.05")
    assert not {"loss_out", "loss_back", "dscp_out"} & set(finding.values)


@pytest.mark.parametrize(
    ("there", "back", "uneven", "even"), [(0.1, 0.0, "out", "back"), (0.0, 0.1, "back", "out")]
)
async def test_the_uneven_way_is_named(there, back, uneven, even):
    async with other(Uneven(there, back)) as (port, _):
        finding = await look(port, wait=1.0, warn_jitter=0.05)

    assert (finding.outcome, finding.reason) == (Outcome.OK, f"jitter_{uneven}")
    assert finding.values[f"jitter_{uneven}"] > 0.09
    assert finding.values[f"jitter_{even}"] < 0.05


async def test_the_time_that_the_reflector_takes_is_not_the_line_s():
    def behave(number, data):
        answer = plain(data, number, stay=0.1)
        time.sleep(0.1)
        return [answer]

    async with other(behave) as (port, _):
        finding = await look(port, packets=3, wait=1.0)

    assert finding.outcome is Outcome.OK
    assert finding.values["rtt_min"] < 0.09


async def test_doubles_and_a_changed_order_are_counted():
    held = []

    def behave(number, data):
        answer = full(data, number)
        if number == 5:
            held.append(answer)
            return []
        return [answer, held.pop()] if number == 6 else [answer, answer] if number == 9 else [answer]

    async with other(behave) as (port, _):
        finding = await look(port)

    assert finding.outcome is Outcome.OK
    assert (finding.values["doubles"], finding.values["reordered"]) == (1.0, 0.05)
    assert (finding.values["loss_out"], finding.values["loss_back"]) == (0.0, 0.0)


async def test_a_code_point_changed_on_the_way_there_is_poor():
    async with other(lambda number, data: [full(data, number, tos=10 << 2)]) as (port, _):
        finding = await look(port, dscp=46)

    assert (finding.outcome, finding.reason) == (Outcome.OK, "remarked")
    assert finding.detail == "sent with 46, there with 10, back with 0"


async def test_large_packets_that_do_not_pass_are_poor():
    async with other(lambda number, data: [full(data, number)] if len(data) < 1000 else []) as (port, _):
        finding = await look(port, mtu=1400)

    assert (finding.outcome, finding.reason) == (Outcome.OK, "mtu")
    assert finding.values["loss"] == 0.0


async def test_packets_too_large_for_our_own_interface_are_poor_as_well():
    async with reflecting() as one:
        assert (await look(one.port, mtu=9000)).reason == "ok"  # the loopback takes 65,536


@pytest.fixture
def aside():
    """Run a reflector in a thread: it answers while our loop is busy. Give its port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))

        def reflect():
            for number in range(300):
                data, peer = sock.recvfrom(999)
                sock.sendto(plain(data, number), peer)

        thread = threading.Thread(target=reflect, daemon=True)
        thread.start()
        yield sock.getsockname()[1]
        thread.join(5)


async def test_being_busy_ourselves_is_no_loss_and_no_delay(aside):
    asyncio.get_running_loop().call_later(0.3, time.sleep, 0.6)  # beyond the end of the look
    finding = await look(aside, packets=300, wait=0.1)

    assert finding.detail == "all of 300 answered"
    assert finding.values["rtt_max"] < 0.1


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(lambda data: data, id="an-echo"),
        pytest.param(lambda data: data[:40], id="too-short"),
        pytest.param(lambda data: full(data, 0)[:27] + b"\xff" + full(data, 0)[28:], id="another-number"),
        pytest.param(lambda data: full(data, 0)[:35] + b"\xff" + full(data, 0)[36:], id="a-guessed-stamp"),
    ],
)
async def test_what_is_no_answer_to_ours_counts_for_nothing(answer):
    async with other(lambda _, data: [answer(data)] if data[11] != 0xFF else []) as (port, _):
        finding = await look(port)

    assert (finding.outcome, finding.reason, finding.path_up) == (Outcome.FAILED, "unexpected_answer", True)


async def test_a_flood_of_answers_is_not_kept():
    async with other(lambda number, data: [full(data, number)] * 200) as (port, _):
        finding = await look(port, packets=10)

    assert finding.values["received"] == 10.0
    assert finding.values["doubles"] <= 30.0


async def test_silence_is_a_timeout_that_proves_nothing():
    async with other(lambda *_: []) as (port, _):
        finding = await look(port)

    assert (finding.outcome, finding.reason, finding.path_up) == (Outcome.FAILED, "timeout", False)
    assert finding.values == {"sent": 20.0, "received": 0.0, "loss": 1.0}


async def test_a_burst_ends_when_all_is_answered_and_leaves_nothing_behind():
    before = asyncio.all_tasks()
    async with reflecting() as one:
        options = Options(host="127.0.0.1", port=one.port, packets=5, spacing=0.001, wait=10)
        finding, took = await observe(look_with(probe, options), 5.0)

    assert finding.outcome is Outcome.OK
    assert took < 2.0
    assert asyncio.all_tasks() == before


async def test_every_look_has_a_port_of_its_own_and_stamps_that_cannot_be_guessed():
    async with other(lambda number, data: [full(data, number)]) as (port, protocol):
        await look(port, packets=20)

    endings = {data[11] for data in protocol.heard}
    assert len(endings) > 5


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"packets": 1}, "packets"),
        ({"spacing": 0}, "spacing"),
        ({"dscp": 64}, "dscp"),
        ({"mtu": 20}, "mtu"),
        ({"warn_loss": 1.5}, "warn_loss"),
        ({"source": "::1"}, "one family"),
        ({"count": 5}, "count"),
    ],
)
def test_what_makes_no_sense_is_refused_when_it_is_read(given, complaint):
    with pytest.raises(ValidationError, match=complaint):
        Options(**{"host": "127.0.0.1", **given})


def test_from_the_shell(capsys):
    async def called():
        async with reflecting() as one:
            target = f"127.0.0.1:{one.port}"
            return await asyncio.to_thread(main, ["probe", "stamp", target, "--packets", "3", "--json"])

    assert asyncio.run(called()) == 0
    assert json.loads(capsys.readouterr().out)["values"]["received"] == 3.0


# The reflector in the settings.


def settings(tmp_path, text):
    path = tmp_path / "settings.yaml"
    path.write_text(text, encoding="utf-8")
    return load_settings(path)


def test_a_daemon_reflects_nothing_unless_told_to(tmp_path):
    assert settings(tmp_path, "vantage: city\n").reflector.reflectors(Vitals()) == []


def test_a_daemon_reflects_for_those_it_is_told_of(tmp_path):
    text = "reflector: {listen: [127.0.0.1, '::1'], port: 8620, allow: [10.42.0.0/16, 10.40.0.5], rate: 50}\n"
    told = settings(tmp_path, text).reflector
    places = [(one.listen, one.port) for one in told.reflectors(Vitals())]

    assert places == [("127.0.0.1", 8620), ("::1", 8620)]
    assert told.allow == ["10.42.0.0/16", "10.40.0.5/32"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{listen: [0.0.0.0]}", "found nobody in `allow`, expected `allow` too: whom to answer"),
        ("{listen: [somewhere]}", "found 'somewhere'"),
        ("{listen: [127.0.0.1], allow: [10.42.0.1/16]}", "expected an address or a network, `10.42.0.0/16`"),
        (
            "{listen: [127.0.0.1], allow: [10.0.0.0/8], rate: 0}",
            "reflector.rate: found 0, expected at least 1",
        ),
    ],
)
def test_a_reflector_that_makes_no_sense_is_refused(tmp_path, text, said):
    with pytest.raises(ConfigError) as caught:
        settings(tmp_path, f"reflector: {text}\n")

    assert said in str(caught.value)
