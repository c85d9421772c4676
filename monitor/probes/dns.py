"""Asks a name server, and says whether it answers, and as it should."""

import asyncio
import struct
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, IPvAnyAddress, field_validator, model_validator

from monitor.core.observation import Finding, failed, ok, unknown
from monitor.kit import mishap
from monitor.kit.dns import MOST, PAYLOAD, Answer, Question, asked, missing
from monitor.kit.resolver import ResolveError, shared
from monitor.kit.sockets import Family, Host, Interface, Target, clash, find_target
from monitor.kit.stream import conversation
from monitor.kit.tcp import ConnectError
from monitor.kit.text import clean
from monitor.kit.udp import Exchange, UdpError
from monitor.ports import ProbeOptions
from monitor.ports.findings import of_mishap

REASONS = {
    "nxdomain": "the server says that there is no such name",
    "servfail": "the server cannot find the answer out",
    "query_refused": "the server will not answer us",
    "rcode": "the server answers with another code than the right one",
    "no_records": "the name exists and has no records of the kind asked for",
    "unexpected_answer": "a record of `expect` is not in the answer",
    "not_authoritative": "the server answers, without authority over the name",
    "bad_answer": "what came is no answer to the question",
    "closed": "the server hung up without an answer",
    **mishap.PEERS,
    "name_resolution": "the server's own name has no address, or our name servers are silent",
    **mishap.OURS,
}

VALUES = {
    "rtt": ("seconds", "from the question to the answer, over TCP too where it had to be asked there"),
    "answers": ("records", "records of the kind asked for"),
    "ttl": ("seconds", "shortest time to live of the records"),
    "serial": ("number", "serial number of the zone, of SOA"),
}

WRONG_ANSWERS = 8
"""How many datagrams that are no answer (strays, forgeries) are passed over before they are the finding."""
_RCODES = {"NXDOMAIN": "nxdomain", "SERVFAIL": "servfail", "REFUSED": "query_refused"}
_LENGTH = struct.Struct("!H")


def _joined(given: object) -> object:
    """Accept "10.1.2.3", ["10.1.2.3", "10.1.2.4"] and "10.1.2.3, 10.1.2.4" alike; nothing is no wish."""
    return (",".join(map(str, given)) if isinstance(given, list | tuple) else given) or None


class Options(ProbeOptions):
    """Which name server to ask, what for, and what makes the answer right."""

    host: Host = Field(description="Name or address of the name server.")
    name: str = Field(
        min_length=1, max_length=255, description="Name to ask for; of PTR an address will do as well."
    )
    type: Literal["A", "AAAA", "PTR", "SRV", "SOA", "TXT", "MX", "NS", "CNAME"] = Field(
        default="A", description="Records to ask for."
    )
    expect: Annotated[str | None, BeforeValidator(_joined)] = Field(
        default=None,
        min_length=1,
        max_length=2048,
        description="Data that must be among the answers, with commas between them, or a list.",
    )
    rcode: Literal["NOERROR", "NXDOMAIN", "REFUSED"] = Field(
        default="NOERROR", description="Answer that is right; another one tests that a name is not served."
    )
    authoritative: bool = Field(
        default=False, description="Whether the server must answer with authority over the name."
    )
    recursion: bool = Field(
        default=True, description="Whether the server is asked to find the answer out elsewhere."
    )
    transport: Literal["udp", "tcp"] = Field(
        default="udp", description="How to ask; a truncated answer by UDP is asked for again by TCP."
    )
    port: int = Field(default=53, ge=1, le=65535, description="UDP and TCP port.")
    family: Family = Field(default="any", description="`ipv4`, `ipv6` or `any`: which address of a name.")
    source: IPvAnyAddress | None = Field(default=None, description="Address of ours to ask from.")
    interface: Interface | None = Field(default=None, description="Interface of ours to ask over.")

    @field_validator("type", "rcode", mode="before")
    @classmethod
    def _small_letters_will_do(cls, word: object) -> object:
        return word.upper() if isinstance(word, str) else word

    @model_validator(mode="after")
    def _things_go_together(self) -> Self:
        asked(self.name, self.type)
        if self.expect is not None and self.rcode != "NOERROR":
            raise ValueError("expect and rcode do not go together: such an answer has no records")
        if (trouble := clash(self.host, self.family, self.source)) is not None:
            raise ValueError(trouble)
        return self


async def probe(options: Options) -> Finding:
    """Ask once, by UDP or TCP, and judge the answer."""
    try:
        target = await find_target(shared(), options)
    except ResolveError as error:
        return unknown("name_resolution", clean(str(error)))
    question = Question(options.name, options.type, recursion=options.recursion)
    rtt = 0.0
    try:
        if options.transport == "udp":
            answer, rtt = await _by_udp(target, question)
            if answer is None:
                return failed("bad_answer", "datagrams came, none of them an answer", path_up=True)
            if not answer.truncated:
                return _judge(answer, options, rtt)
        return await _by_tcp(target, question, options, rtt)
    except (UdpError, ConnectError) as error:
        return of_mishap(error.mishap)
    except EOFError:
        return failed("closed", "hung up without an answer", path_up=True)
    except OSError as error:
        return of_mishap(mishap.raised(error))


async def _by_udp(target: Target, question: Question) -> tuple[Answer | None, float]:
    with Exchange(target) as exchange:
        exchange.send(question.wire)
        for _ in range(WRONG_ANSWERS):
            data, _, rtt = await exchange.receive(PAYLOAD)
            if (answer := question.answer(data)) is not None:
                return answer, rtt
    return None, 0.0


async def _by_tcp(target: Target, question: Question, options: Options, before: float) -> Finding:
    """Ask over a connection (RFC 7766); *before*: seconds that asking by UDP took."""
    clock = asyncio.get_running_loop().time
    began = clock()
    async with conversation(target) as stream:
        await stream.say(_LENGTH.pack(len(question.wire)) + question.wire)
        (length,) = _LENGTH.unpack(await stream.exactly(_LENGTH.size))
        if length > MOST:
            return failed("bad_answer", f"an answer of {length} bytes", path_up=True)
        answer = question.answer(await stream.exactly(length))
    if answer is None or answer.truncated:
        return failed("bad_answer", "what came over TCP is no whole answer", path_up=True)
    return _judge(answer, options, before + clock() - began)


def _judge(answer: Answer, options: Options, rtt: float) -> Finding:
    values = {"rtt": rtt, "answers": float(len(answer.records))}
    if answer.records:
        values["ttl"] = float(answer.ttl)
    if answer.serial is not None:
        values["serial"] = float(answer.serial)
    reason, detail = _verdict(answer, options)
    if reason != "ok":
        return failed(reason, clean(detail), path_up=True, **values)
    return ok(clean(detail), **values)


def _verdict(answer: Answer, options: Options) -> tuple[str, str]:
    told = ", ".join(answer.records)
    if answer.rcode != options.rcode:
        return _RCODES.get(answer.rcode, "rcode"), f"{options.name} {options.type}: {answer.rcode}"
    if options.authoritative and not answer.authoritative:
        return "not_authoritative", told or answer.rcode
    if options.rcode != "NOERROR":
        return "ok", answer.rcode
    if not answer.records:
        return "no_records", f"{options.name} has no {options.type}"
    wanted = [text for text in (options.expect or "").split(",") if text.strip()]
    if lacking := missing(wanted, answer.records):
        return "unexpected_answer", f"{', '.join(lacking)} is missing among {told}"
    return "ok", told
