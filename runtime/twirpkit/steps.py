"""What the flow of a call yields to its driver, and the seam for what knows other hosts of a service."""

from __future__ import annotations

from collections.abc import Collection, Generator
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from twirpkit.transport import HttpRequest, HttpResponse, TransportFailure

__all__ = ["Failover", "Outcome", "Send", "Sleep", "Step"]


@dataclass(frozen=True, slots=True)
class Send:
    """A step of the flow: send this, and say what came of it."""

    request: HttpRequest


@dataclass(frozen=True, slots=True)
class Sleep:
    """A step of the flow: go on after so many seconds. Its outcome is None."""

    seconds: float


Step: TypeAlias = Send | Sleep
Outcome: TypeAlias = HttpResponse | TransportFailure | None


class Failover(Protocol):
    """Knows where else a service answers. One object serves all calls of a client, and what it learns is kept in it."""

    nowhere: str
    """What an error adds where the server sends a call away and no other host is known."""

    def moves(self, response: HttpResponse, /) -> bool:
        """Whether an answer says: not here, ask another host. The server has refused the call before running it."""
        ...

    def next_base(
        self, request: HttpRequest, deadline: float | None, base_url: str, tried: Collection[str], /, *, moved: bool
    ) -> Generator[Step, Outcome, str | None]:
        """Another base URL for the request that failed, or None.

        Args:
            request: The attempt that failed. The question carries its headers.
            deadline: The call's, on `time.monotonic`'s clock; None: it has none.
            base_url: The client's own base URL.
            tried: The base URLs that this call has been to.
            moved: Whether the server sent the call away: what is known from before is then not to be trusted.
        """
        ...
