"""The seam between a call and the network: one request in, one response or one failure out, both plain values.

The engine of a call decides; a transport only reports facts. It never follows a redirect, keeps a cookie, reads
``~/.netrc``, or repeats a request, and it skips interim (1xx) responses (rules A4, A5, E2).
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import asyncio

__all__ = ["AsyncTransport", "HttpRequest", "HttpResponse", "Phase", "Transport", "TransportFailure", "running_loop"]


class Phase(enum.Enum):
    """The progress of a request at the time when its transport failed."""

    NOT_SENT = "not sent"
    """No byte of it can have reached a server: name resolution, refused, connect timeout, TLS, no connection free."""
    STALE = "kept connection closed"
    """It was sent on a connection that had served before, and that closed without a byte of a response."""
    NO_ANSWER = "no response"
    """It was, or may have been, sent, and no byte of a response came. Also for a transport that cannot tell."""
    CUT = "response cut"
    """A response began and its header block did not end, or was not HTTP."""


@dataclass(slots=True)  # not frozen: one is made for every request, and freezing costs as much again
class HttpRequest:
    """One HTTP request, as it goes on the wire. A transport adds ``Host`` and ``Content-Length`` and nothing else."""

    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    deadline: float | None = None
    """The time, on `time.monotonic`'s clock, by which the transport must have returned; None: no limit."""
    connect_deadline: float | None = None
    """The time by which a connection must be established, where that is before `deadline`; None: as `deadline`."""
    max_body: int = 64 << 20
    """Decoded bytes that a 200 may have; other responses may have 1 MiB, if that is less (rule A13)."""
    method: str = "POST"
    force_new_connection: bool = False
    """True if it must not be sent on a connection that has served before."""


@dataclass(slots=True)  # not frozen: one is made for every request, and freezing costs as much again
class HttpResponse:
    """A response whose header block is complete."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    """Names in lower case; several lines of one name are joined by ``", "``."""
    body: bytes = field(repr=False)
    """The decoded bytes (gzip, deflate undone); as many as were received where `body_error` is set."""
    body_error: str | None = field(default=None, repr=False)
    """The reason why the body is incomplete (cut, framing, size, encoding, deadline), or None (rules A11, A13, A14)."""
    oversized: bool = False
    """True if the body is larger than the request allows: sending it again would not help."""


@dataclass(frozen=True, slots=True)
class TransportFailure:
    """The end of a request without a complete response header. Callers see `twirpkit.TransportError`.

    Exceptions of network libraries can carry the Authorization header, so at most an ``OSError`` is kept (rule E1).
    """

    reason: str
    """One line for people, without secrets."""
    phase: Phase
    """The progress of the request."""
    timed_out: bool = False
    """True if the request's own deadline ended it."""
    cause: OSError | None = field(default=None, repr=False)
    """The operating system's error, without traceback and context."""
    final: bool = False
    """True if another attempt would fail for the same reason, such as a certificate that is not trusted."""


class Transport(Protocol):
    """The part of a network library that a sync client needs."""

    def send(self, request: HttpRequest, /) -> HttpResponse | TransportFailure:
        """Send once and read the whole response."""
        ...

    def close(self) -> None:
        """Close idle connections. Twice is fine."""


class AsyncTransport(Protocol):
    """The part of a network library that an async client needs."""

    async def send(self, request: HttpRequest, /) -> HttpResponse | TransportFailure:
        """Send once and read the whole response."""
        ...

    async def aclose(self, *, timeout: float | None = None) -> None:
        """Wait for the requests under way, then close all connections. Twice is fine.

        Args:
            timeout: Seconds after which the requests under way are ended; None: their deadlines count.
        """


def running_loop() -> asyncio.AbstractEventLoop:
    """Return the running event loop. Raises RuntimeError where none of asyncio's runs (rule F2)."""
    import asyncio  # here: a sync client does without it

    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        pass
    raise RuntimeError(
        "an async client needs asyncio, and no event loop of asyncio is running here (under trio, use the sync client)"
    )
