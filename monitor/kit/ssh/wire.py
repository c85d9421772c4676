"""The fields of SSH packets (RFC 4251, section 5)."""

import struct

FAULTS = {
    "closed": "the peer hung up before it had proved its key",
    "not_ssh": "the peer speaks something else than SSH",
    "ssh_version": "the peer speaks no SSH of version 2",
    "no_common_algorithm": "the peer offers no algorithm that we know, given in the detail",
    "bad_signature": "the peer could not prove that the key it shows is its own",
    "handshake_failed": "the peer broke off the key exchange, or spoilt it",
}
"""What can be wrong with the peer's side, by its stable word."""

_LENGTH = struct.Struct("!I")


class SshError(Exception):
    """The peer did not get as far as to prove its key; `reason` is one of FAULTS."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


def spoilt(text: str) -> SshError:
    """Return the error for a peer that breaks the protocol."""
    return SshError("handshake_failed", text)


class Fields:
    """Takes a packet apart, field by field; whatever is not there is a `spoilt` one."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, count: int) -> bytes:
        """Return the next bytes."""
        end = self._at + count
        if end > len(self._data):
            raise spoilt("a packet ends in the middle of a field")
        taken, self._at = self._data[self._at : end], end
        return taken

    def string(self) -> bytes:
        """Return a string, which may hold any bytes."""
        (length,) = _LENGTH.unpack(self.take(_LENGTH.size))
        return self.take(length)

    def number(self) -> int:
        """Return a number of any size (`mpint`)."""
        return int.from_bytes(self.string(), "big", signed=True)

    def names(self) -> list[str]:
        """Return a list of names."""
        return self.string().decode("ascii", "replace").split(",")


def string(data: bytes) -> bytes:
    """Write a string."""
    return _LENGTH.pack(len(data)) + data


def number(value: int) -> bytes:
    """Write a number that is not negative, of any size (`mpint`)."""
    return string(value.to_bytes(value.bit_length() // 8 + 1, "big") if value else b"")


def names(words: list[str]) -> bytes:
    """Write a list of names."""
    return string(",".join(words).encode())
