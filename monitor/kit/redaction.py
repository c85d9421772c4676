"""Takes out of a text what must not leave the house: known secrets, telephone numbers, addresses of mail."""

import json
import re
from collections.abc import Iterable

REMOVED = "<removed>"
SHORT = 4
"""Characters of a secret below which it is not looked for in running text: it would be found everywhere."""
_PHONES = re.compile(
    r"(?<![\d.])(?:\+?86[ -]?)?"
    r"(?:1[3-9]\d[ -]?\d{4}[ -]?\d{4}|\(?0\d{2,3}\)?[ -]?\d{7,8}|[48]00[ -]?\d{3}[ -]?\d{4})(?!\d)"
)
"""Mobile, fixed and service numbers as China writes them."""
_MAILS = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+")
_LOGINS = re.compile(r"(?<=://)[^/\s:@]{1,200}(?::[^/\s@]{1,200})?@")
_KEYS = re.compile(r"(?i)(password|passwd|secret|token|community|credential|private|phone|email)$")
_LINE = re.compile(
    r"(?im)^(\s*(?:- )?[\w.-]*(?:password|passwd|secret|token|community|phone|email)\s*:\s*)(\S.*)$"
)


class Redactor:
    """Knows what to look for; what it gives back holds none of it."""

    def __init__(self, secrets: Iterable[str], numbers: Iterable[str] = ()) -> None:
        """Remove these *secrets* as they stand, and these *numbers* however they are spaced."""
        self._secrets = sorted(
            {one.strip() for one in secrets if len(one.strip()) >= SHORT}, key=len, reverse=True
        )
        digits = {re.sub(r"\D", "", one) for one in numbers}
        spaced = (r"[ ()-]*".join(one) for one in sorted(digits) if len(one) >= SHORT)
        self._numbers = [re.compile(rf"(?<!\d){one}(?!\d)") for one in spaced]

    def text(self, text: str) -> str:
        """Return running text."""
        for secret in self._secrets:
            text = text.replace(secret, REMOVED)
        for pattern in (*self._numbers, _PHONES, _MAILS):
            text = pattern.sub(REMOVED, text)
        return _LOGINS.sub(f"{REMOVED}@", text)

    def yaml(self, text: str) -> str:
        """Return a YAML file, comments and all; values of telling keys go whatever they are."""
        return self.text(_LINE.sub(rf"\1{REMOVED}", text))

    def value(self, value: object) -> object:
        """Return what JSON holds: numbers stay, texts are looked through, values of telling keys go."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(str(key)): self._under(str(key), one) for key, one in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(one) for one in value]
        return value

    def lines(self, text: str) -> str:
        """Return lines of which some may be JSON objects, such as a log."""
        return "\n".join(map(self._line, text.splitlines()))

    def _line(self, line: str) -> str:
        try:
            told = json.loads(line)
        except ValueError:
            return self.text(line)
        return json.dumps(self.value(told), ensure_ascii=False)

    def _under(self, key: str, value: object) -> object:
        return REMOVED if _KEYS.search(key) and value not in (None, "", False, True) else self.value(value)
