"""incidents in the log: what is open outlasts a kill as it was, what is closed is forgotten."""

from dataclasses import replace

from monitor.core.incident import Incident, Other, Stage
from monitor.core.record import Record
from tests.logs import opened

INCIDENT = Incident(
    "20261124-091407",
    "dan/power",
    ("dan/power", "dan/router"),
    Stage.CONFIRMED,
    since=100.0,
    confidence=0.99,
    explains=("city:dan/city/primary/icmp", "city:dan/router/ping"),
    others=(Other(("dan/lan",), 0.01, 4.6),),
    confirmed_at=104.0,
    relapses=1,
    hold=60.0,
    called=("dan/lan",),
)


async def kept(folder, *records):
    """Append *records* in one run of the log; return the incidents that the next run remembers."""
    async with opened(folder) as (log, _):
        for record in records:
            log.append(record)
    async with opened(folder) as (log, _):
        return log.remembered().incidents


async def test_an_open_incident_is_remembered_with_all_that_is_known_of_it(tmp_path):
    assert await kept(tmp_path, Record(incidents={INCIDENT.id: INCIDENT})) == {INCIDENT.id: INCIDENT}


async def test_the_latest_word_holds_and_a_closed_incident_is_forgotten(tmp_path):
    later = replace(INCIDENT, stage=Stage.RECOVERING, recovering_at=200.0)
    other = replace(INCIDENT, id="20261124-091500")
    incidents = await kept(
        tmp_path,
        Record(incidents={INCIDENT.id: INCIDENT, other.id: other}),
        Record(incidents={INCIDENT.id: later, other.id: None}),
    )

    assert incidents == {later.id: later}
