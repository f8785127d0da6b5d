"""One request by aiohttp: what went out, what came back, and how far it came when it failed."""

from __future__ import annotations

import asyncio
import io
import time
from contextvars import ContextVar
from types import SimpleNamespace

import aiohttp
import yarl
from aiohttp.connector import Connection

from twirpkit.transports import _proxy
from twirpkit.transports._content import Body, Flawed
from twirpkit.transports._http import (
    LATE,
    NO_LENGTH,
    Lines,
    Malformed,
    answer,
    check_announced,
    earliest,
    failure,
    framing,
    headers_of,
    merged,
    new_body,
    readable,
    target,
    too_slow,
    unconnected,
)
from twirpkit.transports.base import HttpRequest, HttpResponse, Phase, TransportFailure

__all__ = ["Exchange", "Request", "tracing"]


def tracing() -> aiohttp.TraceConfig:
    """Tells an exchange when it got its connection: until then nothing can have been sent."""

    async def created(session: aiohttp.ClientSession, context: SimpleNamespace, params: object) -> None:
        context.trace_request_ctx.connects(reused=False)

    async def reused(session: aiohttp.ClientSession, context: SimpleNamespace, params: object) -> None:
        context.trace_request_ctx.connects(reused=True)

    config = aiohttp.TraceConfig()
    config.on_connection_create_end.append(created)
    config.on_connection_reuseconn.append(reused)
    return config


def _payload(body: bytes) -> bytes | io.BytesIO | None:
    """aiohttp sends raw bytes in one piece, and warns when that is a large one."""
    return io.BytesIO(body) if len(body) > 1 << 16 else body or None


_CURRENT: ContextVar[Exchange] = ContextVar("_CURRENT")


class _Dropped(Exception):
    """A kept connection that must not be used; nothing was sent on it."""


class Request(aiohttp.ClientRequest):
    """Looks at its connection before a byte goes out, and listens for the first that comes back."""

    async def send(self, conn: Connection) -> aiohttp.ClientResponse:
        exchange = _CURRENT.get()
        transport, protocol = conn.transport, conn.protocol
        if transport is not None and protocol is not None:
            if exchange.reused and (exchange.force_new_connection or protocol.should_close or _has_news(transport)):
                transport.abort()
                raise _Dropped
            exchange.listener = _Listener(transport, protocol)
            transport.set_protocol(exchange.listener)
        return await super().send(conn)


def _has_news(transport: asyncio.Transport) -> bool:
    """Whether something came while a connection was idle, or it was closed: the loop may not have seen it yet."""
    sock = transport.get_extra_info("socket")
    return sock is not None and readable(sock.fileno())


class _Listener(asyncio.Protocol):
    """Stands before aiohttp's protocol: from here on, until the next request on its connection."""

    def __init__(self, transport: asyncio.Transport, protocol: asyncio.Protocol) -> None:
        self.transport = transport
        self.heard = False
        """Whether any byte came, be it of an interim answer."""
        self._protocol = protocol

    def data_received(self, data: bytes) -> None:
        self.heard = True
        self._protocol.data_received(data)
        if self.transport.is_closing():  # the bytes made no sense
            self.transport.abort()

    def eof_received(self) -> bool | None:
        return self._protocol.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self._protocol.connection_lost(exc)

    def pause_writing(self) -> None:
        self._protocol.pause_writing()

    def resume_writing(self) -> None:
        self._protocol.resume_writing()


class Exchange:
    """One request, and how far it has come."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request
        self.where = target(request.url)
        self.force_new_connection = request.force_new_connection
        self._way = self.where.host
        self._headers = headers_of(request, self.where.host)
        self.limit = asyncio.timeout_at(_loop_time(earliest(request.deadline, request.connect_deadline)))
        self.listener: _Listener | None = None
        """Set when the request goes out."""
        self.connected = False
        self.reused = False
        self._answer: tuple[int, dict[str, str], Body] | None = None

    def connects(self, *, reused: bool) -> None:
        """The connection stands: what is left is the deadline's."""
        self.connected = True
        self.reused = reused
        self.limit.reschedule(_loop_time(self._request.deadline))

    async def run(self, session: aiohttp.ClientSession, proxy: _proxy.Proxy | None) -> HttpResponse | TransportFailure:
        self._way = _proxy.through(self.where, proxy)
        before = _CURRENT.set(self)
        try:
            response = await self._ask(session, proxy)
        except BaseException:
            self._abort()
            raise
        finally:
            _CURRENT.reset(before)
        try:
            return await self._read(response)
        finally:
            kept = response.connection is None  # after a whole body it is back in its pool already
            response.close()
            self._abort(unless=kept)

    def _abort(self, *, unless: bool = False) -> None:
        """Close a connection at once that is not kept: over TLS, aiohttp would wait for the other side's farewell."""
        if self.listener is not None and (self.listener.transport.is_closing() or not unless):
            self.listener.transport.abort()

    @property
    def _heard(self) -> bool:
        return self.listener is not None and self.listener.heard

    async def _ask(self, session: aiohttp.ClientSession, proxy: _proxy.Proxy | None) -> aiohttp.ClientResponse:
        request, where = self._request, self.where
        while True:
            try:
                return await session.request(
                    request.method,
                    yarl.URL(where.origin + where.path, encoded=True),
                    data=_payload(request.body),
                    headers=self._headers if where.scheme == "https" else [*self._headers, *_proxy_headers(proxy)],
                    allow_redirects=False,
                    trace_request_ctx=self,
                    proxy=None if proxy is None else proxy.origin,
                    proxy_headers=_proxy_headers(proxy) if where.scheme == "https" else None,
                )
            except _Dropped:
                self.connected = self.reused = False

    async def _read(self, response: aiohttp.ClientResponse) -> HttpResponse | TransportFailure:
        if response.version is None or response.version.major != 1 or response.status < 100:
            return failure("the answer's status line is not HTTP/1.x", Phase.CUT)
        try:
            headers = merged(response.raw_headers)
            frame = framing(self._request.method, response.status, headers)
        except Malformed as malformed:
            return failure(str(malformed), Phase.CUT)
        body = new_body(self._request, response.status, headers)
        self._answer = response.status, headers, body
        flaw: Flawed | None = None
        try:
            check_announced(body, response.status, frame)
            while data := await response.content.readany():
                body.feed(data)
            if frame.length is None and not frame.chunked:
                raise Flawed(NO_LENGTH)
            body.end()
        except Flawed as flawed:
            flaw = flawed
        except aiohttp.ClientError:
            flaw = Flawed("the answer was cut inside its body")
        return answer(response.status, headers, body, flaw)

    def late(self) -> HttpResponse | TransportFailure:
        """The outcome when the limit passes."""
        if self._answer is not None:
            return answer(*self._answer, Flawed(f"{LATE} during the answer's body"), timed_out=True)
        if self.connected:
            phase = Phase.CUT if self._heard else Phase.NO_ANSWER
            return failure(f"{LATE} while waiting for the answer", phase, timed_out=True)
        return too_slow(self._way, self._request.deadline)

    def failed(self, error: Exception) -> TransportFailure:
        """The outcome when aiohttp gives up before the header block is whole."""
        if not self.connected or self.listener is None:
            return self._unconnected(error)
        if isinstance(error, aiohttp.ClientResponseError):
            return failure("the answer is not HTTP/1.x", Phase.CUT)
        if _cut(error) if isinstance(error, aiohttp.ServerDisconnectedError) else self._heard:
            return failure("the connection was closed inside the answer's header", Phase.CUT, error)
        phase = Phase.STALE if self.reused and not self._heard else Phase.NO_ANSWER
        return failure("the connection was closed before an answer", phase, error)

    def _unconnected(self, error: Exception) -> TransportFailure:
        if isinstance(error, aiohttp.ClientConnectorCertificateError):
            return unconnected(self._way, error.certificate_error)
        if isinstance(error, aiohttp.ClientConnectorError):
            return unconnected(self._way, error.os_error)
        if isinstance(error, aiohttp.ClientHttpProxyError):
            return unconnected(self._way, _proxy.refused(error.status))
        if isinstance(error, aiohttp.ClientResponseError):
            return unconnected(self._way, _proxy.NO_HTTP)
        if isinstance(error, aiohttp.ServerDisconnectedError | aiohttp.ClientOSError):
            return unconnected(self._way, _proxy.CLOSED)
        return unconnected(self._way, error)  # the name cannot be one, or the connector was closed meanwhile


def _cut(error: aiohttp.ServerDisconnectedError) -> bool:
    """Whether a part of a header block had come, which aiohttp keeps in place of a text."""
    return not isinstance(error.message, str)


def _proxy_headers(proxy: _proxy.Proxy | None) -> list[tuple[str, str]]:
    if proxy is None or proxy.authorization is None:
        return []
    return Lines([("Proxy-Authorization", proxy.authorization.reveal())])


def _loop_time(moment: float | None) -> float | None:
    """A moment on `time.monotonic`'s clock, on the loop's."""
    return None if moment is None else asyncio.get_running_loop().time() + moment - time.monotonic()
