"""How often a key may call: a bucket of tokens for each, in this process."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(slots=True)
class _Bucket:
    tokens: float
    filled_at: float


@dataclass(frozen=True, slots=True)
class Taken:
    """What a request found in its bucket."""

    allowed: bool
    headers: dict[str, str]
    retry_after_seconds: int


class Buckets:
    """Every bucket holds `burst` tokens and gets `rate` new ones a second; a request takes one."""

    def __init__(self, rate: float, burst: int) -> None:
        self._rate = rate
        self._burst = burst
        self._buckets: dict[str, _Bucket] = {}

    def take(self, who: str, now: float) -> Taken:
        """One token for `who`, if there is one; `now` in seconds, of a clock that never goes back."""
        bucket = self._buckets.setdefault(who, _Bucket(self._burst, now))
        tokens = min(self._burst, bucket.tokens + (now - bucket.filled_at) * self._rate)
        allowed = tokens >= 1
        bucket.tokens, bucket.filled_at = tokens - allowed, now
        headers = {
            "RateLimit-Limit": str(self._burst),
            "RateLimit-Remaining": str(int(bucket.tokens)),
            "RateLimit-Reset": str(math.ceil((self._burst - bucket.tokens) / self._rate)),
        }
        return Taken(allowed, headers, max(1, math.ceil((1 - tokens) / self._rate)))
