"""A clock that tests put forward."""

from __future__ import annotations

import time

__all__ = ["Clock"]


class Clock:
    """Puts `time.monotonic` forward, so that a test need not wait."""

    def __init__(self) -> None:
        self._real = time.monotonic
        self._ahead = 0.0

    def forward(self, seconds: float) -> None:
        self._ahead += seconds

    def now(self) -> float:
        return self._real() + self._ahead
