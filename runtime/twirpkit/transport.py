"""The seam between a call and the network: one request in, one answer or one failure out.

The flow of a call (`twirpkit.flow`) decides; a transport only reports facts. It never follows a redirect, keeps a
cookie, reads ``~/.netrc``, or repeats a request, and it skips interim (1xx) answers (rules A4, A5, E2).
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

__all__ = ["AsyncTransport", "HttpRequest", "HttpResponse", "Phase", "Transport", "TransportFailure"]


class Phase(enum.Enum):
    """How far a request had come when its transport failed."""

    NOT_SENT = "not sent"
    """No byte of it can have reached a server: name resolution, refused, connect timeout, TLS, no connection free."""
    STALE = "kept connection closed"
    """It went out on a connection that had served before, and that closed without a byte of an answer."""
    NO_ANSWER = "no answer"
    """It was, or may have been, sent, and no byte of an answer came. Also what a transport says that cannot tell."""
    CUT = "answer cut"
    """An answer began and its header block did not end, or was no HTTP."""


class TransportFailure(Exception):
    """A request that got no whole answer header. Internal to the seam: callers see `twirpkit.TransportError`.

    Args:
        reason: One line for people, without secrets.
        phase: How far the request had come.
        timed_out: Whether it was the request's own deadline that ended it.

    A transport raises it outside of any ``except`` block, so that no exception of its library, which may carry the
    Authorization header, hangs on it; at most an ``OSError`` is its cause (rule E1).
    """

    def __init__(self, reason: str, *, phase: Phase, timed_out: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.phase = phase
        self.timed_out = timed_out


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One HTTP request, as it goes on the wire. A transport adds ``Host`` and ``Content-Length`` and nothing else."""

    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    deadline: float | None = None
    """The moment, on `time.monotonic`'s clock, at which the transport must have returned or raised; None: never."""
    connect_deadline: float | None = None
    """The moment by which a connection must stand, where that is before `deadline`; None: as `deadline` (rule B2)."""
    max_body: int = 64 << 20
    """Decoded bytes that a 200 may have; other answers may have 1 MiB, if that is less (rule A13)."""
    method: str = "POST"
    fresh: bool = False
    """Whether it must not go out on a connection that has served before."""


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """An answer whose header block came whole."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    """Names in lower case; several lines of one name are joined by ``", "``."""
    body: bytes = field(repr=False)
    """The decoded bytes (gzip, deflate undone); what came of them where `flaw` is set."""
    flaw: str | None = field(default=None, repr=False)
    """Why the body is not whole (cut, framing, size, encoding, deadline), or None (rules A11, A13, A14)."""
    oversized: bool = False
    """Whether it is not whole because it is larger than the request allows: asking again would not help."""


class Transport(Protocol):
    """What a sync client needs of a network library."""

    def send(self, request: HttpRequest, /) -> HttpResponse:
        """Send once and read the whole answer. Raises `TransportFailure`."""
        ...

    def close(self) -> None:
        """Give up idle connections. Twice is fine."""


class AsyncTransport(Protocol):
    """What an async client needs of a network library."""

    async def send(self, request: HttpRequest, /) -> HttpResponse:
        """Send once and read the whole answer. Raises `TransportFailure`."""
        ...

    async def aclose(self) -> None:
        """Give up idle connections. Twice is fine."""
