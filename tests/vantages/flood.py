"""Says so many messages a second under one vantage's name, waiting for nobody.

    python -m tests.vantages.flood PORT VANTAGE WHAT RATE SECONDS

WHAT is `beat`, `belief`, `poison` or `log`. Prints how many were said.
"""

import json
import socket
import sys
import time

ROOT = "command/v1"
BEAT = 0.01


def main() -> None:
    port, vantage, what, rate, seconds = sys.argv[1:]
    with socket.create_connection(("127.0.0.1", int(port)), 5) as line:
        line.sendall(_connect(f"flood-{vantage}"))
        line.recv(4)
        said, began = 0, time.monotonic()
        while (passed := time.monotonic() - began) < float(seconds):
            due = int(passed * int(rate))
            line.sendall(b"".join(_message(vantage, what, n) for n in range(said + 1, due + 1)))
            said = due
            time.sleep(BEAT)
        line.sendall(b"\xe0\x00")
    print(said)


def _message(vantage: str, what: str, n: int) -> bytes:
    check, now = f"{vantage}/province/primary/icmp", time.time()
    stamp = {"vantage": vantage, "boot": "flood", "session": 1, "n": n, "sent_at": now}
    match what:
        case "belief":
            said = {
                "check": check, "subject": check.rpartition("/")[0], "verdict": "down", "suspected": False,
                "reason": "timeout", "since": now, "valid_for": 30.0, "rtt": None, "loss": 1.0,
            }  # fmt: skip
            return _publish(f"vantage/{vantage}/belief/{check}", json.dumps(stamp | said).encode())
        case "beat":
            said = {
                "state": "online", "reason": "", "valid_for": 3.0, "version": "1", "log": "", "end": 0,
                "acknowledged": 0, "backlog": 0,
            }  # fmt: skip
            return _publish(f"vantage/{vantage}/daemon", json.dumps(stamp | said).encode())
        case "log":
            chunk = {"log": "flood", "after": n + 5, "upto": n + 6, "entries": []}
            return _publish(f"vantage/{vantage}/log", json.dumps(stamp | chunk).encode())
        case _:
            return _publish(f"vantage/{vantage}/daemon", b'{"poison": ' + str(n).encode())


def _connect(name: str) -> bytes:
    """Return a CONNECT with a clean session (MQTT 3.1.1, section 3.1)."""
    client = name.encode()
    body = b"\x00\x04MQTT\x04\x02\x00\x00" + len(client).to_bytes(2, "big") + client
    return b"\x10" + _length(len(body)) + body


def _publish(topic: str, payload: bytes) -> bytes:
    """Return a PUBLISH with QoS 1 whose acknowledgement is not waited for (MQTT 3.1.1, section 3.3)."""
    where = f"{ROOT}/{topic}".encode()
    body = len(where).to_bytes(2, "big") + where + b"\x00\x01" + payload
    return b"\x32" + _length(len(body)) + body


def _length(size: int) -> bytes:
    """Return a remaining length (MQTT 3.1.1, section 2.2.3)."""
    found = bytearray()
    while True:
        size, low = divmod(size, 128)
        found.append(low | (128 if size else 0))
        if not size:
            return bytes(found)


if __name__ == "__main__":
    main()
