"""MQTT with QoS 1 that can be relied on: aiomqtt and the paho client inside it, wrapped once.

A Connection keeps being connected and gives one Session after the other. A refused publish is a Refused, a
message taken in is acknowledged after its handler has returned, a broker that is there no more is noticed
within keepalive + timeout, and nothing here waits in a thread pool that others use.
"""

from monitor.kit.mqtt.broker import Broker, Delivery, Handler, Message, Resolve, Tls
from monitor.kit.mqtt.connection import Connection
from monitor.kit.mqtt.errors import Lost, MqttError, Refused, Unsendable
from monitor.kit.mqtt.session import Session
from monitor.kit.mqtt.tls import DAY, WARN_DAYS, ends_soon
from monitor.kit.mqtt.topics import is_topic, matches
from monitor.kit.mqtt.visit import Visit

__all__ = [
    "DAY",
    "WARN_DAYS",
    "Broker",
    "Connection",
    "Delivery",
    "Handler",
    "Lost",
    "Message",
    "MqttError",
    "Refused",
    "Resolve",
    "Session",
    "Tls",
    "Unsendable",
    "Visit",
    "ends_soon",
    "is_topic",
    "matches",
]
