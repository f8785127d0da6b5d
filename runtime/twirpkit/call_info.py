"""Facts of calls that succeeded, for callers that want more than the response. Errors carry their own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Final

__all__ = ["CallInfo", "call_info", "record_call", "recording"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallInfo:
    """The facts of one call that returned its response."""

    rpc: str
    """``package.Service/Method``."""
    request_id: str | None
    """The id that all attempts carried; None where the service has none."""
    attempts: int
    """The number of requests that were sent, of which the last one succeeded."""
    url: str
    """The URL that the last attempt was sent to."""
    host: str
    """Host and port of `url`: of the region that responded, where the service has several."""
    elapsed: float
    """Seconds that the call took, waits and retries included."""
    headers: Mapping[str, str] = field(repr=False)
    """The headers of the response, names in lower case. They may hold anything, so `repr` leaves them out."""


_lists: Final[ContextVar[tuple[list[CallInfo], ...]]] = ContextVar("twirpkit_call_info", default=())


@contextmanager
def call_info() -> Iterator[list[CallInfo]]:
    """Collect the facts of the calls that succeed in a ``with`` block, in both clients.

    Yields a list, to which each call is added when it returns: also calls of helpers and iterators, and of tasks that
    are started in the block. Other threads and tasks have lists of their own. Blocks may be nested.
    """
    collected: list[CallInfo] = []
    token = _lists.set((*_lists.get(), collected))
    try:
        yield collected
    finally:
        _lists.reset(token)


def recording() -> bool:
    """Return True inside a block of `call_info`."""
    return bool(_lists.get())


def record_call(info: CallInfo) -> None:
    """Add a call to the lists of the blocks around it."""
    for each in _lists.get():
        each.append(info)
