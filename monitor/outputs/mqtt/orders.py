"""Orders that come by the broker, and their answers: planned work, roll-calls and alarms from elsewhere.

An order says when it was sent and has a reference of the sender's: what is old or was kept by the broker is
no order any more, and what comes twice is done once and answered twice. Who may give orders is for the broker
to decide, so they are taken only if the settings say so.
"""

import asyncio
import json
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping

import structlog
from pydantic import ConfigDict, Field, ValidationError

from monitor.core.world import Json
from monitor.kit.mqtt import Delivery, Message, Refused, Session, Unsendable
from monitor.kit.text import clean
from monitor.outputs.mqtt.payloads import Payload

ORDER = "command/{vantage}/{matter}"
ANSWER = "command/{vantage}/{matter}/answer"
MATTERS = ("planned", "report", "alarm")
"""What can be ordered, each on a topic of its own: a broker can let somebody do one and not the other."""
LARGEST = 64 * 1024
"""Bytes of an order."""
FRESH = 60.0
"""Seconds by which the time of an order may differ from ours."""
WAITING = 16
"""Orders that wait while one is carried out; more are refused."""
REMEMBERED = 100
"""Orders whose answers are remembered, in case they come again."""

log = structlog.get_logger()

Carry = Callable[[object], Awaitable[Mapping[str, Json]]]
"""Carries out an order and answers; raises nothing that it means."""


class OrderPayload(Payload):
    """What the daemon is to do; all other keys belong to the order: see docs/planned.md and docs/duty.md."""

    model_config = ConfigDict(extra="allow")

    ref: str = Field(min_length=1, max_length=64)
    """The sender's own name for it, a new one for each: it stands in the answer."""
    at: float
    """When it was sent, Unix seconds; within a minute of the daemon's clock."""
    order: str
    """`planned/add`, `planned/end`, `planned/list`, `report/enter`, `report/list`, `alarm/list`,
    `alarm/answer`, `alarm/mute`, `alarm/drill` or `alarm/end-drill`; as the topic says."""


class AnswerPayload(Payload):
    """What became of an order; all other keys say what was done."""

    model_config = ConfigDict(extra="allow")

    vantage: str
    """Where the daemon runs that answers."""
    boot: str
    """The run of that daemon."""
    at: float
    """When, Unix seconds."""
    ref: str
    """That of the order."""
    refused: str | None = None
    """Why it was not carried out; null: it was."""


class Orders:
    """Takes orders over one session after the other."""

    def __init__(
        self,
        root: str,
        vantage: str,
        boot: str,
        carry: Carry,
        wall: Callable[[], float] = time.time,
        *,
        matter: str = MATTERS[0],
    ) -> None:
        self._matter = f"{matter}/"
        self.topic = f"{root}/{ORDER.format(vantage=vantage, matter=matter)}"
        self._answer_topic = f"{root}/{ANSWER.format(vantage=vantage, matter=matter)}"
        self._stamp = {"vantage": vantage, "boot": boot}
        self._carry = carry
        self._wall = wall
        self._waiting: asyncio.Queue[OrderPayload] = asyncio.Queue(WAITING)
        self._answered: OrderedDict[str, Mapping[str, Json]] = OrderedDict()

    async def hear(self, delivery: Delivery) -> None:
        """Take in an order; what is none is left alone, with a line in our log."""
        order = None if delivery.retained else _read(delivery.payload)
        if order is None:
            log.warning("mqtt.no_order", topic=clean(delivery.topic), retained=delivery.retained)
        elif self._waiting.full():
            log.warning("mqtt.order_dropped", ref=clean(order.ref))
        else:
            self._waiting.put_nowait(order)

    async def carry_out(self, session: Session) -> None:
        """Carry out what comes, one after the other, and answer, for as long as the session lives."""
        while True:
            order = await self._waiting.get()
            answer = await self._answer(order)
            told = AnswerPayload.model_validate(
                {**answer, **self._stamp, "ref": order.ref, "at": self._wall()}
            )
            try:
                payload = told.model_dump_json().encode()
                await session.publish(Message(self._answer_topic, payload, content_type="application/json"))
            except (Refused, Unsendable) as error:
                log.warning("mqtt.unanswered", ref=clean(order.ref), reason=str(error))

    async def _answer(self, order: OrderPayload) -> Mapping[str, Json]:
        if abs(self._wall() - order.at) > FRESH:
            return {"refused": f"it was sent more than {FRESH:g} s ago, or the clocks differ; send it anew"}
        if not order.order.startswith(self._matter):
            return {"refused": f"on this topic all orders begin with {self._matter}"}
        if order.ref not in self._answered:
            self._answered[order.ref] = await self._carry(order.model_dump(exclude={"ref", "at"}))
            while len(self._answered) > REMEMBERED:
                self._answered.popitem(last=False)
        return self._answered[order.ref]


def every(root: str, vantage: str, boot: str, carry: Carry, wall: Callable[[], float]) -> tuple[Orders, ...]:
    """Return who takes orders about each matter."""
    return tuple(Orders(root, vantage, boot, carry, wall, matter=matter) for matter in MATTERS)


def _read(payload: bytes) -> OrderPayload | None:
    """Return the order that a payload is; None: it is none."""
    if len(payload) > LARGEST:
        return None
    try:
        return OrderPayload.model_validate(json.loads(payload))
    except (ValueError, RecursionError, ValidationError):
        return None
