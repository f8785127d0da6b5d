"""Steps that a call yields to its driver, and the seam for other hosts of a service."""

from __future__ import annotations

from collections.abc import Awaitable, Collection, Generator
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from twirpkit.transports.base import HttpRequest, HttpResponse, TransportFailure

__all__ = ["Await", "Awaited", "Failover", "Outcome", "Send", "Sleep", "Step"]


@dataclass(slots=True)  # not frozen: one is made for every request, and freezing costs as much again
class Send:
    """A request to send. The driver sends back the transport's result."""

    request: HttpRequest


@dataclass(slots=True)  # not frozen: one is made for every request, and freezing costs as much again
class Sleep:
    """A pause. The driver sends back True when it is over, False if the client was closed: no attempt follows then."""

    seconds: float


@dataclass(slots=True)
class Await:
    """An awaitable of the user's, which only the async driver takes: what an async ``auth`` returned.

    The driver sends back an `Awaited`, or False if the deadline passed first.
    """

    awaitable: Awaitable[Any]
    deadline: float | None
    """On `time.monotonic`'s clock; None: no limit."""


@dataclass(slots=True)
class Awaited:
    """The result of an `Await`."""

    value: Any


Step: TypeAlias = Send | Sleep | Await
Outcome: TypeAlias = HttpResponse | TransportFailure | Awaited | bool | None


class Failover(Protocol):
    """Supplies alternative base URLs for a service. Shared by all calls of a client; caches discovery results."""

    nowhere: str
    """The hint of an error if the server refers the call to another host and none is known."""

    def relocates(self, response: HttpResponse, /) -> bool:
        """Return True if a response refers the call to another host. The server has refused it before running it."""
        ...

    def knows_another(self, base_url: str, /) -> bool:
        """Return True if another base URL than this one is known, without asking for it."""
        ...

    def next_base_url(
        self,
        request: HttpRequest,
        deadline: float | None,
        base_url: str,
        visited: Collection[str],
        /,
        *,
        rediscover: bool,
    ) -> Generator[Step, Outcome, str | None]:
        """Return another base URL for the request that failed, or None.

        Args:
            request: The attempt that failed. The discovery request carries its headers.
            deadline: The call's, on `time.monotonic`'s clock; None: no limit.
            base_url: The client's own base URL.
            visited: The base URLs to which this call has been sent.
            rediscover: True if the cached result cannot be trusted, because the server referred the call elsewhere.
        """
        ...
