"""An async transport over an `aiohttp.ClientSession`: each request goes through `ClientSession.request`.

So the session's connector and trace configurations see every request, and so do tools that use or replace them. What
the session would add to a request is kept out by a middleware of the request itself. It stands in place of the
session's own middlewares, which may change a request or send it again.
"""

from __future__ import annotations

import io
import math
import time
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

import aiohttp
from aiohttp.abc import AbstractStreamWriter
from multidict import CIMultiDict
from yarl import URL

from twirpkit._http1.head import BadResponse
from twirpkit._http1.limits import MAX_HEAD, MAX_LINES
from twirpkit._http1.parsed_response import ParsedResponse
from twirpkit._http1.request import Target, announces_length
from twirpkit._protocol.constants import ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, USER_AGENT
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
from twirpkit.transports._net.connect_failures import CLOSED, connect_timed_out, deadline_passed
from twirpkit.transports._net.connection_pool import IDLE, MAX_CONNECTIONS
from twirpkit.transports._net.tls import tls_context
from twirpkit.transports._own_sessions import LoopSessions, ProxyUrls, system_trust
from twirpkit.transports.base import HttpRequest, HttpResponse, Phase, TransportFailure

__all__ = ["AiohttpTransport"]

Result: TypeAlias = HttpResponse | TransportFailure

_FAILURES: Final = (aiohttp.ClientError, OSError, UnicodeError)
"""The exceptions of a session for a failed request; a TimeoutError is an OSError."""
_NOT_SENT: Final = (aiohttp.ClientConnectorError, aiohttp.ClientHttpProxyError)
_CLOSED: Final = (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError)
_ADDED: Final = frozenset((ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE, USER_AGENT))
"""Headers that aiohttp adds where they are missing."""
_OPTIONS: Final[Mapping[str, Any]] = {
    "allow_redirects": False,
    "raise_for_status": False,
    "auto_decompress": False,
    "max_line_size": MAX_HEAD,
    "max_field_size": MAX_HEAD,
    "max_headers": MAX_LINES + 2,  # it counts the status line and the blank line, too
}
_COOKIE: Final = "Cookie"
_LARGE: Final = 1 << 20
"""Bytes of a body that aiohttp warns about if it is given as such."""


class _ClosedError(aiohttp.ClientConnectionError):
    """The connection was closed. In place of aiohttp's own error, after which it sends a GET again."""


class _Body(aiohttp.BytesPayload):
    """The body of a request, which knows when it is written: the connection was made then, and the header is sent."""

    written = False

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        self.written = True
        await super().write_with_length(writer, content_length)


class AiohttpTransport(Suggesting):
    """An `AsyncTransport` over a session of aiohttp.

    Args:
        session: The session, which is neither changed nor closed, and works in its own event loop only. None: sessions
            of its own, one for each loop, closed with the transport.
        proxy: For sessions of its own: the URL of an HTTP proxy, False for none, None for that of the environment.
        tls: For sessions of its own: an `ssl.SSLContext`, or the path of a file or folder of CA certificates.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: The proxy or tls cannot be used, or is given together with a session.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession | None = None,
        *,
        proxy: ProxyOption | Secret = None,
        tls: Tls | None = None,
    ) -> None:
        proxy = conceal(proxy)
        if session is not None and not isinstance(session, aiohttp.ClientSession):
            raise TypeError(f"session must be an aiohttp.ClientSession, not {type(session).__qualname__}")
        if session is not None and (proxy is not None or tls is not None):
            raise ValueError("the session has its own: give proxy to it and tls to its connector")
        context = tls_context(tls)

        def make() -> aiohttp.ClientSession:
            trusted = system_trust() if context is None else context
            connector = aiohttp.TCPConnector(limit=MAX_CONNECTIONS, keepalive_timeout=IDLE, ssl=trusted)
            return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())

        self._lent = session
        self._own = LoopSessions(make, aiohttp.ClientSession.close)
        self._proxy = ProxyUrls(proxy)
        self._closed = False

    async def send(self, request: HttpRequest, /) -> HttpResponse | TransportFailure:
        """Send once and read the whole response.

        Raises:
            ValueError: The URL or a header cannot be sent.
            RuntimeError: The session is closed, or belongs to another event loop.
        """
        target = check_request(request)
        if self._closed:
            return CLOSED
        now = time.monotonic()
        if request.deadline is not None and now >= request.deadline:
            return late()
        if self._lent is not None:
            session, proxy = self._lent, None
        else:
            session, proxy = self._own.get(), self._proxy.get(target)
        body = _body(request)
        headers: Mapping[str, str] = request.headers
        middlewares: tuple[aiohttp.ClientMiddlewareType, ...] = ()
        if request.method != "POST" or _adds_something(session):
            headers = ours = CIMultiDict(headers)
            middlewares = (_keep_ours(session, ours, ours.popall(AUTHORIZATION, None)),)
        parsed: ParsedResponse | None = None
        try:
            response = await session.request(
                request.method,
                URL(request.url, encoded=True),  # as it is
                headers=headers,
                skip_auto_headers=None if headers.keys() >= _ADDED else _ADDED,
                data=body,
                proxy=revealed(proxy),
                timeout=_timeout(request, now),
                middlewares=middlewares,
                **_OPTIONS,
            )
            try:
                parsed = _parse(response, request)
                return await _read(response, parsed)
            finally:
                if response.connection is not None:  # otherwise it is in the pool already
                    response.close()
        except BadResponse as bad:
            return TransportFailure(str(bad), Phase.CUT)
        except _FAILURES as error:
            if parsed is None:
                return _failure(error, request, target, body)
            timed_out = isinstance(error, TimeoutError) or deadline_passed(request.deadline)
            return parsed.deadline_passed() if timed_out else parsed.cut()

    async def aclose(self) -> None:
        """Close sessions of its own. Twice is fine."""
        self._closed = True
        await self._own.aclose()


def _body(request: HttpRequest) -> _Body | io.BytesIO | None:
    if len(request.body) > _LARGE:
        return io.BytesIO(request.body)
    return _Body(request.body) if announces_length(request.method, len(request.body)) else None


def _timeout(request: HttpRequest, now: float) -> aiohttp.ClientTimeout:
    left = None if request.deadline is None else request.deadline - now
    connecting = None if request.connect_deadline is None else max(0.001, request.connect_deadline - now)
    return aiohttp.ClientTimeout(left, connecting, ceil_threshold=math.inf)  # aiohttp would round them up to seconds


def _adds_something(session: aiohttp.ClientSession) -> bool:
    """Return True if the session may add a header to requests: one of its own, cookies, or credentials."""
    return bool(session.headers) or session.auth is not None or session.trust_env or len(session.cookie_jar) > 0


def _keep_ours(
    session: aiohttp.ClientSession, headers: CIMultiDict[str], authorization: list[str] | None
) -> aiohttp.ClientMiddlewareType:
    """Return a middleware that takes out what the session has added. What a trace has added stays.

    It also keeps aiohttp from sending a GET again after its connection was closed.

    The Authorization is set here: aiohttp refuses one beside the session's ``auth`` or an entry of ``~/.netrc``.

    Args:
        session: The session.
        headers: The headers of the request without Authorization.
        authorization: The value of Authorization, in a list; None for none.
    """

    async def middleware(sent: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        for name in session.headers:
            if name not in headers:
                sent.headers.popall(name, None)
        for name, values in ((AUTHORIZATION, authorization), (_COOKIE, headers.getall(_COOKIE, None))):
            sent.headers.popall(name, None)
            if values:
                sent.headers[name] = values[0]
        try:
            return await handler(sent)
        except _NOT_SENT:
            raise
        except _CLOSED as error:
            raise _ClosedError from error

    return middleware


def _parse(response: aiohttp.ClientResponse, request: HttpRequest) -> ParsedResponse:
    version = response.version
    if version is not None and version.major != 1:
        raise BadResponse("the response is not HTTP/1.x")
    minor = None if version is None else version.minor  # test doubles have no version
    return ParsedResponse(request.method, request.max_body, response.status, response.raw_headers, minor=minor)


async def _read(response: aiohttp.ClientResponse, parsed: ParsedResponse) -> HttpResponse:
    if parsed.refused is not None:
        return parsed.refused
    content = response.content
    while data := await content.readany():
        if (refused := parsed.feed(data)) is not None:
            return refused
    return parsed.end()


def _failure(
    error: Exception, request: HttpRequest, target: Target, body: _Body | io.BytesIO | None
) -> TransportFailure:
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return connect_timed_out(target.host, request.deadline, request.connect_deadline)
    if isinstance(error, TimeoutError):
        unsent = isinstance(body, _Body) and not body.written
        return connect_timed_out(target.host, request.deadline, None) if unsent else waited_too_long()
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return refused_by_proxy(target, error.status)
    if isinstance(error, _NOT_SENT):
        return library_failure(error, request, target, sent=False)
    if isinstance(error, (*_CLOSED, _ClosedError)):
        return closed_early(error)
    if isinstance(error, aiohttp.ClientResponseError):
        return unreadable("aiohttp")
    return library_failure(error, request, target, sent=True)
