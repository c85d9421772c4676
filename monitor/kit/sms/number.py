"""Telephone numbers as a modem wants them."""

import re

_SHORTEST, _LONGEST = 7, 15
"""Digits of a number with its country's prefix (ITU-T E.164, section 6.2)."""


def international(written: str, country: str) -> str:
    """Return a number as digits with the country's prefix; one that has none is of our own *country*.

    Raises ValueError if it is none; the message does not quote it.
    """
    plain = re.sub(r"[\s()./-]", "", written)
    abroad = plain.startswith(("+", "00"))
    digits = plain.removeprefix("+") if plain.startswith("+") else plain
    number = digits.lstrip("0") if abroad else country + digits.removeprefix("0")
    if not (digits.isascii() and digits.isdigit() and _SHORTEST <= len(number) <= _LONGEST):
        raise ValueError("no telephone number")
    return number
