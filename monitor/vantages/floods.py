"""Vantages that say more than anybody can listen to are not listened to for a while."""

from collections.abc import Callable
from dataclasses import replace

from monitor.vantages.peers import Peer, Peers

SHUT = 60.0
"""Seconds for which a vantage that floods us is not listened to."""
QUIET = 30.0
"""Seconds of listening without another flood after which it is over."""


class Floods:
    """Shuts vantages out and lets them in again."""

    def __init__(self, peers: Peers, listen: Callable[[], None], shut: float = SHUT) -> None:
        """Prepare; *listen* is to follow who is listened to."""
        self._peers = peers
        self._listen = listen
        self._shut = shut

    def begin(self, peer: Peer, now: float) -> None:
        """Listen no more to a vantage for a while; a flood that goes on is told but once."""
        news = peer.quiet_at is None
        peer.shut_until, peer.quiet_at = now + self._shut, now + self._shut + QUIET
        self._mark(peer, quarantined=True)
        self._listen()
        if news:
            self._peers.tell(peer, "agent_flooding", seconds=self._shut)
        else:
            self._peers.change(peer)

    def tend(self, now: float) -> None:
        """Listen again to those whose time has come."""
        for peer in self._peers:
            if peer.shut_until is not None and now >= peer.shut_until:
                peer.shut_until = None
                peer.words.fill()
                peer.chunks.fill()
                self._mark(peer, quarantined=False)
                self._peers.change(peer)
                self._listen()
            elif peer.quiet_at is not None and now >= peer.quiet_at:
                peer.quiet_at = None
                self._peers.tell(peer, "agent_flood_over")

    @staticmethod
    def _mark(peer: Peer, *, quarantined: bool) -> None:
        agent = replace(peer.track.agent, quarantined=quarantined)
        peer.track = replace(peer.track, agent=agent)
