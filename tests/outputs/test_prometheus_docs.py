"""`docs/metrics.md`: says of every metric what the code says, and its queries are queries."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from monitor.outputs.prometheus import FAMILIES
from monitor.outputs.prometheus.health import CODES
from monitor.outputs.prometheus.reference import BEGIN, END, reference

DOCUMENT = Path(__file__).parents[2] / "docs" / "metrics.md"


def test_the_reference_is_what_the_families_say():
    _, _, rest = DOCUMENT.read_text("utf-8").partition(BEGIN)
    written, end, _ = rest.partition(END)

    assert end
    assert written.strip() == reference().strip()


def test_every_family_has_its_entry():
    text = reference()

    assert [family.name for family in FAMILIES if f"### `{family.name}" not in text] == []


def test_the_numbers_of_health_are_those_of_the_code():
    rows = re.findall(r"^\| (-?\d) \| `(\w+)` \|", DOCUMENT.read_text("utf-8"), re.MULTILINE)

    assert {word: int(number) for number, word in rows} == CODES


@pytest.mark.server
def test_every_example_is_a_query_that_prometheus_understands(tmp_path):
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed")
    queries = [family.query for family in FAMILIES if family.query]
    rules = "".join(
        f"  - record: example:number{n}\n    expr: >-\n      {q}\n" for n, q in enumerate(queries)
    )
    alerts = re.search(r"```yaml\n(- alert: Incident\n.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)
    indented = "".join(f"  {line}\n" for line in alerts[1].splitlines())
    file = tmp_path / "rules.yml"
    file.write_text(f"groups:\n- name: examples\n  rules:\n{rules}{indented}", "utf-8")
    told = subprocess.run(["promtool", "check", "rules", file], capture_output=True, text=True, check=False)

    assert told.returncode == 0, told.stderr
