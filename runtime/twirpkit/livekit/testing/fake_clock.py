"""The fake's clock: it stands still until a test advances it, or lets it run."""

from __future__ import annotations

import heapq
import itertools
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

__all__ = ["FakeClock", "Timer"]


@dataclass(order=True, slots=True)
class Timer:
    """A call at a time to come."""

    due: int
    number: int
    call: Callable[[], None] = field(compare=False)
    cancelled: bool = field(default=False, compare=False)


class FakeClock:
    """A clock, and the calls that wait for a time on it.

    Args:
        start: The first time: an aware datetime.

    Raises:
        ValueError: `start` has no time zone.
    """

    def __init__(self, start: datetime) -> None:
        if start.utcoffset() is None:
            raise ValueError("start has no time zone: give it one, for example datetime.timezone.utc")
        self._ns = (start - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000
        self._timers: list[Timer] = []
        self._numbers = itertools.count()
        self._speed = 0.0
        self._seen = 0.0

    @property
    def nanoseconds(self) -> int:
        """Unix time in nanoseconds."""
        return self._ns

    @property
    def milliseconds(self) -> int:
        """Unix time in milliseconds."""
        return self._ns // 1_000_000

    @property
    def seconds(self) -> int:
        """Unix time in whole seconds."""
        return self._ns // 1_000_000_000

    def now(self) -> datetime:
        """Return the time in UTC."""
        return datetime.fromtimestamp(self._ns / 1e9, UTC)

    def after(self, seconds: float, call: Callable[[], None]) -> Timer:
        """Make a call when so many seconds have passed; set ``cancelled`` of what is returned to prevent it."""
        timer = Timer(self._ns + round(seconds * 1e9), next(self._numbers), call)
        heapq.heappush(self._timers, timer)
        return timer

    def run(self, speed: float) -> None:
        """Let the clock run: so many seconds for each second of the machine, 0 for none. See `catch_up`.

        Raises:
            ValueError: The number is negative, or not finite.
        """
        if not 0 <= speed < math.inf:
            raise ValueError("time does not go back: speed must be a number that is not negative")
        self._speed, self._seen = speed, time.monotonic()

    def catch_up(self) -> None:
        """Advance a clock that runs by the time that has passed since it was last seen."""
        if self._speed:
            before, self._seen = self._seen, time.monotonic()
            self.advance((self._seen - before) * self._speed)

    def advance(self, seconds: float) -> None:
        """Let time pass, and make the calls that become due, each at its own time.

        Raises:
            ValueError: The number is negative.
        """
        if seconds < 0:
            raise ValueError("time does not go back: seconds must not be negative")
        end = self._ns + round(seconds * 1e9)
        while self._timers and self._timers[0].due <= end:
            timer = heapq.heappop(self._timers)
            if not timer.cancelled:
                self._ns = max(self._ns, timer.due)
                timer.call()
        self._ns = end
