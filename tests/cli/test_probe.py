"""probe: one look from the shell for every kind, told to people or to programs, with an honest exit code."""

import contextlib
import json
import socket
import threading

import pytest

from monitor.cli import main, probe
from monitor.cli.probe import shown
from monitor.core.observation import failed, ok, poor, unknown
from monitor.ports import ProbeKind
from monitor.probes import load_kinds


@contextlib.contextmanager
def open_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def closed_port():
    with open_port() as port:
        return port


@contextlib.contextmanager
def page(body=b"all is well"):
    """Serve one page to whoever asks, until the test is over."""
    heard = []

    def serve():
        with contextlib.suppress(OSError):
            while True:
                caller, _ = server.accept()
                with caller:
                    heard.append(caller.recv(4096))
                    caller.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}/", heard
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


def test_an_open_port_is_well(capsys):
    with open_port() as port:
        code = main(["probe", "tcp", "127.0.0.1", "--port", str(port)])

    assert code == 0
    assert capsys.readouterr().out.startswith("1: ok rtt=")


@pytest.mark.parametrize("target", ["127.0.0.1:{}", "[127.0.0.1]:{}"])
def test_the_port_may_stand_in_the_target(target, capsys):
    with open_port() as port:
        code = main(["probe", "tcp", target.format(port)])

    assert code == 0
    assert "ok" in capsys.readouterr().out


def test_a_refusal_is_exit_code_1(capsys):
    code = main(["probe", "tcp", f"127.0.0.1:{closed_port()}"])

    assert code == 1
    assert capsys.readouterr().out.startswith("1: failed refused")


def test_trouble_of_our_own_is_exit_code_2(capsys):
    code = main(["probe", "tcp", "127.0.0.1:9", "--source", "192.0.2.77"])

    assert code == 2
    assert capsys.readouterr().out.startswith("1: unknown no_local_address")


def test_several_looks_are_summed_up_as_a_good_ping_does(capsys):
    with open_port() as port:
        code = main(["probe", "tcp", f"127.0.0.1:{port}", "--count", "3", "--interval", "0.01"])

    lines = capsys.readouterr().out.splitlines()
    assert code == 0
    assert [line[:5] for line in lines[:3]] == ["1: ok", "2: ok", "3: ok"]
    assert lines[-2] == "3 looks: 3 ok, 0 failed, 0 unknown, 0% loss"
    assert lines[-1].startswith("rtt min/avg/max ")


def test_programs_get_one_object_per_line(capsys):
    with open_port() as port:
        main(["probe", "tcp", f"127.0.0.1:{port}", "--count", "2", "--interval", "0.01", "--json"])

    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["look"] for one in told] == [1, 2]
    assert told[0]["outcome"] == told[0]["reason"] == "ok"
    assert told[0]["values"]["rtt"] > 0


def test_options_of_the_kind_reach_it(capsys):
    with page() as (url, heard):
        code = main(
            ["probe", "http", url, "--body", "is well", "--status", "2xx,301", "--headers", "X-Unit=hub=7"]
        )

    assert code == 0
    out = capsys.readouterr().out
    assert b"X-Unit: hub=7\r\n" in heard[0]
    assert "status=200" in out
    assert "tls=" not in out


def test_what_the_peer_says_cannot_write_to_the_terminal(capsys):
    with page(b"\x1b[2J\x1b]52;c;x\x07") as (url, _):
        code = main(["probe", "http", url, "--body", "fine"])

    out = capsys.readouterr().out
    assert code == 1
    assert out.strip().isprintable()


@pytest.mark.parametrize(
    ("call", "complaint"),
    [
        (["tcp", "127.0.0.1"], "--port: found nothing, expected a value ("),
        (["tcp", "127.0.0.1:70000"], "--port: found '70000', expected at most 65535"),
        (["tcp", "127.0.0.1:25", "--send", "x"], "--send: send needs expect"),
        (["http", "ftp://127.0.0.1/"], "TARGET: the address must begin with http"),
        (["http", "http://127.0.0.1/", "--headers", "x"], "--headers: 'x' is not NAME=TEXT"),
        (["http", "http://127.0.0.1/", "--no-verify", "--status", "ok"], "--status: statuses look like"),
    ],
)
def test_a_wrong_call_is_told_in_the_words_of_the_call(call, complaint, capsys):
    code = main(["probe", *call])

    assert code == 2
    assert complaint in capsys.readouterr().err


@pytest.mark.parametrize(
    "wrong", [["--count", "-1"], ["--interval", "0"], ["--timeout", "nan"], ["--no-such-option", "1"]]
)
def test_what_no_kind_takes_is_a_wrong_call(wrong, capsys):
    with pytest.raises(SystemExit) as caught:
        main(["probe", "tcp", "127.0.0.1:9", *wrong])

    assert caught.value.code == 2
    assert wrong[0].lstrip("-") in capsys.readouterr().err


@pytest.mark.parametrize("name", sorted(load_kinds()))
def test_the_help_of_a_kind_names_every_option(name, capsys):
    with pytest.raises(SystemExit) as caught:
        main(["probe", name, "--help"])

    out = capsys.readouterr().out
    kind = load_kinds()[name]
    assert caught.value.code == 0
    for key in kind.options.model_fields:
        assert key == probe._subject(kind) or probe._flag(kind, key).removeprefix("--") in out


def scripted(*findings):
    """Make a kind that finds these, one after the other, and is interrupted after the last."""
    left = iter(findings)

    async def look(_options):
        try:
            return next(left)
        except StopIteration:
            raise KeyboardInterrupt from None

    tcp = load_kinds()["tcp"]
    return ProbeKind("script", "Says what the test says.", tcp.options, look, {}, values=tcp.values)


@pytest.mark.parametrize(
    ("findings", "code", "summary"),
    [
        ([ok(rtt=0.001), ok(rtt=0.003)], 0, "2 looks: 2 ok, 0 failed, 0 unknown, 0% loss"),
        ([ok(rtt=0.001), failed("timeout")], 1, "2 looks: 1 ok, 1 failed, 0 unknown, 50% loss"),
        ([ok(rtt=0.001), unknown("no_route")], 2, "2 looks: 1 ok, 0 failed, 1 unknown, 0% loss"),
        ([unknown("no_route")] * 2, 2, "2 looks: 0 ok, 0 failed, 2 unknown"),
    ],
)
def test_ctrl_c_ends_with_the_summary_and_the_code_of_what_was_seen(findings, code, summary, capsys):
    kind = scripted(*findings)
    session = probe._Session(kind, None, "hub", shown.as_text)
    with contextlib.suppress(KeyboardInterrupt):
        probe.asyncio.run(session.run(0, 0.001, 1.0))
    session.sum_up()

    assert session.exit_code == code
    assert summary in capsys.readouterr().out.splitlines()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(1.5, "1500"), (0.012345, "12.3"), (0.0000421, "0.042"), (0.0, "0.000"), (-0.012345, "-12.3")],
)
def test_times_are_shown_with_the_digits_that_count(seconds, text):
    assert shown.milliseconds(seconds) == text


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        pytest.param("rtt", 0.5, "rtt=500ms", id="short"),
        pytest.param("ttl", 300.0, "ttl=300s", id="long"),
        pytest.param("serial", 2026112801.0, "serial=2026112801", id="every-digit-of-a-number"),
    ],
)
def test_values_are_shown_in_units_that_people_use(name, value, text):
    assert shown.value_of(load_kinds()["dns"], name, value) == text


def test_a_value_beyond_its_limit_is_no_success(capsys):
    kind = scripted(poor("stratum", "stratum 9, limit 4", rtt=0.5))
    session = probe._Session(kind, None, "hub", shown.as_text)
    probe.asyncio.run(session.run(1, 0.001, 1.0))

    assert session.exit_code == 1
    assert capsys.readouterr().out.startswith("1: ok stratum (stratum 9, limit 4)")


def test_a_trace_is_told_a_line_per_hop(capsys):
    assert main(["probe", "trace", "127.0.0.1"]) == 0

    first, hop = capsys.readouterr().out.splitlines()
    assert first.startswith("1: ok (127.0.0.1) hops=1 reached=100% ")
    assert hop.split()[:2] == ["1", "127.0.0.1"]


def test_an_option_that_is_a_list_is_given_again_and_again(capsys):
    options = ["--through", "10.0.0.1", "--through", "10.0.0.2", "--json"]
    assert main(["probe", "trace", "127.0.0.1", *options]) == 1

    told = json.loads(capsys.readouterr().out)
    assert told["reason"] == "other_path"
    assert len(told["lines"]) == 1
