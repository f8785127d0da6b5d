"""The async transport: aiohttp's connections and parser, told to add, follow, keep and retry nothing."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import inspect
import io
import ssl
import sys
import time
import warnings
from collections.abc import AsyncGenerator, Callable
from contextvars import ContextVar
from types import SimpleNamespace
from typing import Any, Literal

import aiohttp
import yarl
from aiohttp.connector import Connection

from twirpkit.transport import HttpRequest, HttpResponse, Phase, TransportFailure
from twirpkit.transports import _proxy
from twirpkit.transports._content import Body, Flawed
from twirpkit.transports._http import (
    IDLE,
    LATE,
    MAX_HEAD,
    MAX_LINES,
    NO_LENGTH,
    Lines,
    Malformed,
    Target,
    answer,
    check_announced,
    failure,
    framing,
    headers_of,
    late,
    merged,
    new_body,
    readable,
    target,
    too_slow,
    unconnected,
)
from twirpkit.transports._process import process
from twirpkit.transports._tls import tls_context
from twirpkit.typing import ProxyOption, Tls

__all__ = ["AiohttpTransport"]


class AiohttpTransport:
    """An `AsyncTransport` over aiohttp. May be made outside of a loop and used in several, one after the other.

    Args:
        session: Lends its connector: connections, TLS settings, limits; and its ``trust_env`` says whether the
            environment's proxies count. Nothing else of it is used, and it is neither changed nor closed. It works in
            its own loop only.
        proxy: The URL of an HTTP proxy for all requests, False for none; None: as the environment says when a
            connection to an origin is first needed.
        tls: An `ssl.SSLContext`, or the path of a file or folder of CA certificates; None: the system's store vouches.

    Raises:
        TypeError: The session, proxy or tls has the wrong type.
        ValueError: The proxy or tls cannot be used, or is given beside a session.
    """

    def __init__(
        self, session: aiohttp.ClientSession | None = None, *, proxy: ProxyOption = None, tls: Tls | None = None
    ) -> None:
        self._pools: dict[object, dict[asyncio.AbstractEventLoop, _Pool]] = {}
        """By process and loop."""
        if session is not None and not isinstance(session, aiohttp.ClientSession):
            raise TypeError(
                f"session must be an aiohttp.ClientSession, not {type(session).__module__}.{type(session).__qualname__}"
            )
        if session is not None and (proxy is not None or tls is not None):
            raise ValueError(
                "the session brings its own: give tls to its connector as aiohttp.TCPConnector(ssl=…), and for the "
                "environment's proxies make it with trust_env=True; or give proxy and tls without a session"
            )
        self._session = session
        self._proxy = False if session is not None and not session.trust_env else _proxy.chosen(proxy)
        self._tls = tls_context(tls)
        self._closed = False

    async def send(self, request: HttpRequest, /) -> HttpResponse:
        """Send once and read the whole answer.

        Raises:
            TransportFailure: No whole header block came.
            ValueError: The URL or a header cannot be sent, or the environment's proxy cannot be used.
            RuntimeError: The transport, or the session it borrows from, is closed.
        """
        outcome = await self._attempt(request)
        if isinstance(outcome, TransportFailure):
            raise outcome
        return outcome

    async def aclose(self) -> None:
        """Close all connections. Twice is fine."""
        self._closed = True
        for loop, pool in list(self._own_pools().items()):
            if loop is asyncio.get_running_loop():
                await pool.close()
            else:
                pool.drop()

    async def _attempt(self, request: HttpRequest) -> HttpResponse | TransportFailure:
        if self._closed:
            raise RuntimeError("this AiohttpTransport is closed")
        exchange = _Exchange(request)
        if late(request.deadline):
            return failure(f"{LATE} before the request", Phase.NOT_SENT, timed_out=True)
        pool = await self._pool()
        proxy = pool.proxy(exchange.where)
        try:
            async with exchange.limit:
                return await exchange.run(pool.session, proxy)
        except TimeoutError:
            if exchange.limit.expired():
                return exchange.late()
            raise
        except (aiohttp.ClientError, UnicodeError) as error:
            return exchange.failed(error)

    async def _pool(self) -> _Pool:
        loop = asyncio.get_running_loop()
        pools = self._own_pools()
        pool = pools.get(loop)
        if pool is None:
            for other in [other for other in pools if other.is_closed()]:
                pools[other].drop()
            forget = functools.partial(pools.pop, loop, None)
            pool = pools[loop] = _Pool(self._session, self._proxy, self._tls, forget)
            await pool.start()
        if pool.session.closed:
            raise RuntimeError("the aiohttp.ClientSession that this transport borrows from is closed")
        return pool

    def _own_pools(self) -> dict[asyncio.AbstractEventLoop, _Pool]:
        """Those of this process (rule F1)."""
        pools = self._pools.setdefault(process(), {})
        for other in [other for other in self._pools if other is not process()]:
            for pool in list(self._pools.pop(other, {}).values()):
                pool.abandon()
        return pools

    def __del__(self) -> None:
        pools = self._own_pools()
        unclosed = [pool for pool in pools.values() if pool.owner]
        if unclosed and not sys.is_finalizing():
            warnings.warn(
                "an AiohttpTransport was dropped with open connections: await its aclose(), or use the client in "
                "`async with`",
                ResourceWarning,
                stacklevel=2,
                source=self,
            )
        for pool in list(pools.values()):
            pool.drop()


class _Pool:
    """A session of ours in one loop. It ends with the loop, if that ends as `asyncio.run` ends it."""

    def __init__(
        self,
        borrowed: aiohttp.ClientSession | None,
        proxy: _proxy.Proxy | Literal[False] | None,
        tls: ssl.SSLContext | None,
        forget: Callable[[], object],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._proxy = proxy
        self._environment: dict[str, _proxy.Proxy | None] = {}
        self.owner = borrowed is None
        self.session = _new_session(borrowed, tls)
        self._keeper = _until_shutdown(self.session, forget)

    def proxy(self, where: Target) -> _proxy.Proxy | None:
        """The proxy for a target; the environment is asked once an origin."""
        if self._proxy is not None:
            return self._proxy or None
        if where.origin not in self._environment:
            self._environment[where.origin] = _proxy.from_environment(where)
        return self._environment[where.origin]

    async def start(self) -> None:
        await anext(self._keeper)

    async def close(self) -> None:
        await self._keeper.aclose()

    def drop(self) -> None:
        """Close from outside of the loop, or where nothing can be awaited."""
        if self._loop.is_running() and not _is_running_here(self._loop):
            self._loop.call_soon_threadsafe(self.drop)
            return
        connector = self.session.connector
        if self.owner and connector is not None:
            connector._close()  # close() would start a task
        self.session.detach()
        self._end_keeper()

    def abandon(self) -> None:
        """Leave, in a child, the parent's connections alone: to close them would take them out of the parent's loop."""
        if self.owner and self.session.connector is not None:
            self.session.connector._closed = True  # or it would close them when it is dropped
        self.session.detach()
        self._end_keeper()
        _abandoned.append(self)

    def _end_keeper(self) -> None:
        with contextlib.suppress(StopIteration, RuntimeError):  # the latter where a parent was closing it
            self._keeper.aclose().__await__().send(None)  # nothing is left in it to wait for


_abandoned: list[_Pool] = []
"""What a parent had open, kept so that nothing of it is finalized as long as this process runs."""


async def _until_shutdown(session: aiohttp.ClientSession, forget: Callable[[], object]) -> AsyncGenerator[None]:
    """Close the session when the loop shuts its generators down, as `asyncio.run` does before it closes the loop."""
    try:
        yield
    finally:
        forget()
        await session.close()


def _is_running_here(loop: asyncio.AbstractEventLoop) -> bool:
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:
        return False


def _new_session(borrowed: aiohttp.ClientSession | None, tls: ssl.SSLContext | None) -> aiohttp.ClientSession:
    if borrowed is None:
        connector: aiohttp.BaseConnector | None = aiohttp.TCPConnector(
            limit=0, keepalive_timeout=IDLE, ssl=True if tls is None else tls
        )
    else:
        connector = borrowed.connector
    if connector is None:
        raise RuntimeError("the aiohttp.ClientSession that this transport borrows from is closed")
    session = aiohttp.ClientSession(
        connector=connector,
        connector_owner=borrowed is None,
        loop=asyncio.get_running_loop(),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(),  # the deadline is ours, aiohttp would round it up
        auto_decompress=False,
        trust_env=False,  # it would read ~/.netrc too
        raise_for_status=False,
        skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
        request_class=_Request,
        trace_configs=[_tracing()],
        **_limits(),
    )
    session._retry_connection = False  # aiohttp would send a GET twice when a kept connection fails
    return session


def _limits() -> dict[str, Any]:
    limits = {"max_line_size": MAX_HEAD, "max_field_size": MAX_HEAD, "max_headers": MAX_LINES + 2}
    known = inspect.signature(aiohttp.ClientSession).parameters
    return {name: limit for name, limit in limits.items() if name in known}


def _tracing() -> aiohttp.TraceConfig:
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


_CURRENT: ContextVar[_Exchange] = ContextVar("_CURRENT")


class _Dropped(Exception):
    """A kept connection that must not be used; nothing was sent on it."""


class _Request(aiohttp.ClientRequest):
    """Looks at its connection before a byte goes out, and listens for the first that comes back."""

    async def send(self, conn: Connection) -> aiohttp.ClientResponse:
        exchange = _CURRENT.get()
        transport, protocol = conn.transport, conn.protocol
        if transport is None or protocol is None:
            raise _Dropped
        if exchange.reused:
            # What came while it was idle belongs to nobody, and the loop may not have seen yet that it was closed.
            sock = transport.get_extra_info("socket")
            if protocol.should_close or (sock is not None and readable(sock.fileno())):
                raise _Dropped
        transport.set_protocol(_Listener(transport, protocol, exchange))
        return await super().send(conn)


class _Listener(asyncio.Protocol):
    """Stands before aiohttp's protocol until a byte comes."""

    def __init__(self, transport: asyncio.Transport, protocol: asyncio.Protocol, exchange: _Exchange) -> None:
        self._transport = transport
        self._protocol = protocol
        self._exchange = exchange

    def data_received(self, data: bytes) -> None:
        self._exchange.heard = True
        self._transport.set_protocol(self._protocol)
        self._protocol.data_received(data)

    def eof_received(self) -> bool | None:
        return self._protocol.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self._protocol.connection_lost(exc)

    def pause_writing(self) -> None:
        self._protocol.pause_writing()

    def resume_writing(self) -> None:
        self._protocol.resume_writing()


class _Exchange:
    """One request, and how far it has come."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request
        self.where = target(request.url)
        self._way = self.where.host
        self._headers = headers_of(request, self.where.host)
        self.limit = asyncio.timeout_at(_loop_time(_first(request.deadline, request.connect_deadline)))
        self.connected = False
        self.reused = False
        self.heard = False
        """Whether any byte came, be it of an interim answer."""
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
        finally:
            _CURRENT.reset(before)
        try:
            return await self._read(response)
        finally:
            response.close()  # after a whole body the connection is back in its pool already

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
            phase = Phase.CUT if self.heard else Phase.NO_ANSWER
            return failure(f"{LATE} while waiting for the answer", phase, timed_out=True)
        return too_slow(self._way, self._request.deadline)

    def failed(self, error: Exception) -> TransportFailure:
        """The outcome when aiohttp gives up before the header block is whole."""
        if not self.connected:
            return self._unconnected(error)
        if isinstance(error, aiohttp.ClientResponseError):
            return failure("the answer is not HTTP/1.x", Phase.CUT)
        if _cut(error) if isinstance(error, aiohttp.ServerDisconnectedError) else self.heard:
            return failure("the connection was closed inside the answer's header", Phase.CUT, error)
        phase = Phase.STALE if self.reused and not self.heard else Phase.NO_ANSWER
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
        return unconnected(self._way, error)  # the name cannot be one, or the connector was closed


def _cut(error: aiohttp.ServerDisconnectedError) -> bool:
    """Whether a part of a header block had come, which aiohttp keeps in place of a text."""
    return not isinstance(error.message, str)


def _proxy_headers(proxy: _proxy.Proxy | None) -> list[tuple[str, str]]:
    if proxy is None or proxy.authorization is None:
        return []
    return Lines([("Proxy-Authorization", proxy.authorization.reveal())])


def _first(*moments: float | None) -> float | None:
    return min((moment for moment in moments if moment is not None), default=None)


def _loop_time(moment: float | None) -> float | None:
    """A moment on `time.monotonic`'s clock, on the loop's."""
    return None if moment is None else asyncio.get_running_loop().time() + moment - time.monotonic()
