"""The context of one request, as a handler sees it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from twirpkit.rpc import Method

__all__ = ["RequestContext"]


@dataclass(slots=True)
class RequestContext:
    """The facts of a request besides its message."""

    method: Method[Any, Any]
    """The RPC."""
    headers: Mapping[str, str] = field(repr=False)
    """The request's headers, with names in lower case."""
    deadline: float | None = None
    """The time, on `time.monotonic`'s clock, until which the caller waits; None: it did not say."""
    principal: Any = field(default=None, repr=False)
    """The value that ``authorize`` returned: who makes the call."""
    response_headers: dict[str, str] = field(default_factory=dict, repr=False)
    """Headers that a handler adds to the response, also to that of an error: ``Retry-After``."""

    def time_left(self) -> float | None:
        """Return the seconds until `deadline`, 0 if it has passed, and None if there is none."""
        return None if self.deadline is None else max(0.0, self.deadline - time.monotonic())
