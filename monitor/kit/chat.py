"""Says one message through Apprise, as a program of its own: told in JSON on standard input, once, and gone.

The library and what it rests on are large, know a hundred services, and bound neither the time that a peer
takes nor what it says; so they live no longer than one message, in a process that can be killed, under a
limit of memory, and what they would log is the answer to whoever asked. Exit codes: 0 somebody took it,
1 nobody did, 2 the URL is none that Apprise knows.
"""

import contextlib
import json
import logging
import resource
import sys

import apprise

MEMORY = 512 * 2**20
"""Bytes of data that the process may have."""
TAKEN, NOT_TAKEN, UNKNOWN = 0, 1, 2
_LEVELS = {"critical": "failure", "warning": "warning"}


def main() -> int:
    """Say what standard input holds; complaints go to standard output."""
    with contextlib.suppress(OSError, ValueError):  # a message that may need too much memory beats none
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    logging.basicConfig(stream=sys.stdout, level=logging.WARNING, format="%(message)s")
    told = json.load(sys.stdin.buffer)
    speaker = apprise.Apprise()
    if not speaker.add(told["url"]):
        return UNKNOWN
    taken = speaker.notify(
        body=told["text"],
        title=told["title"],
        notify_type=_LEVELS.get(told["severity"], "info"),
        body_format=apprise.NotifyFormat.TEXT,
    )
    return TAKEN if taken else NOT_TAKEN


if __name__ == "__main__":
    sys.exit(main())
