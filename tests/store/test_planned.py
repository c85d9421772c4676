"""planned work in the log: what was started outlasts a kill as it was, what is over is forgotten."""

from dataclasses import replace
from datetime import UTC, datetime, time

import pytest

from monitor.core.planned import Once, Span, Weekly, Window, Work
from monitor.core.record import Record
from tests.logs import opened

ONCE = Once(datetime(2026, 11, 24, 22, 0), datetime(2026, 11, 25, 4, 0, tzinfo=UTC))  # noqa: DTZ001 - the city's own
WEEKLY = Weekly(frozenset({1, 3}), time(2, 30), 90.0)
WORK = Work(Window("fibre", ("dan/city/primary", "network/city"), ONCE, "〔2026〕12", "更换光缆", "李"))


async def kept(folder, *records):
    """Append *records* in one run of the log; return the planned work that the next run remembers."""
    async with opened(folder) as (log, _):
        for record in records:
            log.append(record)
    async with opened(folder) as (log, _):
        return log.remembered().planned


@pytest.mark.parametrize(
    "work",
    [
        WORK,
        replace(WORK, begun=Span(100.0, 200.5)),
        replace(WORK, released=200.5, window=replace(WORK.window, when=WEEKLY, declared=False)),
    ],
    ids=["waiting", "under-way", "weekly"],
)
async def test_planned_work_is_remembered_with_all_that_is_known_of_it(tmp_path, work):
    assert await kept(tmp_path, Record(planned={"fibre": work})) == {"fibre": work}


async def test_the_latest_word_holds_and_what_is_over_is_forgotten(tmp_path):
    later = replace(WORK, begun=Span(100.0, 200.0))
    works = await kept(
        tmp_path,
        Record(planned={"fibre": WORK, "other": WORK}),
        Record(planned={"fibre": later, "other": None}),
    )

    assert works == {"fibre": later}
