"""Asks an H.323 gatekeeper whether it is there, or knocks where a terminal takes calls."""

from typing import Literal, Self

from pydantic import Field, IPvAnyAddress, model_validator

from monitor.core.observation import Finding, failed, ok, unknown
from monitor.kit import mishap
from monitor.kit.h323.client import ask_gatekeeper, call
from monitor.kit.h323.h225 import Answer, parse_user
from monitor.kit.h323.q931 import RELEASE_COMPLETE, Message
from monitor.kit.head import BadMessageError
from monitor.kit.inquiry import Reply
from monitor.kit.resolver import ResolveError, shared
from monitor.kit.sockets import Family, Host, Interface, Place, Target, clash, find_target
from monitor.kit.stream import conversation
from monitor.kit.text import clean
from monitor.kit.udp import connected
from monitor.ports import ProbeOptions
from monitor.ports.findings import Conversing, Inquiring, of_conversation, of_inquiry

REASONS = {
    "rejected": "the gatekeeper rejects us, and `any_answer` does not allow it",
    "no_capacity": "the gatekeeper or the called side says that it has no resources left",
    "not_understood": "the gatekeeper does not understand the question",
    **mishap.PEERS,
    "timeout": "no answer of the gatekeeper, though asked again and again",
    "bad_response": "what the peer says is not H.323",
    "unexpected_answer": "answers came, none of them to our question",
    "closed": "the peer hung up without an answer",
    "name_resolution": "the name has no address, or the name servers are silent",
    **mishap.OURS,
}

VALUES = {
    "rtt": ("seconds", "of a gatekeeper from question to answer, unless repeated; else TCP's own"),
    "answer": ("seconds", "from the first question, or the beginning of the call, to the answer"),
    "sent": ("packets", "how often a gatekeeper was asked"),
}

PORTS = {"gatekeeper": 1719, "call": 1720}
_WITHOUT_RESOURCES = frozenset({"resourceUnavailable"})
_WITHOUT_ROOM = frozenset({"noBandwidth", "gatekeeperResources", "gatewayResources", "adaptiveBusy"})
_CLASS_OF_RESOURCES = range(32, 48)
"""Causes of Q.850 (section 2.2.5, class 010)."""


class Options(ProbeOptions):
    """Whom to ask, and how far to go."""

    host: Host = Field(description="Name or address of the gatekeeper, terminal or MCU.")
    service: Literal["gatekeeper", "call"] = Field(
        default="call", description="`gatekeeper`: RAS over UDP; `call`: call signalling over TCP."
    )
    port: int | None = Field(
        default=None, ge=1, le=65535, description="Port; default: 1719 of a gatekeeper, 1720 for calls."
    )
    depth: Literal["connect", "setup"] = Field(
        default="connect",
        description="For calls: `connect` only opens the connection; `setup` begins a call and ends it.",
    )
    gatekeeper: str = Field(
        default="",
        max_length=128,
        pattern=r"^[^\x00-\x1f]*$",
        description="Name of the gatekeeper that is to answer; default: whichever is there.",
    )
    any_answer: bool = Field(
        default=True, description="Whether a gatekeeper that rejects us is alive, unless it has no resources."
    )
    pause: float = Field(
        default=1.0,
        ge=0.05,
        le=4.0,
        description="Seconds before a gatekeeper is asked again; then doubled, up to 4.",
    )
    family: Family = Field(default="any", description="`ipv4`, `ipv6` or `any`: which address of a name.")
    source: IPvAnyAddress | None = Field(default=None, description="Address of ours to ask from.")
    interface: Interface | None = Field(default=None, description="Interface of ours to ask over.")

    @model_validator(mode="after")
    def _things_go_together(self) -> Self:
        if self.depth == "setup" and self.service == "gatekeeper":
            raise ValueError("depth goes with calls; a gatekeeper is always asked")
        if self.gatekeeper and self.service == "call":
            raise ValueError("gatekeeper goes with service: gatekeeper")
        if not self.gatekeeper.isprintable() or max(self.gatekeeper, default="") > "\uffff":
            raise ValueError("gatekeeper must be printable, of the basic plane of Unicode")
        if (trouble := clash(self.host, self.family, self.source)) is not None:
            raise ValueError(trouble)
        return self


async def probe(options: Options) -> Finding:
    """Ask a gatekeeper, or knock at a terminal, once; a call that was begun is ended whatever happens."""
    port = options.port or PORTS[options.service]
    wanted = Place(options.host, port, options.family, options.source, options.interface)
    try:
        target = await find_target(shared(), wanted)
    except ResolveError as error:
        return unknown("name_resolution", clean(str(error)))
    if options.service == "gatekeeper":
        return await _of_gatekeeper(target, options)
    try:
        return await _of_terminal(target, options)
    except Conversing as error:
        return of_conversation(error)


async def _of_gatekeeper(target: Target, options: Options) -> Finding:
    try:
        with connected(target) as sock:
            local = sock.getsockname()[:2]
            reply = await ask_gatekeeper(sock, local, options.gatekeeper, options.pause)
    except Inquiring as error:
        return of_inquiry(error)
    return _judge(reply, options)


def _judge(reply: Reply[Answer], options: Options) -> Finding:
    answer = reply.answer
    values = {"answer": reply.took, "sent": float(reply.sent)}
    if reply.sent == 1:  # of several, who knows which was answered
        values["rtt"] = reply.took
    named = f" of gatekeeper {answer.gatekeeper}" if answer.gatekeeper else ""
    if answer.message == "gatekeeperConfirm":
        return ok(f"confirmation{named}", **values)
    if answer.message != "gatekeeperReject":
        return failed("not_understood", f"answers with {answer.message}", path_up=True, **values)
    detail = f"rejection{named}: {answer.reason}"
    if answer.reason in _WITHOUT_RESOURCES:
        return failed("no_capacity", detail, path_up=True, **values)
    return ok(detail, **values) if options.any_answer else failed("rejected", detail, path_up=True, **values)


async def _of_terminal(target: Target, options: Options) -> Finding:
    async with conversation(target) as stream:
        if options.depth == "connect":
            return ok("connection stands, no call was begun", rtt=stream.rtt)
        message = await call(stream, target.address[:2])
        values = {"rtt": stream.rtt, "answer": stream.age}
    why = _why(message)
    detail = f"call begun and ended: {message.name}{f', {why}' if why else ''}"
    if message.type == RELEASE_COMPLETE and (message.cause in _CLASS_OF_RESOURCES or why in _WITHOUT_ROOM):
        return failed("no_capacity", detail, path_up=True, **values)
    return ok(detail, **values)


def _why(message: Message) -> str:
    """Return why a call was refused, in the standard's own word; empty: it does not say so, or was not."""
    try:
        reason = parse_user(message.user)[1] if message.user else ""
    except BadMessageError:
        reason = ""
    return reason or (f"cause {message.cause}" if message.cause else "")
