"""What the tests of the channels share: a message to send, and how each kind is pointed at this machine."""

import sys

from monitor.core.alarm import Message, Severity

SECRET = "s3cret-never-told"  # noqa: S105 - of nothing
PHONE = "+8613812345678"
MAIL = "zhang@example.test"
KEY = "shiyan/cut/42/zhang/3"


def message(**changes):
    """Return a message that a test may change."""
    said = {
        "key": KEY,
        "to": "",
        "language": "zh",
        "severity": Severity.CRITICAL,
        "title": "丹江口：省网电路中断",
        "short": "丹江口省网主备电路均中断，20:31起。回复1确认。",
        "text": "丹江口：省网电路中断\n自 20:31 起主备电路均不通。\n请联系电信 10000。",
        "facts": {"incident": "cut/42", "center": "danjiangkou"},
    }
    return Message(**(said | changes))


def _command(_folder, _port):
    return {"program": sys.executable, "arguments": ["-I", "-c", "import time; time.sleep(60)"]}


def _apprise(_folder, port):
    return {"password": f"json://127.0.0.1:{port}/{SECRET}"}


def _email(_folder, port):
    return {"host": "127.0.0.1", "port": port, "security": "none", "sender": "monitor@example.test"}


def _email_under_tls(_folder, port):
    more = {"security": "tls", "username": "monitor", "password": SECRET}
    return _email(_folder, port) | more


def _sms(folder, _port):
    for name in ("outgoing", "checked", "sent", "failed", "incoming", "report"):
        (folder / name).mkdir(exist_ok=True)
    return {"spooler": "smstools", "folder": folder}


def _sms_by_gammu(folder, _port):
    return {"spooler": "gammu", "database": folder / "none.db"}


def _syslog(_folder, port):
    return {"transport": "tcp", "host": "127.0.0.1", "port": port}


def _syslog_under_tls(folder, port):
    return _syslog(folder, port) | {"transport": "tls"}


def _webhook(_folder, port):
    return {"url": f"http://127.0.0.1:{port}/", "password": SECRET}


POINTED = {
    "apprise": ("program", "", _apprise),
    "command": ("program", "", _command),
    "email": ("stream", MAIL, _email),
    "email tls": ("stream", MAIL, _email_under_tls),
    "sms": ("spool", PHONE, _sms),
    "sms gammu": ("spool", PHONE, _sms_by_gammu),
    "syslog": ("one-way stream", "", _syslog),
    "syslog tls": ("stream", "", _syslog_under_tls),
    "webhook": ("stream", "", _webhook),
}
"""By kind: what it meets, to whom it speaks, and its options for a folder and a port of this machine."""
