"""Times, as messages of others give them."""

import datetime as dt
import json
import math


def said_at(payload: bytes, key: str) -> float | None:
    """Return the Unix time that a message gives: under *key* of a JSON object, or as all of it.

    A number is Unix seconds, a text a time of ISO 8601 with its offset. None if there is no such thing.
    """
    try:
        told = json.loads(payload)
        told = told.get(key) if isinstance(told, dict) else told
        return _moment(told)
    except (ValueError, RecursionError, OverflowError):
        return None


def _moment(told: object) -> float | None:
    if isinstance(told, str):
        moment = dt.datetime.fromisoformat(told)
        return moment.timestamp() if moment.tzinfo is not None else None
    if isinstance(told, bool) or not isinstance(told, int | float):
        return None
    return float(told) if math.isfinite(told) else None
