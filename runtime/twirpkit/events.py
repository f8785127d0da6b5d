"""Events of a call for hooks, and the logger (rule C8)."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

from twirpkit.errors import Sent
from twirpkit.rpc import Method

__all__ = ["LOGGER", "Event", "Hook"]

LOGGER: Final = logging.getLogger("twirpkit")
"""Attempts at DEBUG, retries and failures at INFO, and warnings about a client's settings."""

_LEVEL: Final = "TWIRPKIT_LOG"


@dataclass(slots=True, kw_only=True)
class Event:
    """One moment of a call.

    A call has exactly one ``start`` and one ``end``, also if it is cancelled. Between them, each attempt has a
    ``request`` and a ``response``, and a ``retry`` if another attempt follows.
    """

    kind: Literal["start", "request", "response", "retry", "end"]
    """``request``: an attempt is about to be sent. ``response``: it ended, with a response or without. ``retry``:
    another attempt follows. ``end``: the call is over: it returns its response, or raises `error`."""
    rpc: str
    """``package.Service/Method``."""
    host: str
    """Host and port to which the attempt is sent."""
    method: Method[Any, Any] = field(repr=False)
    context: dict[str, Any] = field(repr=False)
    """One dictionary for each call, for what hooks want to keep from event to event."""
    attempt: int
    """The number of the attempt, from 1; 0 before the first."""
    url: str
    """Where the attempt is sent."""
    request_id: str | None
    elapsed: float
    """Seconds since the call began."""
    status: int | None = None
    """The HTTP status; None without a response."""
    error: BaseException | None = None
    """Of ``response``, ``retry`` and ``end``: the failure. Of ``end`` also a cancellation, or what a plug-in raised."""
    sent: Sent | None = None
    """Of ``end``: whether the request was executed, see `TwirpError.sent`; "yes" for a success."""
    wait: float | None = None
    """Of ``retry``: seconds until the next attempt."""
    reason: str = ""
    """Of ``retry`` and of an ``end`` with an error: why another attempt is made, or none."""
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    """Of ``request``: headers that a hook adds to this attempt, checked as ``extra_headers`` are."""


Hook: TypeAlias = Callable[[Event], None]
"""A plain function, in the async client too: it must not block. An exception of it is logged and changes nothing."""


def _log_to_stderr() -> None:
    """Write the log to standard error if ``TWIRPKIT_LOG`` names a level, for example ``debug``."""
    level = os.environ.get(_LEVEL, "").upper()
    if not level:
        return
    if level not in ("DEBUG", "INFO", "WARNING"):
        warnings.warn(f"{_LEVEL} must be debug, info or warning, not {level.lower()!r}", stacklevel=2)
        return
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(levelname)s %(message)s"))
    LOGGER.addHandler(handler)
    LOGGER.setLevel(level)


_log_to_stderr()
