"""From what is believed of checks to what is said: circuits first, the center last."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from monitor.core.detection import Belief, Verdict
from monitor.core.health.status import REACHABLE, Health, Status, SubjectKind, View, is_cut
from monitor.core.inventory import Center, Circuit, Link, Role
from monitor.core.quality import worst


def assess_network(
    subject: str,
    looks: Sequence[tuple[Belief, Sequence[Belief]]],
    before: Status | None,
    *,
    planned: bool = False,
    way_planned: bool = False,
) -> Status:
    """Say how a network is, as its anchor shows it.

    Each look comes with what is believed of the circuit that it goes over, if any: while that is cut or has
    missed a look itself, the look says nothing of the network. *planned*, *way_planned*: all looks at the
    anchor, or at those circuits, that are in doubt may fail because of planned work.
    """
    clear = [belief for belief, way in looks if not any(_is_doubtful(circuit) for circuit in way)]
    if clear:
        return _settle(_from_beliefs(subject, SubjectKind.NETWORK, clear, planned=planned), before)
    ways = [circuit for _, way in looks for circuit in way]
    if before is not None and any(circuit.verdict is not Verdict.DOWN for circuit in ways):
        return before
    since = max(circuit.since for circuit in ways)
    status = Status(subject, SubjectKind.NETWORK, Health.UNKNOWN, since, "behind_link", planned=way_planned)
    return _settle(status, before)


def _is_doubtful(belief: Belief) -> bool:
    return belief.verdict is Verdict.DOWN or belief.doubt is not None


def assess_center(center: Center, view: View) -> list[Status]:
    """Say how a center, its links, circuits and devices are: circuits first, the center last.

    Empty if nothing of the center is looked at from here.
    """
    circuits = {c.id: _circuit(c, view) for c in center.circuits() if c.id in view.beliefs}
    links = [
        _link(link, circuits, view) for link in center.links if any(c.id in circuits for c in link.circuits)
    ]
    devices = [_device(d.id, circuits, view) for d in center.devices if d.id in view.beliefs]
    below = [*circuits.values(), *links, *devices]
    return [*below, _center(center.id, links, devices, view)] if below else []


def _from_beliefs(subject: str, kind: SubjectKind, beliefs: Sequence[Belief], *, planned: bool) -> Status:
    """Join several checks of one subject: all down is down, one of several down is degraded."""
    verdicts = {belief.verdict for belief in beliefs}
    if verdicts == {Verdict.DOWN}:
        health = Health.DOWN
    elif verdicts & {Verdict.DOWN, Verdict.DEGRADED}:
        health = Health.DEGRADED
    elif Verdict.UNKNOWN in verdicts:
        health = Health.UNKNOWN
    else:
        health = Health.UP
    telling = [b for b in beliefs if b.verdict is not Verdict.UP] or list(beliefs)
    return Status(
        subject,
        kind,
        health,
        since=max(belief.since for belief in telling),
        reason=telling[0].reason,
        suspected=any(belief.suspected for belief in beliefs) and not (planned and health is not Health.UP),
        planned=planned and health is not Health.UNKNOWN,
        decline=worst(belief.decline for belief in beliefs) if health is Health.DEGRADED else None,
    )


def _settle(status: Status, before: Status | None) -> Status:
    """Keep the time since which a health holds when it has not changed, and that since which all was well."""
    if before is not None and before.health is status.health:
        return replace(status, since=before.since, ill_since=before.ill_since)
    if status.health is Health.UP or status.reason == "not_looked_yet":
        return status
    ill_since = before.ill_since if before is not None else None
    return replace(status, ill_since=status.since if ill_since is None else ill_since)


def _hold(status: Status, before: Status | None) -> Status:
    """Say nothing new before it is known whether what is suspected has failed too: one fault, one word."""
    if before is None:
        return replace(status, health=Health.UNKNOWN, suspected=True, planned=False)
    return replace(before, suspected=True)


def _forbear(status: Status, before: Status | None) -> Status:
    """Do not hold against a subject what the way to it has become, unless it was said of it before."""
    if status.decline is None or status.decline.poor:
        return status
    if before is not None and before.health is Health.DEGRADED:
        return status
    return replace(status, health=Health.UP, reason="ok", decline=None, planned=False)


def _circuit(circuit: Circuit, view: View) -> Status:
    beliefs, planned = view.beliefs[circuit.id], circuit.id in view.planned
    status = _from_beliefs(circuit.id, SubjectKind.CIRCUIT, beliefs, planned=planned)
    before = view.before.get(circuit.id)
    network = None if view.own else view.networks.get(circuit.network)
    if status.health is Health.DOWN and network is not None:
        if network.health is Health.DOWN:
            status = replace(
                status,
                health=Health.UNKNOWN,
                reason="behind_network",
                suspected=False,
                planned=network.planned,
            )
        elif _may_be_down(network, view) and not (before and before.health is Health.DOWN):
            return _hold(status, before)
    if not view.own and (circuit.network in view.strained or (network is not None and network.decline)):
        status = _forbear(status, before)
    return _settle(status, before)


def _may_be_down(network: Status, view: View) -> bool:
    """Tell whether a network may be down for all we know, be it that we were too busy to look."""
    blind = network.health is Health.UNKNOWN and network.reason == "own_lag"
    return blind or network.suspected or network.subject.partition("/")[2] in view.doubtful


def _link(link: Link, circuits: Mapping[str, Status], view: View) -> Status:
    seen = {c.role: circuits[c.id] for c in link.circuits if c.id in circuits}
    health, reason, active = _over(seen.get(Role.PRIMARY), seen.get(Role.BACKUP))
    status = Status(
        link.id,
        SubjectKind.LINK,
        health,
        since=max(s.since for s in seen.values()),
        reason=reason,
        suspected=any(s.suspected for s in seen.values()),
        active=active,
        decline=seen[active].decline if active is not None else None,
    )
    spared = {role: _spared(circuit) for role, circuit in seen.items()}
    without, why, _ = _over(spared.get(Role.PRIMARY), spared.get(Role.BACKUP))
    status = _excused(status, spared.values(), (without, why))
    before = view.before.get(link.id)
    if active is not None and seen[active].suspected and _is_worse(status, before):
        return _hold(status, before)
    return _settle(status, before)


def _over(primary: Status | None, backup: Status | None) -> tuple[Health, str, Role | None]:
    """Say how a link is over its circuits: health, reason, active circuit."""
    if primary is None or backup is None:
        return _over_one(primary, backup)
    if primary.health in REACHABLE:
        if backup.health is Health.DOWN:
            return Health.DEGRADED, "backup_down", Role.PRIMARY
        return primary.health, primary.reason, Role.PRIMARY
    if backup.health in REACHABLE:
        if primary.health is Health.DOWN:
            return Health.ON_BACKUP, "primary_down", Role.BACKUP
        return Health.UP, "primary_unknown", Role.BACKUP
    if primary.health is not backup.health:
        return Health.UNKNOWN, "one_down_one_unknown", None
    return primary.health, primary.reason, None


def _over_one(primary: Status | None, backup: Status | None) -> tuple[Health, str, Role | None]:
    only, role = (primary, Role.PRIMARY) if primary is not None else (backup, Role.BACKUP)
    if only is None:
        return Health.UNKNOWN, "not_looked_yet", None
    return only.health, only.reason, role if only.health in REACHABLE else None


def _device(subject: str, circuits: Mapping[str, Status], view: View) -> Status:
    beliefs, planned = view.beliefs[subject], subject in view.planned
    status = _from_beliefs(subject, SubjectKind.DEVICE, beliefs, planned=planned)
    before = view.before.get(subject)
    way = [c for c in circuits.values() if view.way and c.subject.split("/")[1] == view.way]
    if subject in view.at_hand:
        way = []
    if way and all(is_cut(c) for c in way):
        cut_at = max(c.since for c in way)
        if status.health is not Health.UP or view.good.get(subject, 0.0) <= cut_at:
            since = max(status.since, cut_at)
            status = replace(
                status,
                health=Health.UNKNOWN,
                since=since,
                reason="behind_link",
                suspected=False,
                planned=all(c.planned for c in way),
            )
    elif way and all(is_cut(c) or c.suspected for c in way) and _is_worse(status, before):
        return _hold(status, before)
    elif any(_is_uneasy(c, view) for c in way):
        status = _forbear(status, before)
    return _settle(status, before)


def _is_uneasy(circuit: Status, view: View) -> bool:
    """Tell whether a circuit is worse than it used to be, or seems to be."""
    return circuit.decline is not None or any(belief.strained for belief in view.beliefs[circuit.subject])


def _center(subject: str, links: Sequence[Status], devices: Sequence[Status], view: View) -> Status:
    health, reason = _of_parts(links, devices)
    below = [*links, *devices]
    status = Status(
        subject,
        SubjectKind.CENTER,
        health,
        since=max(s.since for s in below),
        reason=reason,
        suspected=any(s.suspected for s in below),
        works=tuple(s.subject for s in below if s.health in REACHABLE),
        decline=worst(s.decline for s in below) if health is Health.DEGRADED else None,
    )
    spared = [*map(_spared, links)], [*map(_spared, devices)]
    status = _excused(status, [*spared[0], *spared[1]], _of_parts(*spared))
    before = view.before.get(subject)
    if any(link.suspected and link.health in REACHABLE for link in links) and _is_worse(status, before):
        return _hold(status, before)
    return _settle(status, before)


def _of_parts(links: Sequence[Status], devices: Sequence[Status]) -> tuple[Health, str]:
    """Say how a center is by its links, and by its devices if all is well with those."""
    health, reason = _of_links(links) if links else _of_devices(devices)
    if health is Health.UP:
        health, reason = _of_devices(devices) if devices else (health, reason)
        if health is Health.UNKNOWN and links:
            health = Health.UP
        elif health is Health.DOWN:
            health, reason = Health.DEGRADED, "device_down"
    return health, reason


def _spared(status: Status) -> Status:
    """Return how a part would be if nobody worked on it: what is suspected besides still is."""
    if not status.planned:
        return status
    return replace(status, health=Health.UP, suspected=status.suspected and status.health is not Health.UP)


def _excused(status: Status, spared: Iterable[Status], without: tuple[Health, str]) -> Status:
    """Say of a whole what would be wrong with it *without* the work on its parts; if nothing: it is planned.

    Only what is down because of both is said to be down all the same. *spared*: its parts without the work.
    """
    if status.health is Health.UP:
        return replace(status, planned=status.suspected and not any(part.suspected for part in spared))
    health, reason = without
    if health is Health.UP:
        return replace(status, planned=True, suspected=any(part.suspected for part in spared))
    return status if status.health is Health.DOWN else replace(status, health=health, reason=reason)


def _is_worse(status: Status, before: Status | None) -> bool:
    """Tell whether trouble is about to be said that was not said before."""
    changed = before is None or before.health is not status.health
    return changed and status.health is not Health.UP


def _of_links(links: Sequence[Status]) -> tuple[Health, str]:
    """Say how a center is by its links alone."""
    healths = [link.health for link in links]
    if all(h is Health.DOWN for h in healths):
        return Health.DOWN, "all_links_down"
    for health, said, reason in (
        (Health.DOWN, Health.DEGRADED, "link_down"),
        (Health.UNKNOWN, Health.UNKNOWN, _why_unknown(links)),
        (Health.ON_BACKUP, Health.ON_BACKUP, "on_backup"),
        (Health.DEGRADED, Health.DEGRADED, "link_degraded"),
    ):
        if health in healths:
            return said, reason
    return Health.UP, "ok"


def _why_unknown(links: Sequence[Status]) -> str:
    """Tell a link that was not looked at yet from one that we have lost sight of."""
    reasons = {link.reason for link in links if link.health is Health.UNKNOWN}
    return "not_looked_yet" if reasons == {"not_looked_yet"} else "link_unknown"


def _of_devices(devices: Sequence[Status]) -> tuple[Health, str]:
    """Say how a center is by its devices alone."""
    healths = {device.health for device in devices}
    if healths == {Health.DOWN}:
        return Health.DOWN, "device_down"
    if healths & {Health.DOWN, Health.DEGRADED}:
        return Health.DEGRADED, "device_down"
    if Health.UNKNOWN in healths:
        return Health.UNKNOWN, "device_unknown"
    return Health.UP, "ok"
