"""The first words that database servers say to a stranger: do they take clients, and what are they?.

Each protocol is a talk (`talk`): a generator that yields what is to be sent and is given what has come, and
that ends with a verdict. It knows no socket. That a server refuses a stranger proves that it works; a talk
therefore goes as far as that refusal, and leaves no half-open handshake for the server to hold against us.
"""

from monitor.kit.databases.mysql import mysql
from monitor.kit.databases.postgres import postgres
from monitor.kit.databases.redis import redis
from monitor.kit.databases.talk import OK, WORDS, Talk, Verdict

__all__ = ["OK", "WORDS", "Talk", "Verdict", "mysql", "postgres", "redis"]
