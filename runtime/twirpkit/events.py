"""What a call tells while it runs: events for hooks, and one line of log per attempt (rule C8)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

from twirpkit.errors import TwirpError
from twirpkit.rpc import Method

__all__ = ["LOGGER", "Event", "Hook"]

LOGGER: Final = logging.getLogger("twirpkit")
"""One DEBUG line per attempt, and warnings about a client's settings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One moment of a call: ``request``, maybe some ``retry`` and ``request``, then ``answer`` or ``error``."""

    kind: Literal["request", "retry", "answer", "error"]
    """``request``: an attempt is about to be sent. ``retry``: it failed, and another one follows. ``answer``: the call
    has its answer. ``error``: the call failed, and `error` is about to be raised."""
    method: Method[Any, Any] = field(repr=False)
    attempt: int
    """The number of the attempt, from 1; 0 where none was made."""
    url: str
    """Where the attempt went, or will go."""
    request_id: str | None
    elapsed: float
    """Seconds since the call began."""
    status: int | None = None
    """The answer's HTTP status; None where none came."""
    error: TwirpError | None = None
    """Of ``retry`` and ``error``: what went wrong."""
    wait: float | None = None
    """Of ``retry``: seconds until the next attempt."""


Hook: TypeAlias = Callable[[Event], None]
"""A plain function, in the async client too: it must not block. What it raises ends the call."""
