"""Transports over an `httpx.Client` and an `httpx.AsyncClient`: each request goes through its ``send``.

So its transports, mounts and event hooks see every request, and so do tools that use or replace them. The request is
made here, without what a client adds: headers, cookies, auth, params.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final, TypeAlias

import httpx

from twirpkit._http1.head import BadResponse
from twirpkit._http1.parsed_response import ParsedResponse
from twirpkit._http1.request import Target
from twirpkit._secret import Secret, conceal, revealed
from twirpkit._suggestion import Suggesting
from twirpkit.options import ProxyOption, Tls
from twirpkit.transports._lent_failures import (
    check_request,
    closed_early,
    late,
    library_failure,
    refused_by_proxy,
    unreadable,
    waited_too_long,
)
from twirpkit.transports._net.connect_failures import CLOSED, connect_timed_out, deadline_passed, earliest
from twirpkit.transports._net.connection_pool import IDLE, MAX_CONNECTIONS
from twirpkit.transports._net.tls import tls_context
from twirpkit.transports._own_sessions import LoopSessions, ProcessSessions, ProxyUrls, system_trust
from twirpkit.transports.base import HttpRequest, HttpResponse, Phase, TransportFailure

__all__ = ["AsyncHttpxTransport", "HttpxTransport"]

Result: TypeAlias = HttpResponse | TransportFailure

_NOT_SENT: Final = (httpx.ConnectError, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)
_MINOR: Final = {b"HTTP/1.0": 0, b"HTTP/1.1": 1, b"HTTP/2": None}
_DISCONNECTED: Final = "Server disconnected"
"""The beginning of what httpx says if the connection was closed, by the same exception as for a malformed response."""
_NO_TUNNEL: Final = re.compile(r"([1-9][0-9]{2}) ")
"""The start of the text of httpx for a CONNECT that a proxy refused: its status."""
_MINE: Final = "the client has its own: give proxy and verify to it in place of proxy and tls"


class _Progress:
    """The progress of a request, as httpx reports it to the trace of the request."""

    connecting = False
    """True from the time when a connection is begun until something is sent on it."""

    async def note(self, event: str, _: object) -> None:
        """Take note of an event."""
        if event.endswith(".started"):
            self.connecting = event.startswith("connection.")


class HttpxTransport(Suggesting):
    """A `Transport` over a client of httpx. Usable from threads as far as the client is.

    Args:
        client: The client, which is neither changed nor closed. None: one of its own, closed with the transport.
        proxy: For a client of its own: the URL of an HTTP proxy, False for none, None for that of the environment, as
            httpx reads it.
        tls: For a client of its own: an `ssl.SSLContext`, or the path of a file or folder of CA certificates.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: The proxy or tls cannot be used, or is given together with a client.
    """

    def __init__(
        self, client: httpx.Client | None = None, *, proxy: ProxyOption | Secret = None, tls: Tls | None = None
    ) -> None:
        proxy = conceal(proxy)
        if client is not None and not isinstance(client, httpx.Client):
            raise TypeError(f"client must be an httpx.Client, not {type(client).__qualname__}")
        if client is not None and (proxy is not None or tls is not None):
            raise ValueError(_MINE)
        options = _options(proxy, tls)
        self._lent = client
        self._own = ProcessSessions(lambda: httpx.Client(**options()), httpx.Client.close)
        self._closed = False

    def send(self, request: HttpRequest, /) -> HttpResponse | TransportFailure:
        """Send once and read the whole response.

        Raises:
            ValueError: The URL or a header cannot be sent.
            RuntimeError: The client is closed.
        """
        target = check_request(request)
        if self._closed:
            return CLOSED
        now = time.monotonic()
        if request.deadline is not None and now >= request.deadline:
            return late()
        client = self._lent if self._lent is not None else self._own.get()
        made = _make(request, target, now)
        try:
            response = client.send(made, stream=True, auth=None, follow_redirects=False)
        except httpx.HTTPStatusError as error:
            return _raised_by_hook(error, request)
        except (httpx.HTTPError, OSError) as error:
            return _failure(error, request, target)
        try:
            return _read(response, request)
        finally:
            response.close()  # after a complete body its connection is in the pool already

    def close(self) -> None:
        """Close a client of its own. Twice is fine."""
        self._closed = True
        self._own.close()


class AsyncHttpxTransport(Suggesting):
    """An `AsyncTransport` over an async client of httpx.

    Args:
        client: The client, which is neither changed nor closed. None: clients of its own, one for each event loop,
            closed with the transport.
        proxy: As for `HttpxTransport`.
        tls: As for `HttpxTransport`.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: The proxy or tls cannot be used, or is given together with a client.
    """

    def __init__(
        self, client: httpx.AsyncClient | None = None, *, proxy: ProxyOption | Secret = None, tls: Tls | None = None
    ) -> None:
        proxy = conceal(proxy)
        if client is not None and not isinstance(client, httpx.AsyncClient):
            raise TypeError(f"client must be an httpx.AsyncClient, not {type(client).__qualname__}")
        if client is not None and (proxy is not None or tls is not None):
            raise ValueError(_MINE)
        options = _options(proxy, tls)
        self._lent = client
        self._own = LoopSessions(lambda: httpx.AsyncClient(**options()), httpx.AsyncClient.aclose)
        self._closed = False

    async def send(self, request: HttpRequest, /) -> HttpResponse | TransportFailure:
        """Send once and read the whole response. Raises as `HttpxTransport.send`."""
        target = check_request(request)
        if self._closed:
            return CLOSED
        now = time.monotonic()
        if request.deadline is not None and now >= request.deadline:
            return late()
        client = self._lent if self._lent is not None else self._own.get()
        made = _make(request, target, now)
        progress = _Progress()
        made.extensions["trace"] = progress.note
        parsed: ParsedResponse | None = None
        limit = asyncio.timeout(None if request.deadline is None else request.deadline - now)
        try:
            async with limit:
                response = await client.send(made, stream=True, auth=None, follow_redirects=False)
                try:
                    parsed = _parse(response, request)
                    return await _read_async(response, parsed)
                finally:
                    await response.aclose()
        except httpx.HTTPStatusError as error:
            return _raised_by_hook(error, request)
        except BadResponse as bad:
            return TransportFailure(str(bad), Phase.CUT)
        except (httpx.HTTPError, OSError) as error:
            if limit.expired() or (parsed is not None and deadline_passed(request.deadline)):
                if parsed is not None:
                    return parsed.deadline_passed()
                if progress.connecting:
                    return connect_timed_out(target.host, request.deadline, None)
                return waited_too_long()
            return _failure(error, request, target) if parsed is None else parsed.cut()

    async def aclose(self) -> None:
        """Close clients of its own. Twice is fine."""
        self._closed = True
        await self._own.aclose()


def _options(proxy: ProxyOption | Secret, tls: Tls | None) -> Callable[[], dict[str, Any]]:
    """Return a function that gives the arguments for a client of our own."""
    urls = ProxyUrls(proxy)
    context = tls_context(tls)
    return lambda: {
        "proxy": revealed(urls.given),
        "trust_env": proxy is None,
        "verify": system_trust() if context is None else context,
        "limits": httpx.Limits(
            max_connections=MAX_CONNECTIONS, max_keepalive_connections=MAX_CONNECTIONS, keepalive_expiry=IDLE
        ),
    }


def _make(request: HttpRequest, target: Target, now: float) -> httpx.Request:
    left = None if request.deadline is None else request.deadline - now
    until = earliest(request.connect_deadline, request.deadline)
    connecting = None if until is None else max(0.001, until - now)
    url = _url(request.url)
    extensions: dict[str, Any] = {"timeout": {"connect": connecting, "pool": connecting, "read": left, "write": left}}
    path = target.path.encode()
    if url.raw_path != path:  # httpx spells it otherwise
        extensions["target"] = path
    headers = [(name.encode(), value.encode()) for name, value in request.headers.items()]
    return httpx.Request(request.method, url, headers=headers, content=request.body, extensions=extensions)


@lru_cache(maxsize=256)
def _url(url: str) -> httpx.URL:
    return httpx.URL(url)


def _parse(response: httpx.Response, request: HttpRequest) -> ParsedResponse:
    """Begin to read a response. One that no connection was read for has nothing that could be cut."""
    minor = None
    if "network_stream" in response.extensions:
        version = response.extensions.get("http_version")
        if version not in _MINOR:
            raise BadResponse("the response is not HTTP/1.x")
        minor = _MINOR[version]
    return ParsedResponse(
        request.method,
        request.max_body,
        response.status_code,
        response.headers.raw,
        minor=minor,
        decoded=response.is_stream_consumed,
    )


def _read(response: httpx.Response, request: HttpRequest) -> Result:
    try:
        parsed = _parse(response, request)
    except BadResponse as bad:
        return TransportFailure(str(bad), Phase.CUT)
    if parsed.refused is not None:
        return parsed.refused
    try:
        for data in (response.content,) if response.is_stream_consumed else response.iter_raw():
            if (refused := parsed.feed(data)) is not None:
                return refused
            if deadline_passed(request.deadline):
                return parsed.deadline_passed()
    except (httpx.HTTPError, OSError):
        return parsed.deadline_passed() if deadline_passed(request.deadline) else parsed.cut()
    return parsed.end()


async def _read_async(response: httpx.Response, parsed: ParsedResponse) -> HttpResponse:
    if parsed.refused is not None:
        return parsed.refused
    if response.is_stream_consumed:  # a hook has read it, or a test double made it
        return parsed.feed(response.content) or parsed.end()
    async for data in response.aiter_raw():
        if (refused := parsed.feed(data)) is not None:
            return refused
    return parsed.end()


def _raised_by_hook(error: httpx.HTTPStatusError, request: HttpRequest) -> Result:
    """Return the response that an event hook has refused for its status; the client has closed it, unread."""
    response = error.response
    try:
        parsed = _parse(response, request)
    except BadResponse as bad:
        return TransportFailure(str(bad), Phase.CUT)
    if response.is_stream_consumed:
        return parsed.feed(response.content) or parsed.end()
    return parsed.cut()


def _failure(error: Exception, request: HttpRequest, target: Target) -> TransportFailure:
    if isinstance(error, httpx.ConnectTimeout | httpx.PoolTimeout):
        return connect_timed_out(target.host, request.deadline, request.connect_deadline)
    if isinstance(error, httpx.RemoteProtocolError):
        return closed_early(error) if str(error).startswith(_DISCONNECTED) else unreadable("httpx")
    if isinstance(error, httpx.ProxyError) and (refused := _NO_TUNNEL.match(str(error))) is not None:
        return refused_by_proxy(target, int(refused[1]))
    return library_failure(error, request, target, sent=not isinstance(error, _NOT_SENT))
