"""Handing messages to a session, and hearing what became of them."""

import time
from collections.abc import Callable

from monitor.kit.mqtt import Lost, Message, MqttError, Session, Unsendable
from monitor.vantages.pace import Pace
from monitor.vantages.troubles import Troubles


class Post:
    """Keeps count of what is under way, whatever session takes it."""

    def __init__(self, pace: Pace, troubles: Troubles, answered: Callable[[], None]) -> None:
        """Call *answered* whenever the broker has taken or refused something."""
        self._pace = pace
        self._troubles = troubles
        self._answered = answered

    def urgent(self, session: Session, message: Message) -> None:
        """Send what cannot wait; raises Lost if the session is over."""
        began = time.monotonic()
        self._send(session, message, lambda _: self._pace.heard(time.monotonic() - began))

    def bulky(
        self, session: Session, message: Message, ended: Callable[[MqttError | None], None] = lambda _: None
    ) -> None:
        """Send what others must not wait for, and count it; raises Lost if the session is over.

        *ended* hears what became of it, unless the session is lost first.
        """
        size, began = len(message.topic) + len(message.payload), time.monotonic()

        together = self._pace.sent(size)

        def done(trouble: MqttError | None) -> None:
            self._pace.answered(size, together, time.monotonic() - began)
            ended(trouble)

        self._send(session, message, done)

    def _send(self, session: Session, message: Message, ended: Callable[[MqttError | None], None]) -> None:
        def done(trouble: MqttError | None) -> None:
            if isinstance(trouble, Lost):
                return  # the next session begins anew
            ended(trouble)
            self._note(message.topic, trouble)

        try:
            session.send(message, done)
        except Unsendable as error:
            done(error)

    def _note(self, topic: str, trouble: MqttError | None) -> None:
        if trouble is None:
            self._troubles.accepted(topic)
        else:
            self._troubles.refused(topic, str(trouble))
        self._answered()
