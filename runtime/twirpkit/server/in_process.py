"""Transports that hand requests to an application in this process, without a socket.

The client is the same as over a network: it signs, serializes, keeps its deadline, repeats and reports as ever. A sync
handler is not interrupted: if it takes longer than the deadline, the call fails when it returns.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from urllib.parse import SplitResult, urlsplit

from twirpkit._http1.response import body_limit
from twirpkit.server.incoming_request import IncomingRequest
from twirpkit.server.request_steps import Steps, arun, run
from twirpkit.transports.base import HttpRequest, HttpResponse, Phase, TransportFailure

__all__ = ["AsyncInProcessTransport", "InProcessTransport", "incoming_request"]


def incoming_request(request: HttpRequest) -> IncomingRequest:
    """Return a client's request as the server receives it."""
    parts = _split(request.url)
    headers = {name.lower(): value for name, value in request.headers.items()}  # a client's names are different
    headers["host"] = parts.netloc
    return IncomingRequest(request.method, parts.path, headers, request.body, parts.query)


@functools.lru_cache(256)
def _split(url: str) -> SplitResult:
    return urlsplit(url)


class InProcessTransport:
    """The transport of a sync client to an application in this process.

    Args:
        handle: Returns the steps of a request.
    """

    def __init__(self, handle: Callable[[IncomingRequest], Steps]) -> None:
        self._handle = handle

    def send(self, request: HttpRequest, /) -> HttpResponse | TransportFailure:
        """Handle a request in this thread."""
        if _has_passed(request.deadline):
            return _timed_out(Phase.NOT_SENT)
        response = run(self._handle(incoming_request(request)))
        return _timed_out(Phase.NO_ANSWER) if _has_passed(request.deadline) else _within_limit(request, response)

    def close(self) -> None:
        """Do nothing: there are no connections."""


class AsyncInProcessTransport:
    """The transport of an async client to an application in this process.

    Args:
        handle: Returns the steps of a request.
    """

    def __init__(self, handle: Callable[[IncomingRequest], Steps]) -> None:
        self._handle = handle

    async def send(self, request: HttpRequest, /) -> HttpResponse | TransportFailure:
        """Handle a request in the running event loop; an async handler is cancelled at the deadline."""
        import asyncio  # here: a sync client does without it

        if _has_passed(request.deadline):
            return _timed_out(Phase.NOT_SENT)
        left = None if request.deadline is None else request.deadline - time.monotonic()
        try:
            async with asyncio.timeout(left):
                response = await arun(self._handle(incoming_request(request)))
        except TimeoutError:
            return _timed_out(Phase.NO_ANSWER)
        return _timed_out(Phase.NO_ANSWER) if _has_passed(request.deadline) else _within_limit(request, response)

    async def aclose(self, *, timeout: float | None = None) -> None:
        """Do nothing: there are no connections."""


def _has_passed(deadline: float | None) -> bool:
    return deadline is not None and time.monotonic() >= deadline


def _timed_out(phase: Phase) -> TransportFailure:
    return TransportFailure("the server did not respond in time", phase, timed_out=True)


def _within_limit(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Return a response, cut if it is larger than the request allows (rule A13)."""
    limit = body_limit(response.status, request.max_body)
    if len(response.body) <= limit:
        return response
    text = f"the response's body is larger than {limit} bytes"
    return HttpResponse(response.status, response.headers, response.body[:limit], body_error=text, oversized=True)
