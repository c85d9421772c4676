"""What can go wrong with a broker, named by what the caller must do."""

from monitor.kit.text import clean


class MqttError(Exception):
    """Something between us and the broker is not as it should be."""


class Lost(MqttError):  # noqa: N818 - reads as what it says
    """The session is over, or never began; another one may do better."""


class Refused(MqttError):  # noqa: N818 - as above
    """The broker answered, and said no; sending the same again will not help."""

    def __init__(self, what: str, code: int, words: str) -> None:
        super().__init__(clean(f"{what}: {words} (0x{code:02x})"))
        self.code = code


class Unsendable(MqttError):  # noqa: N818 - as above
    """The message itself cannot be sent: too large, or its topic is not one."""
