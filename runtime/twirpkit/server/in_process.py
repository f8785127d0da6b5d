"""Transports that hand requests to an application in this process, without a socket.

The client is the same as over a network: it signs, serializes, keeps its deadline, repeats and reports as ever. A sync
handler is not interrupted: if it takes longer than the deadline, the call fails when it returns.
"""

from __future__ import annotations

import functools
import time
import types
from collections.abc import Callable, Coroutine, Generator
from typing import Any, TypeVar
from urllib.parse import SplitResult, urlsplit

from twirpkit._http1.response import body_limit
from twirpkit.server.incoming_request import IncomingRequest
from twirpkit.server.request_steps import Steps, arun, run
from twirpkit.transports.base import HttpRequest, HttpResponse, Phase, TransportFailure

__all__ = ["AsyncInProcessTransport", "InProcessTransport", "incoming_request"]

T = TypeVar("T")


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
        if _has_passed(request.deadline):
            return _timed_out(Phase.NOT_SENT)
        handling = arun(self._handle(incoming_request(request)))
        try:
            # Most handlers do not wait, and a timer costs as much as the rest of the call.
            waits_for = handling.send(None)
        except StopIteration as done:
            response: HttpResponse | None = done.value
        else:
            response = await _finish(handling, waits_for, request.deadline)
        if response is None or _has_passed(request.deadline):
            return _timed_out(Phase.NO_ANSWER)
        return _within_limit(request, response)

    async def aclose(self, *, timeout: float | None = None) -> None:
        """Do nothing: there are no connections."""


async def _finish(
    handling: Coroutine[Any, Any, HttpResponse], waits_for: Any, deadline: float | None
) -> HttpResponse | None:
    """Return the response of a request whose handler waits, None if the deadline passes before."""
    import asyncio  # here: a sync client does without it

    left = None if deadline is None else deadline - time.monotonic()
    try:
        async with asyncio.timeout(left):
            return await _continued(handling, waits_for)
    except TimeoutError:
        return None


@types.coroutine
def _continued(started: Coroutine[Any, Any, T], waits_for: Any) -> Generator[Any, Any, T]:
    """Await the rest of a coroutine that was started, and that waits for what it yielded."""
    while True:
        try:
            value = yield waits_for
        except BaseException as error:  # a cancellation, too, is the coroutine's
            step = functools.partial(started.throw, error)
        else:
            step = functools.partial(started.send, value)
        try:
            waits_for = step()
        except StopIteration as done:
            result: T = done.value
            return result


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
