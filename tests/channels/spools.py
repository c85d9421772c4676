"""Real daemons that drive modems, for tests: smsd of smstools3 and gammu-smsd, each with its spool."""

import contextlib
import os
import signal
import sqlite3
import subprocess
import tempfile
import time
from pathlib import Path

FOLDERS = ("outgoing", "checked", "sent", "failed", "incoming", "report", "stats")
SMSD = """
devices = GSM1
{paths}
logfile = {folder}/log
infofile = {folder}/working
pidfile = {folder}/pid
delaytime = 1
delaytime_mainprocess = 1
errorsleeptime = 1
autosplit = 0
[GSM1]
device = @127.0.0.1:{port}
incoming = yes
report = yes
send_delay = 0
"""
GAMMU = """
[gammu]
connection = none
model = dummy
device = {folder}/phone
gammuloc = /dev/null
[smsd]
service = sql
driver = sqlite3
dbdir = {folder}
database = smsd.db
logfile = {folder}/log
commtimeout = 1
skipsmscnumber = 123456
receivefrequency = 1
statusfrequency = 60
loopsleep = 1
checksecurity = 0
"""
MAIL = """[SMSBackup000]
PDU = {kind}
DateTime = {now}
State = UnRead
Number = "{number}"
NumberUnicode = {sender}
Name = "A"
NameUnicode = 0041
Text00 = {text}
Coding = Unicode_No_Compression
Folder = 1
Length = 20
Class = -1
MessageReference = {reference}
"""
TABLES = Path("/usr/share/doc/gammu-smsd/examples/sqlite.sql")


@contextlib.contextmanager
def _running(command, folder):
    with (folder / "said").open("wb") as said:
        process = subprocess.Popen(command, stdout=said, stderr=said, start_new_session=True)
        try:
            yield
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@contextlib.contextmanager
def smstools_spool():
    """Lend the folders of smsd."""
    with tempfile.TemporaryDirectory(prefix="smsd") as name:
        folder = Path(name)
        for one in FOLDERS:
            (folder / one).mkdir()
        yield folder


@contextlib.contextmanager
def smsd(folder, modem):
    """Let smsd drive the modem while the block runs."""
    paths = "\n".join(f"{one} = {folder}/{one}" for one in FOLDERS)
    (folder / "conf").write_text(SMSD.format(paths=paths, folder=folder, port=modem.port))
    with _running(["smsd", "-t", f"-c{folder}/conf"], folder):
        yield


class GammuTables:
    """The database of gammu-smsd, and the telephone behind it."""

    def __init__(self, folder):
        self.folder = folder
        self.database = folder / "smsd.db"
        (folder / "phone").mkdir()
        (folder / "conf").write_text(GAMMU.format(folder=folder))
        self.run(TABLES.read_text(), script=True)

    def run(self, sql, *values, script=False):
        with contextlib.closing(sqlite3.connect(self.database, timeout=10)) as tables, tables:
            return (tables.executescript(sql) if script else tables.execute(sql, values)).fetchall()

    def receives(self, sender, text, kind="Deliver", reference=0):
        """Let the telephone get a message, or a report of the *kind* `Status_Report`."""
        inbox = self.folder / "phone/sms/1"
        inbox.mkdir(parents=True, exist_ok=True)
        number = f"{max((int(path.name) for path in inbox.iterdir()), default=0) + 1}"
        words = MAIL.format(
            now=time.strftime("%Y%m%dT%H%M%SZ"),
            number=sender,
            sender=_coded(sender),
            text=_coded(text),
            kind=kind,
            reference=reference,
        )
        (self.folder / number).write_text(words)
        (self.folder / number).rename(inbox / number)

    def reports(self, number, word):
        """Let the telephone get a report of the last message that it sent."""
        [(reference,)] = self.run("SELECT TPMR FROM sentitems ORDER BY ID DESC LIMIT 1")
        self.receives(number, word, "Status_Report", reference)


def _coded(text):
    return text.encode("utf-16-be").hex().upper()


@contextlib.contextmanager
def gammu_spool():
    """Lend the tables of gammu-smsd."""
    with tempfile.TemporaryDirectory(prefix="gammu") as name:
        yield GammuTables(Path(name))


@contextlib.contextmanager
def gammu_smsd(tables):
    """Let gammu-smsd drive its telephone, which is a folder, while the block runs."""
    with _running(["gammu-smsd", "-c", str(tables.folder / "conf")], tables.folder):
        yield
