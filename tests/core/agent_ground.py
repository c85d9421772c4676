"""What the tests of other vantages' daemons stand on: an ear that remembers, and words to say to it."""

from dataclasses import replace

from monitor.core import hearsay
from monitor.core.agent import Agent, Order, Said, Step, Track
from monitor.core.hearsay import Worth

WALL = 1_700_000_000.0
"""Wall time at monotonic time 0."""
HEARTBEAT = 10.0
VALID_FOR = 30.0
DAEMON = "daemon"


class Ear:
    """One agent as it is heard, word by word."""

    def __init__(self, vantage="dan", boots=()):
        self.track = hearsay.recalled(Track(Agent(vantage)), boots)
        self.places = {}
        self.told = []
        self.worths = []

    @property
    def agent(self):
        return self.track.agent

    def whats(self):
        return [one.what for one in self.told]

    def take(self, step):
        assert isinstance(step, Step)
        self.track = step.track
        self.told += step.told

    def fresh(self, said, topic):
        worth = hearsay.worth(self.track, said, self.places.get(topic))
        self.worths.append(worth)
        if worth is Worth.DOUBLE:
            self.take(hearsay.doubled(self.track, said))
        if worth is Worth.FRESH:
            self.places[topic] = (said.boot, said.order)
        return worth is Worth.FRESH

    def beat(self, now, boot="b1", session=1, n=1, *, offset=0.0, took=0.0, valid_for=VALID_FOR, steady=True):
        """Hear a heartbeat at *now*, from a clock that is ahead by *offset*, after *took* seconds."""
        said = word(now, boot, session, n, offset=offset, took=took)
        if self.fresh(said, DAEMON):
            self.take(hearsay.beat(self.track, said, valid_for=valid_for, backlog=0, steady=steady))

    def believe(self, now, boot="b1", session=1, n=1, topic="x"):
        said = word(now, boot, session, n)
        if self.fresh(said, topic):
            self.take(hearsay.spoke(self.track, said))

    def kept(self, now, boot="b1", session=1, n=1, *, old=0.0, offset=0.0):
        said = replace(word(now, boot, session, n, offset=offset, took=old), retained=True)
        if self.fresh(said, DAEMON):
            self.take(hearsay.kept(self.track, said, valid_for=VALID_FOR, backlog=0))

    def will(self, now, boot="b1", session=1, *, retained=False):
        said = replace(word(now, boot, session, 2**53 - 1), alive=False, retained=retained)
        if self.fresh(said, DAEMON):
            self.take(hearsay.lost(self.track, said))

    def farewell(self, now, boot="b1", session=1, n=99, *, retained=False):
        said = replace(word(now, boot, session, n), alive=False, retained=retained)
        if self.fresh(said, DAEMON):
            self.take(hearsay.stopped(self.track, said))


def word(now, boot="b1", session=1, n=1, *, offset=0.0, took=0.0):
    sent_at = WALL + now - took + offset
    return Said(boot, Order(session, n), sent_at, now, WALL + now)
