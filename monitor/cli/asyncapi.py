"""Print what is told on MQTT as an AsyncAPI document, or the JSON Schema of one payload."""

import argparse
import json

import yaml

from monitor.outputs.mqtt.options import MqttOptions
from monitor.outputs.mqtt.schema import CHANNELS, ORDERS, Channel, Channels, asyncapi, schemas
from monitor.vantages import topics
from monitor.vantages.wire import Ack, BeliefWord, Chunk, DaemonWord

HELP = "print what is told on MQTT: AsyncAPI document or JSON Schemas"

EVERYTHING: Channels = {
    **CHANNELS,
    **ORDERS,
    "vantage_daemon": Channel(topics.DAEMON, DaemonWord, retained=True),
    "vantage_belief": Channel(topics.BELIEF, BeliefWord, retained=True),
    "vantage_log": Channel(topics.LOG, Chunk, retained=False),
    "ack": Channel(topics.ACK, Ack, retained=True),
}
"""What daemons tell consumers and are told by them, and what they tell each other."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what can be given."""
    root = MqttOptions.model_fields["root"].default
    parser.add_argument("--root", default=root, help=f"first levels of every topic ({root})")
    parser.add_argument("--schema", choices=EVERYTHING, help="print the JSON Schema of this payload instead")


def run(args: argparse.Namespace) -> int:
    """Print what was asked for."""
    print(document(args.root) if args.schema is None else schema(args.schema), end="")
    return 0


def document(root: str) -> str:
    """Return docs/asyncapi.yaml for the default *root*."""
    head = "# Made by `command-monitor asyncapi`; a test keeps it current.\n"
    told = asyncapi(root, EVERYTHING)
    return head + yaml.safe_dump(told, allow_unicode=True, sort_keys=False, width=110)


def schema(name: str) -> str:
    """Return the JSON Schema of one payload as text."""
    return json.dumps(schemas(EVERYTHING)[name], ensure_ascii=False, indent=2) + "\n"
