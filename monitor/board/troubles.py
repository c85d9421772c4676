"""What is wrong in the city, as lines below the table: since when, why, and whom to call.

One fault is one line: an open incident is told in its sentence, and what it explains has no line of its own.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.text import Text

from monitor.board.columns import GAP, Line, aligned, hanging
from monitor.board.teller import SIGNS, Teller, how_it_is

Item = Mapping[str, Any]
ORDER = ("confirmed", "suspected", "recovering", "hidden", "planned")
"""What asks for something to be done comes first."""


def trouble_lines(status: Item, teller: Teller, width: int) -> Iterator[Text]:
    """Give all that is wrong in the city of a status document, for a terminal of *width* cells."""
    incidents = status.get("incidents", ())  # a daemon of an earlier version tells none
    explained = {incident["incident"] for incident in incidents if incident["stage"] != "recovering"}
    items = [*_of_networks(status, teller), *_of_centers(status, teller)]
    troubles = [line for item, line in items if explained.isdisjoint(item.get("incidents", ()))]
    label = teller.words.label
    if incidents:
        yield Text(f"{label['incidents']} ({len(incidents)})", "bold")
        for incident in sorted(incidents, key=lambda one: ORDER.index(how_it_is(one))):
            yield from incident_lines(incident, teller, width)
    if troubles:
        yield Text(f"{label['other_troubles' if incidents else 'troubles']} ({len(troubles)})", "bold")
        yield from aligned(troubles, width)
    if not incidents and not troubles:
        yield Text(f"{SIGNS['up'][0]} {label['none']}", "green")


def incident_lines(incident: Item, teller: Teller, width: int) -> Iterator[Text]:
    """Give the sentence of an open incident, and behind it who has taken it on, its id, how long it lasts."""
    lasting = teller.lasting(teller.now - incident["since"])
    ident = Text(f"{incident['incident']} ({lasting})", "dim")
    *lines, last = hanging(teller.sign_of(incident), Text(incident["sentence"][teller.words.language]), width)
    yield from lines
    for end in filter(None, (_answered(incident, teller), ident)):
        if last.cell_len + len(GAP) + end.cell_len > width:
            yield last
            last = Text()
        last = Text.assemble(last, GAP, end)
    yield last


def _answered(incident: Item, teller: Teller) -> Text:
    """Say what officers answer with, and who has; nothing of what nobody is told of."""
    alarm = incident.get("alarm")  # an earlier version, and the log, tell none
    if not alarm:
        return Text()
    says, answer = teller.words.alarm, alarm["answer"]
    if answer is None:
        return Text(f"{alarm['code']} {says['nobody']}", "yellow")
    return Text(f"{alarm['code']} {says['taken_on'].format(who=answer['who'])}", "green")


def _of_networks(status: Item, teller: Teller) -> Iterator[tuple[Item, Line]]:
    for network in status["networks"]:
        if _is_trouble(network):
            yield network, _trouble(network, teller, teller.called(network["name"]), "")


def _of_centers(status: Item, teller: Teller) -> Iterator[tuple[Item, Line]]:
    networks = {network["id"]: teller.called(network["name"]) for network in status["networks"]}
    for center in status["centers"]:
        name = teller.called(center["name"])
        for link in center["links"]:
            for circuit in filter(_is_trouble, link["circuits"]):
                part = (
                    f"{networks.get(link['network'], link['network'])} {teller.words.role[circuit['role']]}"
                )
                yield circuit, _trouble(circuit, teller, name, part, _whom_to_call(circuit, teller))
        for device in filter(_is_trouble, center["devices"]):
            yield device, _trouble(device, teller, name, teller.called(device["name"]))


def _is_trouble(item: Item) -> bool:
    """Tell whether an item gets a line: what is merely hidden by another fault does not."""
    if item["health"] is None or item["reason"].startswith("behind_"):
        return False
    return bool(item["health"] != "up" or item["suspected"])


def _trouble(item: Item, teller: Teller, name: str, part: str, call: str = "") -> Line:
    if item["health"] == "up":
        head, reason, since = teller.suspected(), item.get("suspected_reason"), item.get("suspected_since")
    else:
        head, reason, since = teller.health(item["health"]), item["reason"], item["since"]
    why = teller.reason(reason)
    if severity := item.get("severity"):
        why += f" ({teller.words.severity[severity]})"
    return Line(head, name, part, why, teller.since(since), Text(call))


def _whom_to_call(circuit: Item, teller: Teller) -> str:
    label, carrier = teller.words.label, circuit["carrier"]
    parts = [teller.called(carrier["name"]) if carrier else ""]
    parts.append(f"{label['number']} {circuit['number']}" if circuit["number"] else "")
    parts.append(f"{label['hotline']} {carrier['hotline']}" if carrier and carrier["hotline"] else "")
    return " ".join(part for part in parts if part)
