"""What is said of each circuit, link, device, center and network."""

from collections.abc import Callable, Iterator

from monitor.core.health import Status, SubjectKind
from monitor.core.inventory import Role
from monitor.core.quality import rank
from monitor.core.voice import Call
from monitor.outputs.prometheus.family import PREFIX, Family, Sample, Type, View
from monitor.outputs.prometheus.health import CODES, LEGEND
from monitor.outputs.prometheus.labels import END, Ending

LABELS = ("subject", "kind", "center", "network", "role")
_ROLES = tuple((role, f"/{role}", Ending(("role", role.value))) for role in Role)


def _each(value: Callable[[Status], float]) -> Callable[[View], Iterator[Sample]]:
    def samples(view: View) -> Iterator[Sample]:
        for labels, _, status in view.subjects:
            yield "", labels, END, value(status)

    return samples


def _active(view: View) -> Iterator[Sample]:
    circuits = view.world.inventory.circuits
    for labels, _, status in view.subjects:
        if status.kind is SubjectKind.LINK:
            for role, end, ending in _ROLES:
                if status.subject + end in circuits:
                    yield "", labels, ending, int(status.active is role)


def _calls(value: Callable[[Call], float]) -> Callable[[View], Iterator[Sample]]:
    def samples(view: View) -> Iterator[Sample]:
        for labels, _, status in view.subjects:
            call = view.calls.get(status.subject)
            if call is not None:
                yield "", labels, END, value(call)

    return samples


def _names(view: View) -> Iterator[Sample]:
    for labels, names, _ in view.subjects:
        yield "_info", labels, names, 1


SUBJECT_FAMILIES = (
    Family(
        f"{PREFIX}health",
        Type.GAUGE,
        f"Health of the subject: {LEGEND}.",
        _each(lambda status: CODES[status.health]),
        LABELS,
        query=f'{PREFIX}health{{kind="center"}} == 3',
    ),
    Family(
        f"{PREFIX}health_since_timestamp_seconds",
        Type.GAUGE,
        "Since when the health holds, Unix time; of a fault, that of its first miss.",
        _each(lambda status: status.since),
        LABELS,
        "seconds",
        query=f"time() - {PREFIX}health_since_timestamp_seconds and {PREFIX}health == 3",
    ),
    Family(
        f"{PREFIX}suspected",
        Type.GAUGE,
        "Whether enough was missed to be shown (1), though not yet enough to be told.",
        _each(lambda status: int(status.suspected)),
        LABELS,
        query=f"{PREFIX}suspected == 1",
    ),
    Family(
        f"{PREFIX}severity",
        Type.GAUGE,
        "How severe it is that the subject is worse than it used to be: 0 no, 1 minor, 2 warn, 3 critical.",
        _each(lambda status: rank(status.decline) if status.severity else 0),
        LABELS,
        query=f'{PREFIX}severity{{kind="circuit"}} >= 2',
    ),
    Family(
        f"{PREFIX}circuit_mos",
        Type.GAUGE,
        "Estimated opinion of a call over the circuit, 1 to 4.5 (MOS, ITU-T G.107); absent while unknown.",
        _calls(lambda call: round(call.mos, 2)),
        LABELS,
        query=f"{PREFIX}circuit_mos < 3.6",
    ),
    Family(
        f"{PREFIX}circuit_fit_for_video",
        Type.GAUGE,
        "Whether a video conference can be held over the circuit (1) or not (0); absent while unknown.",
        _calls(lambda call: int(call.video)),
        LABELS,
        query=f"{PREFIX}circuit_fit_for_video == 0",
    ),
    Family(
        f"{PREFIX}link_active",
        Type.GAUGE,
        "Of each circuit of a link, whether it carries the link now (1) or not (0); subject is the link.",
        _active,
        LABELS,
        query=f'{PREFIX}link_active{{role="backup"}} == 1',
    ),
    Family(
        f"{PREFIX}subject",
        Type.INFO,
        "The names people use for the subject, and of a circuit its carrier, number and hotline.",
        _names,
        (*LABELS, "name", "name_en", "carrier", "number", "hotline"),
        query=f"({PREFIX}health == 3) * on (subject) group_left (name, carrier, number, hotline)"
        f" {PREFIX}subject_info",
    ),
)
"""The families that every subject is in."""
