"""A GSM modem made of a socket, for a real smsd: it takes short messages, and has some to give."""

import asyncio
import contextlib
import itertools
import re
import time
from dataclasses import dataclass

STAMP = "62118202130023"
"""2026-11-28 20:31:00 +08:00, as in a PDU (3GPP TS 23.040, section 9.2.3.11)."""


@dataclass(frozen=True)
class Submit:
    """What was given to the modem to send."""

    reference: int
    number: str
    text: str
    units: int
    report: bool
    concatenated: bool
    at: float
    """Unix seconds."""


class Modem:
    """Answers as most do; `broken` is what it answers to a message instead of taking it."""

    def __init__(self):
        self.sent = []
        self.memory = {}
        self.broken = ""
        self.deaf = False
        self.port = 0
        self._references = itertools.count(250)

    def receives(self, sender, text):
        body = text.encode("utf-16-be").hex().upper()
        self._keep(f"04{_address(sender)}0008{STAMP}{len(body) // 2:02X}{body}")

    def reports(self, submit, status):
        self._keep(f"06{submit.reference:02X}{_address(submit.number)}{STAMP}{STAMP}{status:02X}")

    def _keep(self, pdu):
        self.memory[max(self.memory, default=0) + 1] = pdu

    async def serve(self, reader, writer):
        with contextlib.suppress(OSError, EOFError, asyncio.CancelledError):
            while True:
                command = (await reader.readuntil(b"\r")).decode().strip()
                while self.deaf:
                    await asyncio.sleep(0.05)
                if command.startswith("AT+CMGS="):
                    writer.write(b"\r\n> ")
                    pdu = (await reader.readuntil(b"\x1a")).decode().strip("\r\n \x1a\x1b")
                    answer = self.broken or self._take(pdu)
                else:
                    answer = self._answer(command)
                writer.write(f"\r\n{answer}\r\n".encode())
                await writer.drain()
        writer.close()

    def _take(self, pdu):
        reference = next(self._references) % 256
        self.sent.append(_read(pdu, reference))
        return f"+CMGS: {reference}\r\n\r\nOK"

    def _answer(self, command):
        at = re.fullmatch(r"AT\+CMG([RD])=(\d+)(?:,\d)?", command)
        if at is not None and at[1] == "D":
            self.memory.pop(int(at[2]), None)
        elif at is not None and (pdu := self.memory.get(int(at[2]))) is not None:
            return f"+CMGR: 0,,{len(pdu) // 2}\r\n00{pdu}\r\n\r\nOK"
        told = {
            "AT+CPMS?": "+CPMS: " + ",".join([f'"SM",{len(self.memory)},10'] * 3),
            "AT+CPIN?": "+CPIN: READY",
            "AT+CREG?": "+CREG: 0,1",
            "AT+CSQ": "+CSQ: 20,0",
        }
        return f"{told[command]}\r\n\r\nOK" if command in told else "OK"


def _address(number):
    digits = number.lstrip("+")
    return f"{len(digits):02X}91{_swapped(digits + 'F' * (len(digits) % 2))}"


def _swapped(digits):
    return "".join(b + a for a, b in zip(digits[::2], digits[1::2], strict=True))


def _read(pdu, reference):
    """Read an SMS-SUBMIT in UCS-2 (section 9.2.2.2)."""
    octets = bytes.fromhex(pdu)
    octets = octets[1 + octets[0] :]
    kind, digits = octets[0], octets[2]
    end = 4 + (digits + 1) // 2
    number = _swapped(octets[4:end].hex()).strip("fF")
    validity = {0: 0, 2: 1}.get(kind >> 3 & 3, 7)
    coding, length, body = octets[end + 1], octets[end + 2 + validity], octets[end + 3 + validity :]
    assert coding & 0x0C == 0x08, "not UCS-2"
    assert length == len(body)
    return Submit(
        reference,
        number,
        body.decode("utf-16-be"),
        len(body) // 2,
        bool(kind & 0x20),
        bool(kind & 0x40),
        time.time(),
    )


@contextlib.asynccontextmanager
async def modem():
    """Serve while the block runs."""
    one = Modem()
    server = await asyncio.start_server(one.serve, "127.0.0.1", 0)
    one.port = server.sockets[0].getsockname()[1]
    try:
        yield one
    finally:
        server.close()
