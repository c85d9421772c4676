"""What a consumer hears of the daemon on MQTT."""

import pytest

from tests.listener import SUB, listening

needs_sub = pytest.mark.skipif(SUB is None, reason="mosquitto_sub is not installed")
ROOT = "command/v1"
CARD = f"{ROOT}/daemon/city"


def hearing(broker, options=()):
    """Listen to all that is meant for others, with *options* of mosquitto_sub."""
    trees = ("status/#", "network/#", "event", "daemon/+")
    return listening(broker.port, *(f"{ROOT}/{tree}" for tree in trees), options=options)


def said(heard, key):
    return heard.told.get(key) if heard.payload else None


def is_state(state, after=0):
    """Return a condition: the daemon has said this of itself, in what was heard from number *after* on."""
    return lambda heard: any(h.topic == CARD and said(h, "state") == state for h in heard[after:])


def is_event(**data):
    """Return a condition: an event with at least this data was heard."""
    return lambda heard: any(data.items() <= event["data"].items() for event in events(heard))


def events(heard):
    return [h.told for h in heard if h.topic == f"{ROOT}/event"]
