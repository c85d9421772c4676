"""What other vantages say now: how their daemons are, and what they believe."""

from collections.abc import Callable

from monitor.core import hearsay
from monitor.core.agent import Heard, Order, Presence, Said
from monitor.core.hearsay import Worth
from monitor.kit.mqtt import Delivery
from monitor.ports import Hearing
from monitor.vantages.peers import Peer, Peers
from monitor.vantages.topics import check_of, daemon_topic
from monitor.vantages.wire import BeliefWord, DaemonWord, Stamp, parse

STEADY = 5.0
"""Seconds of undisturbed listening after which the way of a message can be timed."""


class Listener:
    """Takes in the words of vantages, one after the other and without waiting for anything."""

    def __init__(
        self,
        root: str,
        peers: Peers,
        hearing: Hearing,
        wall: Callable[[], float],
        claimed: Callable[[Peer, str, int], None],
    ) -> None:
        """Prepare to hear; *claimed* hears which log an agent has, and how far it believes us to be."""
        self._root = root
        self._peers = peers
        self._hearing = hearing
        self._wall = wall
        self._claimed = claimed

    def hear(self, peer: Peer, delivery: Delivery, now: float, since: float) -> None:
        """Take in a word, heard at *now*; *since* is when we began to hear. Raises ValueError for poison."""
        if delivery.topic == daemon_topic(self._root, peer.vantage):
            if delivery.payload:
                self._hear_daemon(peer, delivery, now, since)
            return
        check = check_of(self._root, peer.vantage, delivery.topic)
        if check is None:
            raise ValueError("not a topic of words")
        if delivery.payload:
            self._hear_belief(peer, check, delivery, now)
        else:
            self._peers.unbelieve(peer, [check])

    def expire(self, peer: Peer, now: float) -> None:
        """Forget what holds no longer."""
        self._peers.unbelieve(peer, [check for check, until in peer.until.items() if until <= now])

    def _hear_daemon(self, peer: Peer, delivery: Delivery, now: float, since: float) -> None:
        word = parse(DaemonWord, delivery.payload)
        said = self._said(peer, word, delivery, now, alive=word.state == "online")
        if not self._is_fresh(peer, said, delivery):
            return
        track = peer.track
        if not said.alive:
            step = hearsay.stopped(track, said) if word.reason == "stopped" else hearsay.lost(track, said)
        elif said.retained:
            step = hearsay.kept(track, said, valid_for=word.valid_for, backlog=word.backlog)
        else:
            steady = now - since > STEADY
            step = hearsay.beat(track, said, valid_for=word.valid_for, backlog=word.backlog, steady=steady)
        self._peers.take(peer, step, now)
        if said.alive and word.log:
            self._claimed(peer, word.log, word.acknowledged)

    def _hear_belief(self, peer: Peer, check: str, delivery: Delivery, now: float) -> None:
        word = parse(BeliefWord, delivery.payload)
        if word.check != check:
            raise ValueError("another check than its topic says")
        if peer.checks.get(check) != word.subject:
            raise ValueError("a check that this vantage does not make")
        said = self._said(peer, word, delivery, now)
        if said.retained and not _is_of_present(peer, said):
            return
        if not self._is_fresh(peer, said, delivery):
            return
        age = 0.0
        if said.retained:
            age = hearsay.age(peer.track, said)
        else:
            self._peers.take(peer, hearsay.spoke(peer.track, said), now)
        until = now + min(word.valid_for, hearsay.PATIENCE[1]) - age
        if until > now:
            self._believe(peer, word, now - age, until)

    def _believe(self, peer: Peer, word: BeliefWord, at: float, until: float) -> None:
        peer.until[word.check] = until
        since = min(word.since, word.sent_at)  # its clock may have been set back in between
        heard = Heard(word.verdict, word.suspected, word.reason, since, until, word.rtt, word.loss, at)
        self._hearing.heard(peer.vantage, {word.check: heard})

    def _said(self, peer: Peer, word: Stamp, delivery: Delivery, now: float, *, alive: bool = True) -> Said:
        if word.vantage != peer.vantage:
            raise ValueError("another vantage than its topic says")
        order = Order(word.session, word.n)
        return Said(word.boot, order, word.sent_at, now, self._wall(), delivery.retained, alive)

    def _is_fresh(self, peer: Peer, said: Said, delivery: Delivery) -> bool:
        """Say whether a word is to be heeded; note what else it shows."""
        match hearsay.worth(peer.track, said, peer.places.get(delivery.topic)):
            case Worth.FRESH:
                peer.places[delivery.topic] = (said.boot, said.order)
                return True
            case Worth.DOUBLE:
                self._peers.take(peer, hearsay.doubled(peer.track, said), said.now)
            case Worth.REPEATED | Worth.PAST if not said.retained:
                self._peers.change(peer, repeated=1)
        return False


def _is_of_present(peer: Peer, said: Said) -> bool:
    """Say whether a belief that the broker had kept can still be that of a daemon at work."""
    agent = peer.track.agent
    return said.boot == agent.boot and agent.presence in (Presence.ONLINE, Presence.UNHEARD)
