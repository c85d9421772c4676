"""A log in which incidents began, changed and ended, as told by the daemons of a city and of a county."""

import datetime as dt
from dataclasses import replace
from zoneinfo import ZoneInfo

from monitor.core.incident import Change, Other, Stage
from monitor.core.story_facts import incident_news
from monitor.core.world import Event
from monitor.store import log_file
from monitor.store.batch import Batch, write
from tests.core.story_ground import AT, Ground
from tests.store.filled import writing

ZONE = ZoneInfo("Asia/Shanghai")
PRIMARY = "danjiangkou/province/primary"
LIVES = {
    "20261124-091407": (
        PRIMARY,
        [
            (1, {"stage": Stage.SUSPECTED, "confirmed_at": None}),
            (3.2, {}),
            (364, {"stage": Stage.RECOVERING, "recovering_at": AT + 364}),
            (380, {"relapses": 1, "hold": 60.0}),
            (500, {"stage": Stage.RECOVERING, "recovering_at": AT + 500, "relapses": 1, "hold": 60.0}),
            (
                560,
                {
                    "stage": Stage.CLOSED,
                    "recovering_at": AT + 500,
                    "closed_at": AT + 560,
                    "relapses": 1,
                    "hold": 60.0,
                },
            ),
        ],
    ),
    "20261124-100000": (
        "yunyang/video",
        [
            (2753, {"stage": Stage.SUSPECTED, "confirmed_at": None, "since": AT + 2753}),
            (2755, {"stage": Stage.CLOSED, "confirmed_at": None, "closed_at": AT + 2755, "since": AT + 2753}),
        ],
    ),
    "20261124-110000": (
        "yunyang/power",
        [
            (6353, {"stage": Stage.SUSPECTED, "confirmed_at": None, "since": AT + 6353}),
            (
                6356,
                {
                    "since": AT + 6353,
                    "confirmed_at": AT + 6356,
                    "confidence": 0.93,
                    "called": ("yunyang/city/primary",),
                    "against": ("danjiangkou:yunyang/router/ping",),
                    "others": (Other(("yunyang/router",), 0.06, 2.71), Other((), 0.01, 4.6)),
                },
            ),
        ],
    ),
}
"""By id: what is broken, and what became of it, by seconds after AT."""


def events(vantage="city", lives=tuple(LIVES), received=None):
    """Return the events of some incidents, in their order."""
    ground, told = Ground(), []
    for name in lives:
        component, turns = LIVES[name]
        before = None
        for after, facts in turns:
            story = ground.story(component, id=name, **facts)
            news = incident_news(Change(before, story.incident), story)
            told.append((AT + after, component, news))
            before = story.incident
    return [
        Event(vantage, "b1", seq, at, "incident", component, news, received_at=received)
        for seq, (at, component, news) in enumerate(told, 1)
    ]


def log(folder, *told):
    """Write a log of these events, by default those of all incidents, and what is no incident or none."""
    county = events("danjiangkou", ["20261124-091407"], received=AT + 900)
    nonsense = [
        replace(county[0], seq=90 + number, data=data)
        for number, data in enumerate([{}, {"incident": "x\n" * 900}, {"incident": "20261124-091407"}])
    ]
    other = Event("city", "b1", 99, AT, "status", "danjiangkou", {"now": "down"})
    whole = list(told) or [other, *events(), *county, *nonsense]
    with writing(log_file(folder, "city")) as connection, connection.begin():
        write(connection, Batch(events=[replace(e, position=n) for n, e in enumerate(whole, 1)]))


def moment(seconds):
    """Return the time of day so many seconds after AT, as it is given on the command line."""
    return dt.datetime.fromtimestamp(AT + seconds, ZONE).strftime("%Y-%m-%d %H:%M:%S")
