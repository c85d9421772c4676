"""The shapes by which the parts of the shell meet, so that none needs to know another."""

from monitor.ports.channels import (
    Back,
    Channel,
    ChannelKind,
    ChannelOptions,
    Delivered,
    Hear,
    OneWay,
    Reply,
    as_json,
)
from monitor.ports.log import Archive, Gathered, Journal, Log, Reader
from monitor.ports.outputs import Feed, News, Output
from monitor.ports.probes import (
    LONGEST,
    BatchEngine,
    Intake,
    ProbeKind,
    ProbeOptions,
    ReportOptions,
    Sink,
    Taken,
    Word,
    reports_by_people,
)
from monitor.ports.vantages import Hearing

__all__ = [
    "LONGEST",
    "Archive",
    "Back",
    "BatchEngine",
    "Channel",
    "ChannelKind",
    "ChannelOptions",
    "Delivered",
    "Feed",
    "Gathered",
    "Hear",
    "Hearing",
    "Intake",
    "Journal",
    "Log",
    "News",
    "OneWay",
    "Output",
    "ProbeKind",
    "ProbeOptions",
    "Reader",
    "Reply",
    "ReportOptions",
    "Sink",
    "Taken",
    "Word",
    "as_json",
    "reports_by_people",
]
