"""MQTT 5's properties: what we ask of a broker with them, and what it says with them (section 2.2.2)."""

from functools import lru_cache
from typing import NamedTuple

import aiomqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from monitor.kit.mqtt.broker import Broker, Message


class Welcome(NamedTuple):
    """What the broker said to our CONNECT; where it said nothing, what the standard presumes."""

    code: int
    words: str
    receive_maximum: int = 65535
    max_packet: int | None = None
    qos: int = 2
    retains: bool = True


def welcome(code: ReasonCode, properties: Properties | None) -> Welcome:
    """Read a CONNACK."""
    said = vars(properties) if properties is not None else {}
    return Welcome(
        code.value,
        code.getName(),
        receive_maximum=said.get("ReceiveMaximum", 65535),
        max_packet=said.get("MaximumPacketSize"),
        qos=said.get("MaximumQoS", 2),
        retains=bool(said.get("RetainAvailable", 1)),
    )


def connect_properties(broker: Broker) -> Properties:
    """Say in CONNECT how long to keep our session, and how much we take at once."""
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call] # paho's
    properties.SessionExpiryInterval = broker.session_expiry
    properties.ReceiveMaximum = broker.receive_maximum
    properties.MaximumPacketSize = broker.max_packet
    return properties


@lru_cache(maxsize=64)
def publish_properties(expiry: int | None, content_type: str) -> Properties:
    """Describe a message; the same object each time, not to be changed."""
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call] # paho's
    _describe(properties, expiry, content_type)
    packed = properties.pack()  # type: ignore[no-untyped-call] # paho's
    object.__setattr__(properties, "pack", lambda: packed)  # paho would pack them anew for each message
    return properties


def _describe(properties: Properties, expiry: int | None, content_type: str) -> Properties | None:
    if expiry is not None:
        properties.MessageExpiryInterval = expiry
    if content_type:
        properties.ContentType = content_type
        properties.PayloadFormatIndicator = 1
    return properties


def will_of(will: Message | None, *, five: bool) -> aiomqtt.Will | None:
    """Make aiomqtt's form of a will."""
    if will is None:
        return None
    properties = None
    if five:
        empty = Properties(PacketTypes.WILLMESSAGE)  # type: ignore[no-untyped-call] # paho's
        properties = _describe(empty, will.expiry, will.content_type)
    return aiomqtt.Will(will.topic, will.payload, 1, will.retain, properties)
