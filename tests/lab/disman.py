"""Tests that a router runs itself, as snmpd asks for them: pingResultsTable of DISMAN-PING-MIB (RFC 4560).

    python -m tests.lab.disman OWNER NAME,NEAR,FAR ...

Pings FAR from NEAR again and again, five at a time with fping, and answers on standard input and output as
the `pass_persist` of snmpd.conf(5) wants it. Of a row: its state, mean milliseconds, answers, and pings sent.
"""

import subprocess
import sys
import threading
import time

BASE = (1, 3, 6, 1, 2, 1, 80, 1, 3, 1)
STATUS, AVERAGE, ANSWERED, SENT = 1, 6, 7, 8
ENABLED = 1
COUNT = 5
PAUSE = 0.5
"""Seconds between two runs of a test."""

Oid = tuple[int, ...]


class Results:
    """The latest result of each test, by object identifier."""

    def __init__(self, owner: str) -> None:
        self._owner = owner
        self._values: dict[Oid, int] = {}
        self._lock = threading.Lock()

    def run(self, name: str, near: str, far: str) -> None:
        """Test one way for ever."""
        index = tuple(number for word in (self._owner, name) for number in (len(word), *word.encode()))
        while True:
            command = ["fping", "-q", "-C", str(COUNT), "-p", "100", "-t", "200", "-S", near, far]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            took = [float(word) for word in done.stderr.rpartition(":")[2].split() if word != "-"]
            mean = round(sum(took) / len(took)) if took else 0
            row = {STATUS: ENABLED, AVERAGE: mean, ANSWERED: len(took), SENT: COUNT}
            with self._lock:
                self._values |= {(*BASE, column, *index): value for column, value in row.items()}
            time.sleep(PAUSE)

    def get(self, oid: Oid) -> tuple[Oid, int] | None:
        """Return what stands under a name."""
        with self._lock:
            return (oid, self._values[oid]) if oid in self._values else None

    def after(self, oid: Oid) -> tuple[Oid, int] | None:
        """Return what stands under the next name."""
        with self._lock:
            return min(((name, value) for name, value in self._values.items() if name > oid), default=None)


def main() -> None:
    """Run the tests, and answer until standard input ends."""
    owner, *tests = sys.argv[1:]
    results = Results(owner)
    for test in tests:
        threading.Thread(target=results.run, args=test.split(","), daemon=True).start()
    for line in sys.stdin:
        match line.strip():
            case "PING":
                print("PONG", flush=True)
            case "get" | "getnext" as what:
                oid = tuple(int(part) for part in sys.stdin.readline().strip().strip(".").split("."))
                found = (results.get if what == "get" else results.after)(oid)
                print("NONE" if found is None else _shown(*found), flush=True)


def _shown(oid: Oid, value: int) -> str:
    kind = "integer" if oid[len(BASE)] == STATUS else "gauge"
    return f".{'.'.join(map(str, oid))}\n{kind}\n{value}"


if __name__ == "__main__":
    main()
