"""DNS messages (RFC 1035), by dnspython: what is asked, and whether what came is an answer to it."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdatatype
import dns.rdtypes.ANY.SOA
import dns.reversename
import dns.rrset

PAYLOAD = 1232
"""Bytes of an answer by UDP that we take, and say so: no fragments anywhere (DNS flag day 2020)."""
MOST = 4096
"""Bytes of an answer by TCP: one made to be tedious takes 30 ms to take apart at that."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a name server said."""

    rcode: str
    """`NOERROR`, `NXDOMAIN`, `SERVFAIL` …"""
    authoritative: bool
    truncated: bool
    records: tuple[str, ...] = ()
    """Data of the records asked for, aliases followed, as in a zone file; see `plain`."""
    ttl: int = 0
    """Shortest time to live on the way to them, seconds."""
    serial: int | None = None
    """Of a SOA record."""


class Question:
    """One question, with an id that nobody can guess."""

    def __init__(self, name: str, kind: str, *, recursion: bool) -> None:
        """Ask for records of *kind*; of PTR an address may stand for its name.

        Raises ValueError for a name that cannot be asked for.
        """
        self._message = dns.message.make_query(
            asked(name, kind), kind, use_edns=0, payload=PAYLOAD, flags=dns.flags.RD if recursion else 0
        )
        self._kind = dns.rdatatype.from_text(kind)
        self.wire = self._message.to_wire()

    def answer(self, wire: bytes) -> Answer | None:
        """Return what *wire* answers; None if it is no answer to this question, or no message at all."""
        if wire[:2] != self.wire[:2]:  # most of what is not ours ends here, before it costs anything
            return None
        try:
            message = dns.message.from_wire(wire, raise_on_truncation=False)
            if not self._message.is_response(message):
                return None
            return self._answer(cast("dns.message.QueryMessage", message))
        except Exception:  # noqa: BLE001 - whatever a malformed message makes it stumble over
            return None

    def _answer(self, message: dns.message.QueryMessage) -> Answer:
        code = message.rcode()
        said = Answer(
            dns.rcode.to_text(code),
            authoritative=bool(message.flags & dns.flags.AA),
            truncated=bool(message.flags & dns.flags.TC),
        )
        if said.truncated or code != dns.rcode.NOERROR:
            return said
        chain = message.resolve_chaining()
        if chain.answer is None:
            return said
        return _with(said, chain.answer, chain.minimum_ttl)


def _with(said: Answer, rrset: dns.rrset.RRset, ttl: int) -> Answer:
    records = tuple(rrset)
    serial = records[0].serial if isinstance(records[0], dns.rdtypes.ANY.SOA.SOA) else None
    texts = tuple(plain(record.to_text()) for record in records)
    return Answer(said.rcode, said.authoritative, said.truncated, texts, ttl, serial)


def asked(name: str, kind: str) -> dns.name.Name:
    """Return the name to ask for, absolute; raises ValueError if there can be none."""
    try:
        if kind == "PTR":
            return dns.reversename.from_address(str(ipaddress.ip_address(name)))
    except ValueError:
        pass  # it is the name itself
    try:
        return dns.name.from_text(name)
    except (dns.exception.DNSException, UnicodeError) as error:
        raise ValueError(f"{name!r} is no name: {error}") from error


def plain(text: str) -> str:
    """Return the data of a record as it can be compared: small letters, no dots at ends, no quotes."""
    return " ".join(word.removesuffix(".") or "." for word in text.replace('"', "").lower().split())


def missing(wanted: Sequence[str], found: Sequence[str]) -> list[str]:
    """Return which of the data *wanted* are not among those *found*."""
    return [text for text in wanted if plain(text) not in found]
