"""modbus: one value of a device, what it means, and whether it is within its limits."""

import pytest
from pydantic import ValidationError

from monitor.core.observation import Outcome
from monitor.engine.runner import observe
from monitor.probes.modbus import Options, probe
from tests.probes.callees import controller
from tests.probes.peers import closed_port, peer, resets, says


def reply(asked, answer, *, unit=None, number=None):
    """Return *answer* (hex) in the frame of the question."""
    pdu = bytes.fromhex(answer)
    head = asked[:2] if number is None else number
    return head + b"\0\0" + (len(pdu) + 1).to_bytes(2) + (asked[6:7] if unit is None else unit) + pdu


def device(answer):
    return says(lambda asked: reply(asked, answer))


async def look(behave, **options):
    async with peer(behave) as one:
        return await probe(Options(**{"host": "127.0.0.1", "port": one.port, "at": 0, **options}))


LIMITS = {"warn_above": 240, "max_value": 250, "warn_below": 210, "min_value": 200}


@pytest.mark.parametrize(
    ("volts", "outcome", "reason", "detail"),
    [
        (230, "ok", "ok", "voltage 230 V"),
        (240, "ok", "ok", "voltage 240 V"),
        (245, "ok", "too_high", "voltage 245 V, limit 240 V"),
        (251, "failed", "too_high", "voltage 251 V, limit 250 V"),
        (205, "ok", "too_low", "voltage 205 V, limit 210 V"),
        (0, "failed", "too_low", "voltage 0 V, limit 200 V"),
    ],
)
async def test_a_value_is_held_against_its_limits(volts, outcome, reason, detail):
    behave = device(f"03 02 {volts * 10:04x}")
    finding = await look(behave, scale=0.1, label="voltage", unit="V", **LIMITS)

    assert (finding.outcome, finding.reason, finding.detail) == (outcome, reason, detail)
    assert finding.values["value"] == pytest.approx(volts)
    assert finding.path_up


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (1, "illegal_function"),
        (2, "illegal_address"),
        (6, "device_busy"),
        (11, "gateway_no_response"),
        (99, "exception"),
    ],
)
async def test_a_refusal_has_its_word_and_proves_the_way(code, reason):
    finding = await look(device(f"83 {code:02x}"))

    assert (finding.outcome, finding.reason, finding.path_up) == (Outcome.FAILED, reason, True)
    assert f"exception {code}" in finding.detail


@pytest.mark.parametrize(("code", "outcome"), [(2, "ok"), (10, "failed"), (11, "failed")])
async def test_any_answer_of_the_device_may_be_enough_but_none_of_a_gateway(code, outcome):
    finding = await look(device(f"83 {code:02x}"), any_answer=True)

    assert finding.outcome == outcome


@pytest.mark.parametrize(
    ("behave", "reasons"),
    [
        pytest.param(says(lambda _: b"HTTP/1.1 400 Bad Request\r\n\r\n"), {"bad_response"}, id="http"),
        pytest.param(device("03 04 00 01 00 02"), {"bad_response"}, id="more-than-was-asked-for"),
        pytest.param(says(lambda asked: reply(asked, "03 02 00 01")[:8]), {"bad_response"}, id="cut-short"),
        pytest.param(says(lambda _: b""), {"closed"}, id="hangs-up"),
        pytest.param(resets, {"reset", "closed"}, id="resets"),
    ],
)
async def test_what_is_no_answer_has_its_word_and_proves_the_way(behave, reasons):
    finding = await look(behave)

    assert finding.reason in reasons
    assert finding.path_up


async def test_the_answers_to_others_are_passed_over():
    behave = says(
        lambda asked: (
            reply(asked, "03 02 00 01", number=bytes(byte ^ 1 for byte in asked[:2]))
            + reply(asked, "03 02 00 02", unit=b"\x09")
            + reply(asked, "03 02 00 03")
        )
    )
    finding = await look(behave)

    assert finding.values["value"] == 3


async def test_only_the_answers_of_others_are_silence():
    async with peer(says(lambda asked: reply(asked, "03 02 00 01", unit=b"\x09"))) as one:
        options = Options(host="127.0.0.1", port=one.port, at=0)
        finding, _ = await observe(lambda: probe(options), 0.3)

    assert finding.reason in {"timeout", "closed"}


@pytest.mark.parametrize(
    ("expect", "reason"),
    [pytest.param(1, "ok", id="as-expected"), pytest.param(0, "unexpected_value", id="not-so")],
)
async def test_a_coil_is_0_or_1_and_may_have_to_be_one_of_them(expect, reason):
    finding = await look(device("01 01 ff"), table="coil", expect=expect, label="armed")

    assert (finding.reason, finding.values["value"]) == (reason, 1)


async def test_a_closed_port_is_refused():
    finding = await probe(Options(host="127.0.0.1", port=closed_port(), at=0))

    assert (finding.reason, finding.path_up) == ("refused", True)


@pytest.mark.parametrize(
    ("pin", "reason"),
    [
        pytest.param({"source": "192.0.2.77"}, "no_local_address", id="a-source-that-is-not-ours"),
        pytest.param({"interface": "cmt-none0"}, "no_interface", id="an-interface-that-is-not-there"),
    ],
)
async def test_our_own_trouble_is_unknown(pin, reason):
    finding = await probe(Options(host="127.0.0.1", at=0, **pin))

    assert (finding.outcome, finding.reason) == (Outcome.UNKNOWN, reason)


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"table": "coil", "type": "int16"}, "type goes with registers"),
        ({"at": 65_535, "type": "float32"}, "no room"),
        ({"at": -1}, "greater than or equal"),
        ({"scale": "nan"}, "finite"),
        ({"source": "::1"}, "one family"),
        ({"unit_id": 256}, "less than or equal"),
        ({"registr": 3}, "registr"),
    ],
)
def test_what_makes_no_sense_is_refused_when_it_is_read(given, complaint):
    with pytest.raises(ValidationError, match=complaint):
        Options(**{"host": "127.0.0.1", "at": 0, **given})


# The server of pymodbus.


@pytest.fixture(scope="module")
def pymodbus():
    """Start a real device, once for this file; give its port."""
    with controller() as port:
        yield port


@pytest.mark.parametrize(
    ("options", "value"),
    [
        ({"at": 0, "scale": 0.1}, 230.4),
        ({"at": 1, "type": "int16"}, -105),
        ({"at": 2, "type": "int32"}, -123_456),
        ({"at": 4, "type": "uint32"}, 4e9),
        ({"at": 6, "type": "float32"}, 21.5),
        ({"at": 6, "type": "float32", "unit_id": 7, "offset": -1.5}, 20),
        ({"at": 10, "table": "input"}, 777),
        ({"at": 1, "table": "coil"}, 0),
        ({"at": 2, "table": "coil"}, 1),
        ({"at": 1, "table": "discrete"}, 1),
    ],
)
async def test_pymodbus_is_understood_in_every_table_and_type(pymodbus, options, value):
    finding = await probe(Options(host="127.0.0.1", port=pymodbus, **options))

    assert finding.outcome is Outcome.OK, finding.detail
    assert finding.values["value"] == pytest.approx(value)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        pytest.param({"at": 500}, "illegal_address", id="nothing-at-this-number"),
        pytest.param({"at": 8, "type": "float32"}, "not_a_number", id="no-number"),
        pytest.param({"at": 0, "max_value": 2000}, "too_high", id="beyond-its-limit"),
    ],
)
async def test_pymodbus_refuses_and_fails_as_devices_do(pymodbus, options, reason):
    finding = await probe(Options(host="127.0.0.1", port=pymodbus, **options))

    assert (finding.outcome, finding.reason, finding.path_up) == (Outcome.FAILED, reason, True)
