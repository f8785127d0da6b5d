"""Events of a call for hooks, hooks of every client, and the logger (rule C8)."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

from twirpkit.errors import Sent
from twirpkit.rpc import Method

__all__ = [
    "LOGGER",
    "Event",
    "Hook",
    "add_global_hook",
    "check_function",
    "check_hook",
    "global_hooks",
    "remove_global_hook",
]

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
    """The base URL of the attempt."""
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

_global_hooks: tuple[Hook, ...] = ()
# Replaced as a whole and never changed in place, so that calls in other threads read it without a lock.


def add_global_hook(hook: Hook) -> None:
    """Give the events of every call of every client to a hook, for clients that exist already too.

    It is for instrumentation of a process. It runs before the hooks of the client. A call that has begun keeps the
    hooks with which it began. Adding a hook twice has no further effect.

    Raises:
        TypeError: It is not a plain function of one argument.
    """
    global _global_hooks
    check_hook(hook)
    if hook not in _global_hooks:
        _global_hooks = (*_global_hooks, hook)


def remove_global_hook(hook: Hook) -> None:
    """Undo `add_global_hook`. A hook that was not added is not an error."""
    global _global_hooks
    _global_hooks = tuple(each for each in _global_hooks if each != hook)


def global_hooks() -> tuple[Hook, ...]:
    """Return the hooks of every client."""
    return _global_hooks


def check_hook(hook: Any) -> None:
    """Raise TypeError for a hook that is not a plain function of one argument."""
    check_function("hooks", hook, "one argument, the event", None)


def check_function(option: str, function: Any, taking: str, *arguments: object) -> None:
    """Raise TypeError for an option that is not a plain function.

    Args:
        option: The name of the option.
        function: Its value.
        taking: What the function must take, for the error's text.
        arguments: Arguments that it must take.
    """
    import inspect  # here, because most clients have no hooks

    if not callable(function):
        raise TypeError(f"{option}: {type(function).__name__} is not a function")
    name = getattr(function, "__qualname__", type(function).__qualname__)
    for each in (function, getattr(function, "__call__", None)):  # noqa: B004  # an object may have an async __call__
        if inspect.iscoroutinefunction(each):
            raise TypeError(
                f"{option}: {name} is a coroutine function, and nothing would await it: give a plain function"
            )
        if inspect.isgeneratorfunction(each) or inspect.isasyncgenfunction(each):
            raise TypeError(
                f"{option}: {name} is a generator function, and nothing would run it: give a plain function"
            )
    try:
        inspect.signature(function).bind(*arguments)
    except TypeError:
        raise TypeError(f"{option}: {name} must take {taking}") from None
    except ValueError:  # a builtin without a signature
        return


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
