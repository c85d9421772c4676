"""SSH as far as the server has proved its key (RFC 4253), and not a step further: nobody logs in.

Only what is needed for that is here, on the primitives of `cryptography`; nothing of what is agreed upon is
ever used to encrypt, so old algorithms are spoken too: a router that knows nothing better can be watched.
"""

from monitor.kit.ssh.conversation import Connected, Conversation, HostKey
from monitor.kit.ssh.wire import FAULTS, SshError

__all__ = ["FAULTS", "Connected", "Conversation", "HostKey", "SshError"]
