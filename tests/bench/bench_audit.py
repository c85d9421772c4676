"""What it costs to keep, check and list what people did.

python -m tests.bench.bench_audit [ACTS]
"""

import sys
import tempfile
import time
from pathlib import Path

from monitor.core.act import Act
from monitor.store.audit import Entry, enter
from monitor.store.audit_check import acts, check_file
from tests.store.filled import writing

GROUP = 500
DATA = {
    "scope": ["danjiangkou/city/primary"],
    "from": 1.8e9,
    "to": 1.8e9 + 3600.0,
    "document": "十动办〔2026〕12号",
}


def entry(n):
    act = Act(1.8e9 + n, "李伟", 1000, "socket", "planned/add", f"planned/{n}", DATA | {"note": "光缆割接"})
    return Entry(f"0123456789abcdef-{n}", act)


def timed(label, do, count):
    began = time.perf_counter()
    result = do()
    seconds = time.perf_counter() - began
    print(f"{label:<34} {seconds:8.2f} s  {seconds / count * 1e6:8.1f} µs an act")
    return result


def write(path, count):
    with writing(path) as connection:
        for first in range(0, count, GROUP):
            with connection.begin():
                enter(connection, [entry(n) for n in range(first, min(first + GROUP, count))])


def singly(path, first, count):
    with writing(path) as connection:
        for n in range(first, first + count):
            with connection.begin():
                enter(connection, [entry(n)])


def main(count):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log-city.db"
        timed(f"written, {GROUP} at once", lambda: write(path, count), count)
        print(f"{'size':<34} {path.stat().st_size / count:8.0f} bytes an act")
        timed("written and flushed one by one", lambda: singly(path, count, 200), 200)
        found = timed("checked", lambda: check_file(path), count + 200)
        timed("read", lambda: sum(1 for _ in acts(path)), count + 200)
        print(f"{found.count:,} acts, {len(found.breaks)} breaks")


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 100_000)
