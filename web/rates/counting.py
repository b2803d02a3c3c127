"""Counts requests against a limit: in this process, and for all processes together where there is Redis.

Both counts must allow a request. A Redis that is away costs one request a moment every few seconds and opens
nothing: what this process has counted still holds.
"""

import time
from collections.abc import Callable
from math import ceil
from typing import Any

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage, Storage
from limits.strategies import SlidingWindowCounterRateLimiter
from structlog import get_logger

log = get_logger("web")
ANSWER_S = 0.15  # that Redis is given, for each of connecting and answering
PAUSE_S = 5.0  # for which a Redis that did not answer is left alone
LONGEST_S = 60


class Counting:
    """Sliding windows of a minute. Thread-safe."""

    def __init__(self, redis_url: str = "", shared: Callable[[str], Storage] | None = None) -> None:
        self._own = SlidingWindowCounterRateLimiter(MemoryStorage())
        make = shared or _redis
        self._shared = SlidingWindowCounterRateLimiter(make(redis_url)) if redis_url else None
        self._quiet_until = 0.0
        self.missed = 0  # times that Redis was not there

    def wait_s(self, limit: int, name: str, who: str) -> int:
        """Count one request of `who`; 0 where it is allowed, else the seconds after which one may be."""
        item = RateLimitItemPerMinute(limit)
        if not self._own.hit(item, name, who):
            return _seconds(self._own, item, name, who)
        return self._together(item, name, who)

    def _together(self, item: RateLimitItem, name: str, who: str) -> int:
        if self._shared is None or time.monotonic() < self._quiet_until:
            return 0
        try:
            if self._shared.hit(item, name, who):
                return 0
            return _seconds(self._shared, item, name, who)
        except Exception as error:  # whatever client or transport raise: the own count has been kept
            self.missed += 1
            self._quiet_until = time.monotonic() + PAUSE_S
            log.warning("rates-not-shared", cause=repr(error)[:200])
            return 0


def _seconds(limiter: SlidingWindowCounterRateLimiter, item: RateLimitItem, name: str, who: str) -> int:
    left = limiter.get_window_stats(item, name, who).reset_time - time.time()
    return min(LONGEST_S, max(1, ceil(left)))


def _redis(url: str) -> Storage:
    # redis belongs to the `deployed` extra: an embedded installation has none.
    from limits.storage import RedisStorage
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    once: Any = {
        "socket_timeout": ANSWER_S,
        "socket_connect_timeout": ANSWER_S,
        "retry": Retry(NoBackoff(), 0),
    }
    return RedisStorage(url, key_prefix="twirl-rates", **once)
