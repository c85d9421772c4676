"""Messages signed as Standard Webhooks 1.0 says (standardwebhooks.com): a forged one is recognised."""

import hashlib
import hmac
from base64 import b64encode


def signed(name: str, at: int, body: bytes, secret: str | None) -> dict[str, str]:
    """Return the headers of the message *name*, its signature among them if there is a *secret*.

    `webhook-id` is the same however often a message comes, so a receiver that knows it already can say yes
    and forget it; *at* is the Unix time of this attempt, by which an old one that is played again shows.
    """
    headers = {"webhook-id": name, "webhook-timestamp": str(at)}
    if secret is None:
        return headers
    digest = hmac.digest(secret.encode(), f"{name}.{at}.".encode() + body, hashlib.sha256)
    return headers | {"webhook-signature": f"v1,{b64encode(digest).decode()}"}
