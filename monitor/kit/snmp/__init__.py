"""Asks agents over SNMP, by the thousand: version 2c, and version 3 with authentication and privacy.

A conversation is a generator: it yields a `Question`, is sent the values, and returns what came of it. The
engine has any number of them under way over one socket, without a task, a future or a timer each; what ends
one early is a `Mishap`, told like those of the network.

`ber` is the encoding, `pdu` what is asked and answered, `usm` keys and encryption, `v3` the messages of
version 3, `session` how one agent is spoken to (all pure); `channel` is one socket, `engine` what is under
way, `access` the options that looks have in common, `batch` looks again and again, `walk` goes through a
table. `traps` hears what agents say
unasked.
"""

from monitor.kit.snmp.access import Access
from monitor.kit.snmp.batch import OURS, Asker, Batch, Handle, converse
from monitor.kit.snmp.ber import Oid, Value
from monitor.kit.snmp.engine import REASONS, Agent, Answer, Engine, Talk
from monitor.kit.snmp.pdu import Bind, Question
from monitor.kit.snmp.traps import Known, Receiver
from monitor.kit.snmp.walk import columns, dotted, named

__all__ = [
    "OURS",
    "REASONS",
    "Access",
    "Agent",
    "Answer",
    "Asker",
    "Batch",
    "Bind",
    "Engine",
    "Handle",
    "Known",
    "Oid",
    "Question",
    "Receiver",
    "Talk",
    "Value",
    "columns",
    "converse",
    "dotted",
    "named",
]
