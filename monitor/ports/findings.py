"""What probes find when something goes wrong on the way to an answer, the same for every kind."""

import ssl

from monitor.core.observation import Finding, failed, unknown
from monitor.kit import mishap
from monitor.kit.head import BadMessageError
from monitor.kit.inquiry import NoAnswerError, OthersAnswerError
from monitor.kit.mishap import Mishap
from monitor.kit.stream import HungUpError, TooMuchError
from monitor.kit.tcp import ConnectError
from monitor.kit.text import clean
from monitor.kit.tls import fault
from monitor.kit.udp import UdpError

Inquiring = (NoAnswerError, OthersAnswerError, BadMessageError, UdpError)
"""What ends a question over UDP that is asked again and again."""
Conversing = (ConnectError, EOFError, BadMessageError, TooMuchError, OSError)
"""What ends a conversation over a stream."""


def of_mishap(found: Mishap) -> Finding:
    """Return what an error of the network means: our own trouble is unknown, anything else a failure."""
    if found.ours:
        return unknown(found.reason, found.text)
    return failed(found.reason, found.text, path_up=found.answered)


def of_inquiry(error: Exception) -> Finding:
    """Return what one of Inquiring means."""
    if isinstance(error, UdpError):
        return of_mishap(error.mishap)
    if isinstance(error, NoAnswerError):
        return failed("timeout", str(error))
    word = "unexpected_answer" if isinstance(error, OthersAnswerError) else "bad_response"
    return failed(word, clean(str(error)), path_up=True)


def of_conversation(error: Exception) -> Finding:
    """Return what one of Conversing means."""
    if isinstance(error, ConnectError):
        return of_mishap(error.mishap)
    if isinstance(error, ssl.SSLError):
        word, text = fault(error)
        return failed(word, clean(text), path_up=True)
    if isinstance(error, EOFError):
        heard = isinstance(error, HungUpError) and error.heard
        return failed("bad_response" if heard else "closed", clean(str(error)), path_up=True)
    if isinstance(error, OSError):
        return of_mishap(mishap.raised(error))
    return failed("bad_response", clean(str(error)), path_up=True)
