"""duty: the page that officers and engineers read says what the program takes."""

from pathlib import Path

from monitor.config.roster import load_roster
from monitor.core.alarm import Area, Severity

PAGE = Path(__file__).parents[2] / "docs" / "duty.md"
PEOPLE = """
officers: {zhang: {name: 张伟, phone: 13900000001}}
leaders: [zhang]
shifts: {all: {from: "00:00", to: "00:00", officers: [zhang], since: 2026-01-01}}
"""


def test_the_plans_on_the_page_are_plans(tmp_path):
    plans = PAGE.read_text("utf-8").partition("```yaml")[2].partition("```")[0]
    (tmp_path / "roster.yaml").write_text(PEOPLE + plans, encoding="utf-8")
    escalation = load_roster(tmp_path / "roster.yaml").escalation

    assert escalation.plan(Severity.CRITICAL, Area.CENTER).id == "urgent"
    assert escalation.plan(Severity.WARNING, Area.DEVICE).id == "usual"
