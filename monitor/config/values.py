"""Single values of the files: ids, addresses, names of hosts and interfaces, numbers, references."""

import re
from datetime import date, datetime, time
from ipaddress import ip_address
from typing import Annotated, Any, cast

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, ValidationInfo, WithJsonSchema

from monitor.config.validation import wanted
from monitor.config.words import nearest, one_of

_ID = re.compile(r"[a-z0-9-]{1,32}")
_VARIABLE = re.compile(r"[a-z][a-z0-9_]{0,31}")
_LABEL = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)")
_INTERFACE = re.compile(r"[^\s/:]{1,15}")
_LONGEST_HOST = 253
_MOMENT = re.compile(r"20\d\d-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)?")
_CLOCK = re.compile(r"\d\d:\d\d")
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _id(value: str) -> str:
    if not _ID.fullmatch(value):
        raise wanted(
            "an id: 1 to 32 of a-z, 0-9 and -", re.sub(r"[^a-z0-9]+", "-", value.lower()).strip("-")[:32]
        )
    return value


def _variable(value: str) -> str:
    if not _VARIABLE.fullmatch(value):
        raise wanted("a variable's name: a letter a-z, then letters, digits and _")
    return value


def _scalar(value: object) -> object:
    if value is not None and not isinstance(value, str | int | float | bool):
        raise wanted("text, a number, or true or false")
    return value


def as_written(value: object) -> object:
    """Take a whole number as the text it is: telephone and circuit numbers need no quotes."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def no_truth(value: object) -> object:
    """Refuse true and false where a number is wanted."""
    if isinstance(value, bool):
        raise wanted("a number")
    return value


def _address(value: str) -> str:
    try:
        address = ip_address(value)
    except ValueError:
        raise wanted("an IP address") from None
    if address.is_unspecified or address.is_multicast or value == "255.255.255.255":
        raise wanted("the IP address of one host")
    return str(address)


def _host(value: str) -> str:
    labels = value.removesuffix(".").split(".")
    named = all(map(_LABEL.fullmatch, labels)) and not labels[-1].isdigit()
    if named and len(value) <= _LONGEST_HOST:
        return value
    if ":" in value or labels[-1].isdigit():
        return _address(value)
    raise wanted("an IP address or a host name")


def _interface(value: str) -> str:
    if not _INTERFACE.fullmatch(value):
        raise wanted("an interface's name, `eth0`")
    return value


def _moment(value: object) -> datetime:
    if isinstance(value, str) and _MOMENT.fullmatch(value):
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            pass  # the 31st of a short month
    raise wanted("a date and a time of day, `2026-11-24 22:00`", _with_a_time(value))


def _with_a_time(value: object) -> str:
    """Return what may have been meant by a date alone."""
    try:
        return f"{date.fromisoformat(str(value))} 00:00"
    except ValueError:
        return ""


def _clock(value: object) -> time:
    if isinstance(value, str) and _CLOCK.fullmatch(value):
        try:
            return time.fromisoformat(value)
        except ValueError:
            pass  # 24:00
    raise wanted("a time of day, `02:30`")


def _day(value: str) -> str:
    if value not in DAYS:
        raise wanted(f"a day: {' | '.join(DAYS)}", nearest(str(value)[:3], DAYS))
    return value


def _several(value: object) -> object:
    """Take one text as a list of one."""
    return [value] if isinstance(value, str) else value


def known(what: str) -> AfterValidator:
    """Return the validator of a reference to one of the context's words."""

    def check(value: str, info: ValidationInfo) -> str:
        words = cast("dict[str, list[str]]", info.context or {}).get(what, ())
        if value not in words:
            raise wanted(
                one_of(words, f"{'an' if what[0] in 'aeiou' else 'a'} {what}"), nearest(value, words)
            )
        return value

    return AfterValidator(check)


Text = Annotated[
    str,
    BeforeValidator(as_written),
    Field(max_length=200),
    WithJsonSchema({"type": ["string", "integer"], "maxLength": 200}),
]
Id = Annotated[str, AfterValidator(_id), WithJsonSchema({"type": "string", "pattern": f"^{_ID.pattern}$"})]
Address = Annotated[str, AfterValidator(_address)]
Host = Annotated[str, AfterValidator(_host)]
Interface = Annotated[str, AfterValidator(_interface)]
Texts = Annotated[
    list[Text],
    BeforeValidator(_several),
    Field(min_length=1, max_length=100),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "maxLength": 200},
                {
                    "type": "array",
                    "items": {"type": "string", "maxLength": 200},
                    "minItems": 1,
                    "maxItems": 100,
                },
            ]
        }
    ),
]
Moment = Annotated[
    datetime, PlainValidator(_moment), WithJsonSchema({"type": "string", "pattern": f"^{_MOMENT.pattern}$"})
]
Clock = Annotated[
    time, PlainValidator(_clock), WithJsonSchema({"type": "string", "pattern": f"^{_CLOCK.pattern}$"})
]
Day = Annotated[str, AfterValidator(_day), WithJsonSchema({"enum": list(DAYS)})]
Seconds = Annotated[float, Field(ge=0.05, le=86_400), BeforeValidator(no_truth)]
VariableName = Annotated[
    str, AfterValidator(_variable), WithJsonSchema({"type": "string", "pattern": f"^{_VARIABLE.pattern}$"})
]
Variables = dict[
    VariableName,
    Annotated[
        Any, AfterValidator(_scalar), WithJsonSchema({"type": ["string", "number", "boolean", "null"]})
    ],
]
