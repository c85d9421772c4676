"""The page that is handed over, as plain text: the same facts give the same page, for it is signed."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from monitor.board.teller import Teller
from monitor.cli.alarms.shown import answer_of, officer_of, rung_of, sentence_of, severity_of
from monitor.cli.planned import LONGEST, Facts
from monitor.core.roster import AHEAD
from monitor.kit.text import clean

SECTIONS = ("duty", "incidents", "alarms", "muted", "notices", "planned", "troubles")


def page(facts: Facts, teller: Teller, leaving: str, coming: str) -> str:
    """Return what is handed over, as the order `handover/show` gives it, in lines."""
    says, name = teller.words.handover, facts["vantage"]["name"]
    at = datetime.fromtimestamp(facts["at"], teller.zone)
    who = [
        f"{says[key]} {clean(person) or '________'}"
        for key, person in (("leaving", leaving), ("coming", coming))
    ]
    head = (says["title"], f"{clean(teller.called(name))}  {at:%Y-%m-%d %H:%M:%S}", "  ".join(who))
    return "\n".join((*head, *_sections(facts, teller))) + "\n"


def _sections(facts: Facts, teller: Teller) -> Iterator[str]:
    says, muted = teller.words.handover, [one for one in facts["alarms"] if _is_muted(one, teller)]
    open_ = [one for one in facts["alarms"] if one not in muted]
    found = {
        "duty": _duty(facts, teller),
        "incidents": [_incident(one, teller) for one in facts["incidents"]],
        "alarms": [_alarm(one, teller) for one in open_],
        "muted": [_alarm(one, teller) for one in muted],
        "notices": [_notice(one, facts, teller) for one in facts["notices"]],
        "planned": [_work(one, teller) for one in facts["planned"]],
        "troubles": [_trouble(one, teller) for one in facts["troubles"]],
    }
    for number, section in enumerate(SECTIONS, 1):
        lines = list(found[section])
        count = f" ({len(lines)})" if lines and section != "duty" else ""
        yield ""
        yield f"{number}. {says[section]}{count}"
        yield from (f"   {line}" for line in lines or [says["none"]])


def _duty(facts: Facts, teller: Teller) -> Iterator[str]:
    says, duty = teller.words.duty, facts["duty"]
    if not duty["rostered"]:
        yield teller.words.handover["no_roster"]
        return
    until = "" if duty["until"] is None else says["until"].format(end=_moment(duty["until"], teller))
    people = _people(duty["now"], facts, teller)
    yield "  ".join(filter(None, (says["vacant" if duty["vacant"] else "now"], people, until)))
    if duty["until"] is not None:
        begin = says["from"].format(begin=_moment(duty["until"], teller))
        yield "  ".join((says["next"], _people(duty["next"], facts, teller), begin))
    yield says["gaps" if duty["gaps"] else "no_gaps"].format(days=AHEAD)
    for gap in duty["gaps"]:
        begin, end = _moment(gap["begin"], teller), _moment(gap["end"], teller)
        yield "  " + says["gap"].format(begin=begin, end=end)


def _people(officers: Iterable[str], facts: Facts, teller: Teller) -> str:
    names = [officer_of(one, facts["officers"], teller) for one in officers]
    return teller.words.comma.join(names) or teller.words.duty["nobody"]


def _incident(one: Facts, teller: Teller) -> str:
    sign = teller.words.handover["is_planned"] if one["planned"] else teller.words.handover[one["stage"]]
    said = clean(one["sentence"][teller.words.language], LONGEST)
    return f"[{sign}] {said} ({clean(one['incident'])})"


def _alarm(one: Facts, teller: Teller) -> str:
    parts = [clean(one["code"]), severity_of(one, teller), sentence_of(one, teller)]
    parts.append(answer_of(one, teller).plain)
    if _is_muted(one, teller):
        until = _moment(one["muted_until"], teller)
        parts.append(teller.words.alarm["muted_until"].format(until=until))
    return "  ".join(parts)


def _notice(one: Facts, facts: Facts, teller: Teller) -> str:
    parts = [clean(one["code"]), officer_of(one["officer"], facts["officers"], teller), clean(one["channel"])]
    parts += [rung_of(one, teller).plain, _moment(one["composed_at"], teller), clean(one["trouble"], LONGEST)]
    return "  ".join(filter(None, parts))


def _work(one: Facts, teller: Teller) -> str:
    words = teller.words
    begin, end = _moment(one["from"], teller), _moment(one["to"], teller)
    names = words.comma.join(clean(teller.called(name)) for name in one["names"])
    state = words.handover[one["state"]]
    papers = (clean(one[key], LONGEST) for key in ("document", "note", "who"))
    return "  ".join(filter(None, (state, names, f"{begin} – {end}", *papers, f"({clean(one['id'])})")))


def _trouble(one: Facts, teller: Teller) -> str:
    label = teller.words.label[one["what"]]
    return f"{label} {clean(one['name'])}".strip() + f": {clean(one['trouble'], LONGEST)}"


def _is_muted(one: Facts, teller: Teller) -> bool:
    return one["muted_until"] is not None and bool(one["muted_until"] > teller.now)


def _moment(at: float, teller: Teller) -> str:
    return f"{datetime.fromtimestamp(at, teller.zone):%m-%d %H:%M}"
