"""Real servers that are called, filmed and switched, as the tests' children on free ports of this machine.

Each is given as a context; what it gives is None where the program is not installed.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from tests.probes.peers import closed_port

HOST = "127.0.0.1"
CONFIGURATION = """#!KAMAILIO
children=1
tcp_children=1
enable_tls=yes
log_stderror=yes
listen=udp:127.0.0.1:{plain}
listen=tcp:127.0.0.1:{plain}
listen=udp:[::1]:{plain}
listen=tls:127.0.0.1:{secure}
loadmodule "sl.so"
loadmodule "tls.so"
loadmodule "pv.so"
loadmodule "textops.so"
loadmodule "sanity.so"
loadmodule "maxfwd.so"
modparam("tls", "tls_method", "TLSv1.2+")
modparam("tls", "certificate", "{certificate.cert_file}")
modparam("tls", "private_key", "{certificate.key_file}")
request_route {{
    if (!mf_process_maxfwd_header("10")) {{ sl_send_reply("483", "Too Many Hops"); exit; }}
    if (!sanity_check()) {{ exit; }}
    if ($rU == "busy") {{ sl_send_reply("486", "Busy Here"); exit; }}
    if ($rU == "ill") {{ sl_send_reply("503", "Service Unavailable"); exit; }}
    append_to_reply("Allow: OPTIONS, INVITE\\r\\n");
    sl_send_reply("200", "OK");
}}
"""
SCENARIO = """<?xml version="1.0" encoding="ISO-8859-1" ?>
<scenario name="options">
  <recv request="OPTIONS" crlf="true"></recv>
  <send><![CDATA[
SIP/2.0 {status}
[last_Via:]
[last_From:]
[last_To:];tag=[call_number]
[last_Call-ID:]
[last_CSeq:]
Server: SIPp
Content-Length: 0

]]></send>
</scenario>
"""


@contextlib.contextmanager
def kamailio(folder, certificate):
    """Give the ports of a Kamailio by transport."""
    program = shutil.which("kamailio") or shutil.which("kamailio", path="/usr/sbin")
    if program is None:
        yield None
        return
    plain, secure = closed_port(), closed_port()
    file = folder / "kamailio.cfg"
    file.write_text(CONFIGURATION.format(plain=plain, secure=secure, certificate=certificate))
    command = [program, "-DD", "-E", "-f", file, "-w", folder, "-Y", folder, "-m", "32"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "start_new_session": True}
    with subprocess.Popen(command, **quiet) as server:
        try:
            until_it_listens(secure)
            yield {"udp": plain, "tcp": plain, "tls": secure}
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGTERM)


def until_it_listens(port):
    until = time.monotonic() + 20
    while time.monotonic() < until:
        with socket.socket() as sock:
            if sock.connect_ex((HOST, port)) == 0:
                return
        time.sleep(0.02)
    raise TimeoutError(f"nobody listens at {port}")


@contextlib.contextmanager
def sipp(folder, transport, status):
    """Give the port of a SIPp that answers every OPTIONS with *status*, as soon as it listens."""
    program = shutil.which("sipp")
    if program is None:
        yield None
        return
    scenario, port = folder / "options.xml", closed_port()
    scenario.write_text(SCENARIO.format(status=status))
    means = ["-t", f"{transport[0]}1", "-i", HOST, "-p", str(port), "-nostdin"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen([program, "-sf", scenario, *means], **quiet) as server:
        try:
            yield port
        finally:
            server.terminate()


@contextlib.contextmanager
def camera():
    """Give the ports of GStreamer's RTSP server: for everybody, for Digest, for Basic."""
    with told("/usr/bin/python3", "gstreamer.py") as ports:
        yield dict(zip(("open", "digest", "basic"), ports, strict=True)) if ports else None


@contextlib.contextmanager
def controller():
    """Give the port of a device made of pymodbus."""
    with told(sys.executable, "modbus_server.py") as ports:
        yield ports[0]


@contextlib.contextmanager
def told(python, script):
    """Give the ports that a script of this folder prints; none if it cannot be run."""
    if not Path(python).exists():
        yield []
        return
    command = [python, Path(__file__).with_name(script)]
    quiet = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    with subprocess.Popen(command, **quiet) as server:
        try:
            yield [int(port) for port in server.stdout.readline().split()]
        finally:
            server.terminate()
