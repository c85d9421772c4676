"""One command per verb: a module here is a verb, named after it.

A module offers `HELP` (one line), `arguments(parser)` and `run(args) -> int` (the exit code).
It parses, calls, and says how it went: 0 done, 1 the answer is no, 2 the call or a file is wrong.
"""

import argparse
import importlib
import pkgutil
import signal
import sys
from collections.abc import Sequence

from monitor import __version__
from monitor.errors import MonitorError


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb and return its exit code."""
    first = "".join(sys.argv[1:2] if argv is None else argv[:1])
    if first == "run":
        # A reload asked for before the daemon can listen for it must not end it, as the default would.
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    args = _parser(first).parse_args(argv)
    try:
        return int(args.run(args))
    except MonitorError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 141


def _parser(first: str) -> argparse.ArgumentParser:
    """Return the parser; if the *first* word is a verb that verb alone is loaded: a daemon needs no demo."""
    parser = argparse.ArgumentParser(
        prog="command-monitor", description="Health monitor for a command network."
    )
    parser.add_argument("--version", action="version", version=f"command-monitor {__version__}")
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    names = [name for _, name, _ in pkgutil.iter_modules(__path__)]
    for name in [one for one in names if one.replace("_", "-") == first] or names:
        module = importlib.import_module(f"{__name__}.{name}")
        verb = verbs.add_parser(name.replace("_", "-"), help=module.HELP, description=module.__doc__)
        module.arguments(verb)
        verb.set_defaults(run=module.run)
    return parser
