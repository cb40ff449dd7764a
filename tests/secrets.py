"""What may stand in no log: keys, and passwords in addresses. Every process that a test starts is held to it."""

from __future__ import annotations

import logging
import re

SECRET = re.compile(r"fr_[0-9a-f]{12}_[A-Za-z0-9_-]{43}|://[^\s/:@]+:(?!\*\*\*)[^\s/@]+@")


def assert_no_secret(log: str) -> None:
    """The message does not repeat what it has found."""
    assert not SECRET.search(log), "a key or a password was logged"


class Listener(logging.Handler):
    """Hears everything that this process logs, and keeps the names of those who told a secret."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.talkative: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        said = logging.Formatter().format(record)
        if SECRET.search(said) or SECRET.search(str(vars(record))):
            self.talkative.add(record.name)
