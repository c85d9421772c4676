"""Calls the roll of the other vantages: who has fallen silent, who is back, who is single again."""

from monitor.core import hearsay, rollcall
from monitor.vantages.peers import Peer, Peers


class Roll:
    """Judges silence from what was heard so far."""

    def __init__(self, peers: Peers) -> None:
        self._peers = peers
        self._hush: rollcall.Hush | None = None
        self._hushed: tuple[str, ...] = ()

    def is_doubtful(self, now: float, since: float) -> bool:
        """Say whether somebody would be silent, had we been able to hear until *now*."""
        return bool(rollcall.silence((peer.track for peer in self._peers), now, since).vantages)

    def call(self, now: float, wall: float, since: float) -> None:
        """Judge as of *now*, having heard since *since* (monotonic seconds); *wall* is that moment's time."""
        for peer in self._peers:
            self._peers.take(peer, hearsay.single(peer.track, now), now)
        self._end_hush(now, wall, since)
        found = rollcall.silence((peer.track for peer in self._peers), now, since)
        silent = self._named(found.vantages)
        for peer in silent:
            step = rollcall.fallen(peer.track, now, wall, together=found.together)
            self._peers.take(peer, step, now)
        if found.together:
            self._begin_hush(silent, now)

    def _begin_hush(self, silent: list[Peer], now: float) -> None:
        self._hush = rollcall.hushed((peer.track for peer in silent), now)
        self._hushed = tuple(peer.vantage for peer in silent)
        seconds = round(now - self._hush.began, 3)
        self._peers.tell_of_all("all_agents_silent", self._hushed, seconds=seconds)

    def _end_hush(self, now: float, wall: float, since: float) -> None:
        if self._hush is None:
            return
        began = self._hush.began
        tracks = [peer.track for peer in self._peers]
        calm = rollcall.after(self._hush, tracks, self._hushed, now, since)
        self._hush = calm.hush
        if calm.hush is not None:
            return
        self._peers.tell_of_all("agents_back", calm.back, seconds=round(now - began, 3))
        for peer in self._named(calm.left):
            self._peers.take(peer, rollcall.fallen(peer.track, now, wall), now)

    def _named(self, vantages: tuple[str, ...]) -> list[Peer]:
        return [peer for peer in self._peers if peer.vantage in vantages]
