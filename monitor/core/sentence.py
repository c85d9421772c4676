"""The one sentence that a duty officer reads: where, since when, what still works, whom to call."""

from collections.abc import Iterable, Mapping
from datetime import datetime, tzinfo
from functools import lru_cache
from typing import NamedTuple

from monitor.core.health import Health, Status, SubjectKind
from monitor.core.inventory import Center, Circuit, Inventory, Name
from monitor.core.quality import Decline, Severity
from monitor.core.words import Words
from monitor.core.words.en import EN
from monitor.core.words.zh import ZH

WORDS: Mapping[str, Words] = {"zh": ZH, "en": EN}


class Scene(NamedTuple):
    """What a sentence draws on."""

    inventory: Inventory
    statuses: Mapping[str, Status]
    zone: tzinfo
    """Time zone in which times of day are told."""


def sentence(now: Status, before: Status | None, scene: Scene, language: str) -> str:
    """Tell one change of a status in one sentence."""
    words = WORDS[language]
    clauses = [words.sentence[_pattern(now, words)].format(**_facts(now, scene, words))]
    if now.kind is SubjectKind.CENTER and now.health is not Health.UP:
        clauses += _links_of(now, scene, words)
        clauses.append(_works(now, scene, words))
    if now.kind is SubjectKind.CENTER and now.health is Health.UP:
        clauses.append(_unseen(now, scene, words))
    if now.kind in (SubjectKind.LINK, SubjectKind.CIRCUIT):
        clauses += _whom_to_call(now, scene, words)
    if now.health is Health.UP and before is not None and before.ill_since is not None:
        lasted = duration(now.since - before.ill_since, words)
        clauses.append(words.sentence["lasted"].format(duration=lasted))
    return words.semicolon.join(clause for clause in clauses if clause) + words.sentence["end"]


def duration(seconds: float, words: Words) -> str:
    """Say how long, in the two largest units."""
    whole = max(0, round(seconds))
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    pattern = "duration_h" if hours else "duration_m" if minutes else "duration_s"
    return words.sentence[pattern].format(h=hours, m=minutes, s=rest)


def called(name: Name, language: str) -> str:
    """Return what people call a thing in *language*."""
    return name.zh if language == "zh" else name.en


def _pattern(status: Status, words: Words) -> str:
    pattern = f"{status.kind}_{status.health}"
    if pattern == "center_down" and status.reason == "device_down":
        return "center_dark"  # none of its links is looked at from here: nothing is known of them
    if status.severity is not None and f"{pattern}_{status.reason}" in words.sentence:
        return f"{pattern}_{status.reason}"
    if status.decline is not None and status.decline.poor and f"{pattern}_poor" in words.sentence:
        return f"{pattern}_poor"
    return pattern if pattern in words.sentence else f"{status.kind}_unknown"


def _facts(status: Status, scene: Scene, words: Words) -> dict[str, str]:
    facts = {
        "at": clock(status.since, scene.zone),
        "reason": words.reason.get(status.reason, status.reason),
        **_measured(status.decline, words),
    }
    first, *rest = status.subject.split("/")
    if status.kind is SubjectKind.NETWORK:
        return facts | {"network": _network(rest[0], scene, words)}
    center = scene.inventory.centers[first]
    facts["center"] = called(center.name, words.language)
    if status.kind is SubjectKind.DEVICE:
        facts["device"] = called(scene.inventory.devices[status.subject].name, words.language)
    elif status.kind is SubjectKind.CENTER:
        seen = [x for x in center.links if x.id in scene.statuses] or center.links
        facts["networks"] = words.comma.join(_network(x.network, scene, words) for x in seen)
    else:
        facts["network"] = _network(rest[0], scene, words)
    if status.kind is SubjectKind.CIRCUIT:
        facts["role"] = words.role[rest[1]]
    return facts


def _measured(decline: Decline | None, words: Words) -> dict[str, str]:
    if decline is None:
        return {}
    return {
        "severity": words.severity[decline.severity],
        "loss": f"{decline.loss:.0%}",
        "rtt": f"{1000 * (decline.rtt or 0.0):.0f} ms",
        "usual": f"{1000 * (decline.usual or 0.0):.0f} ms",
    }


def clock(at: float, zone: tzinfo) -> str:
    """Return the time of day of Unix time *at*."""
    return _time_of_day(int(at), zone)


@lru_cache(maxsize=256)
def _time_of_day(at: int, zone: tzinfo) -> str:
    return datetime.fromtimestamp(at, zone).strftime("%H:%M:%S")


def _network(network: str, scene: Scene, words: Words) -> str:
    return called(scene.inventory.networks[network].name, words.language)


def _links_of(now: Status, scene: Scene, words: Words) -> list[str]:
    """Say of a center which of its links are not as they should be; all at once where all are down."""
    if now.health is Health.DOWN:
        return []
    links = (scene.statuses.get(link.id) for link in _center(now, scene).links)
    return [
        words.sentence[f"its_{_pattern(link, words)}"].format(**_facts(link, scene, words))
        for link in links
        if link is not None and link.health is not Health.UP
    ]


def _center(status: Status, scene: Scene) -> Center:
    return scene.inventory.centers[status.subject]


def _works(now: Status, scene: Scene, words: Words) -> str:
    if not now.works:
        return words.sentence["works_none"] if now.reason == "all_links_down" else ""
    names = [_name(subject, scene, words) for subject in now.works]
    return words.sentence["works"].format(works=words.comma.join(names))


def _unseen(now: Status, scene: Scene, words: Words) -> str:
    """Say how many devices were not looked at yet, so that `up` does not claim more than was seen."""
    devices = (scene.statuses.get(device.id) for device in _center(now, scene).devices)
    count = sum(status is not None and status.health is Health.UNKNOWN for status in devices)
    return words.sentence["unseen"].format(count=count) if count else ""


def _name(subject: str, scene: Scene, words: Words) -> str:
    device = scene.inventory.devices.get(subject)
    if device is not None:
        return called(device.name, words.language)
    network = _network(subject.split("/")[1], scene, words)
    return words.sentence["link"].format(network=network)


def _whom_to_call(now: Status, scene: Scene, words: Words) -> list[str]:
    provided = (one for one in _circuits_of(now.subject, scene.inventory) if one.carrier is not None)
    return [carrier_of(one, scene, words) for one in provided if _is_for_the_carrier(one, scene)]


def _is_for_the_carrier(circuit: Circuit, scene: Scene) -> bool:
    status = scene.statuses.get(circuit.id)
    if status is None:
        return False
    return status.health is Health.DOWN or status.severity not in (None, Severity.MINOR)


def _circuits_of(subject: str, inventory: Inventory) -> Iterable[Circuit]:
    """Return the circuits of a link, or the one that *subject* is."""
    circuit = inventory.circuits.get(subject)
    if circuit is not None:
        return (circuit,)
    center = inventory.centers.get(subject.partition("/")[0])
    return next((link.circuits for link in center.links if link.id == subject), ()) if center else ()


def carrier_of(circuit: Circuit, scene: Scene, words: Words) -> str:
    """Say who provides a circuit, its number and the hotline; nothing where that is not declared."""
    if circuit.carrier is None:
        return ""
    carrier = scene.inventory.carriers[circuit.carrier]
    return words.sentence["carrier"].format(
        role=words.role[circuit.role],
        carrier=called(carrier.name, words.language),
        number=circuit.number or "—",
        hotline=carrier.hotline or "—",
    )
