import asyncio
import contextlib
import shutil
import socket
import subprocess

import pytest

from monitor.kit.resolver import close_shared
from tests.probes.certificates import DAY, Authority, now


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    """Make an authority that issues certificates for this machine."""
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(autouse=True)
async def _no_resolver_is_left():
    yield
    await close_shared()


PAGES = """
        location = / { return 200 "all is well\\n"; }
        location = /busy { return 503; }
        location = /there { return 302 /; }
        location = /round { return 302 /round; }
        location = /plain { return 302 http://127.0.0.1/; }
        location = /big { alias %(folder)s/big; }
        location = /gbk { default_type "text/html; charset=GBK"; alias %(folder)s/gbk; }
        location = /zipped { gzip on; gzip_types *; alias %(folder)s/big; }
        location = /who { return 200 "$remote_addr $http_authorization $request_method $http_x_unit"; }
"""


class Nginx:
    """A running nginx: `url()` of its pages, plain or under one of its certificates."""

    def __init__(self, ports, issued):
        self.ports = ports
        self.issued = issued

    def url(self, page="/", certificate=None):
        scheme = "https" if certificate else "http"
        return f"{scheme}://127.0.0.1:{self.ports[certificate]}{page}"


def free_ports(count):
    with contextlib.ExitStack() as stack:
        socks = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [sock.getsockname()[1] for sock in socks]


def configuration(folder, ports, issued):
    servers = [f"server {{ listen 127.0.0.1:{ports[None]}; {PAGES % {'folder': folder}} }}"]
    for name, certificate in issued.items():
        servers.append(
            f"server {{ listen 127.0.0.1:{ports[name]} ssl; ssl_certificate {certificate.cert_file};"
            f" ssl_certificate_key {certificate.key_file}; {PAGES % {'folder': folder}} }}"
        )
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind}; " for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return (
        f"daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log info;"
        f" events {{}} http {{ access_log off; ssl_protocols TLSv1.2 TLSv1.3;"
        f" {temporary} {' '.join(servers)} }}"
    )


@pytest.fixture(scope="session")
def nginx(tmp_path_factory, authority):
    """Start a real server with good and bad certificates, once for all tests."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        pytest.skip("nginx is not installed")
    folder = tmp_path_factory.mktemp("nginx")
    (folder / "big").write_bytes(b"all is well " * 100_000)
    (folder / "gbk").write_bytes("指挥中心 ready".encode("gbk"))
    issued = {
        "good": authority.issue(days=20, middle_days=10),
        "expired": authority.issue(start=now() - 9 * DAY, days=-2),
        "other": authority.issue("other.test"),
        "self": authority.issue(self_signed=True),
    }
    ports = dict(zip([None, *issued], free_ports(len(issued) + 1), strict=True))
    (folder / "nginx.conf").write_text(configuration(folder, ports, issued))
    server = subprocess.Popen(
        [program, "-p", folder, "-c", folder / "nginx.conf", "-e", folder / "error.log"],
        stderr=subprocess.DEVNULL,
    )
    try:
        asyncio.run(_until_it_listens(list(ports.values())))
        yield Nginx(ports, issued)
    finally:
        server.terminate()
        server.wait()


async def _until_it_listens(ports):
    async with asyncio.timeout(10):
        for port in ports:
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                except OSError:
                    await asyncio.sleep(0.02)
                else:
                    writer.close()
                    await writer.wait_closed()
                    break
