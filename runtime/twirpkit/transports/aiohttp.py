"""The async transport: aiohttp's connections and parser, told to add, follow, keep and retry nothing."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import inspect
import io
import sys
import time
import warnings
from collections.abc import AsyncGenerator, Callable
from contextvars import ContextVar
from types import SimpleNamespace
from typing import Any

import aiohttp
import yarl
from aiohttp.connector import Connection

from twirpkit.transport import HttpRequest, HttpResponse, Phase, TransportFailure
from twirpkit.transports._content import Body, Flawed
from twirpkit.transports._http import (
    LATE,
    MAX_HEAD,
    MAX_LINES,
    NO_LENGTH,
    Malformed,
    answer,
    failure,
    framing,
    headers_of,
    late,
    merged,
    target,
    unconnected,
)

__all__ = ["AiohttpTransport"]


class AiohttpTransport:
    """An `AsyncTransport` over aiohttp. May be made outside of a loop and used in several, one after the other.

    Args:
        session: Lends its connector: connections, TLS settings, limits. Nothing else of it is used, and it is neither
            changed nor closed. It works in its own loop only.
    """

    def __init__(self, session: aiohttp.ClientSession | None = None) -> None:
        self._pools: dict[asyncio.AbstractEventLoop, _Pool] = {}
        if session is not None and not isinstance(session, aiohttp.ClientSession):
            raise TypeError(
                f"session must be an aiohttp.ClientSession, not {type(session).__module__}.{type(session).__qualname__}"
            )
        self._session = session
        self._closed = False

    async def send(self, request: HttpRequest, /) -> HttpResponse:
        """Send once and read the whole answer.

        Raises:
            TransportFailure: No whole header block came.
            ValueError: The URL or a header cannot be sent.
            RuntimeError: The transport, or the session it borrows from, is closed.
        """
        outcome = await self._attempt(request)
        if isinstance(outcome, TransportFailure):
            raise outcome
        return outcome

    async def aclose(self) -> None:
        """Close all connections. Twice is fine."""
        self._closed = True
        for loop, pool in list(self._pools.items()):
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
        session = await self._pooled()
        loop = asyncio.get_running_loop()
        left = None if request.deadline is None else request.deadline - time.monotonic()
        limit = asyncio.timeout_at(None if left is None else loop.time() + left)
        try:
            async with limit:
                return await exchange.run(session)
        except TimeoutError:
            if limit.expired():
                return exchange.late()
            raise
        except (aiohttp.ClientError, UnicodeError) as error:
            return exchange.failed(error)

    async def _pooled(self) -> aiohttp.ClientSession:
        loop = asyncio.get_running_loop()
        pool = self._pools.get(loop)
        if pool is None:
            for other in [other for other in self._pools if other.is_closed()]:
                self._pools[other].drop()
            pool = self._pools[loop] = _Pool(self._session, functools.partial(self._pools.pop, loop, None))
            await pool.start()
        if pool.session.closed:
            raise RuntimeError("the aiohttp.ClientSession that this transport borrows from is closed")
        return pool.session

    def __del__(self) -> None:
        unclosed = [pool for pool in self._pools.values() if pool.owner]
        if unclosed and not sys.is_finalizing():
            warnings.warn(
                "an AiohttpTransport was dropped with open connections: await its aclose(), or use the client in "
                "`async with`",
                ResourceWarning,
                stacklevel=2,
                source=self,
            )
        for pool in list(self._pools.values()):
            pool.drop()


class _Pool:
    """A session of ours in one loop. It ends with the loop, if that ends as `asyncio.run` ends it."""

    def __init__(self, borrowed: aiohttp.ClientSession | None, forget: Callable[[], object]) -> None:
        self._loop = asyncio.get_running_loop()
        self.owner = borrowed is None
        self.session = _new_session(borrowed)
        self._keeper = _until_shutdown(self.session, forget)

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
        with contextlib.suppress(StopIteration):
            self._keeper.aclose().__await__().send(None)  # nothing is left in it to wait for


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


def _new_session(borrowed: aiohttp.ClientSession | None) -> aiohttp.ClientSession:
    if borrowed is not None and borrowed.connector is None:
        raise RuntimeError("the aiohttp.ClientSession that this transport borrows from is closed")
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0) if borrowed is None else borrowed.connector,
        connector_owner=borrowed is None,
        loop=asyncio.get_running_loop(),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(),  # the deadline is ours, aiohttp would round it up
        auto_decompress=False,
        trust_env=False,
        raise_for_status=False,
        skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
        response_class=_Response,
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
        context.trace_request_ctx.connected = True

    async def reused(session: aiohttp.ClientSession, context: SimpleNamespace, params: object) -> None:
        context.trace_request_ctx.connected = context.trace_request_ctx.reused = True

    config = aiohttp.TraceConfig()
    config.on_connection_create_end.append(created)
    config.on_connection_reuseconn.append(reused)
    return config


def _payload(body: bytes) -> bytes | io.BytesIO | None:
    """aiohttp sends raw bytes in one piece, and warns when that is a large one."""
    return io.BytesIO(body) if len(body) > 1 << 16 else body or None


_CURRENT: ContextVar[_Exchange] = ContextVar("_CURRENT")


class _Response(aiohttp.ClientResponse):
    """Refuses an answer that lay in a kept connection before this request went out: it belongs to nobody."""

    async def start(self, connection: Connection) -> aiohttp.ClientResponse:
        protocol = connection.protocol
        if _CURRENT.get().reused and protocol is not None and protocol.should_close:
            raise aiohttp.ServerDisconnectedError
        return await super().start(connection)


class _Exchange:
    """One request, and how far it has come."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request
        self._where = target(request.url)
        self._headers = headers_of(request, self._where.host)
        self.connected = False
        self.reused = False
        self._answer: tuple[int, dict[str, str], Body] | None = None

    async def run(self, session: aiohttp.ClientSession) -> HttpResponse | TransportFailure:
        request = self._request
        before = _CURRENT.set(self)
        try:
            response = await session.request(
                request.method,
                yarl.URL(self._where.origin + self._where.path, encoded=True),
                data=_payload(request.body),
                headers=self._headers,
                allow_redirects=False,
                trace_request_ctx=self,
            )
        finally:
            _CURRENT.reset(before)
        try:
            return await self._read(response)
        finally:
            response.close()  # after a whole body the connection is back in its pool already

    async def _read(self, response: aiohttp.ClientResponse) -> HttpResponse | TransportFailure:
        if response.version is None or response.version.major != 1 or response.status < 100:
            return failure("the answer's status line is not HTTP/1.x", Phase.CUT)
        try:
            headers = merged(response.raw_headers)
            frame = framing(self._request.method, response.status, headers)
        except Malformed as malformed:
            return failure(str(malformed), Phase.CUT)
        body = Body(headers.get("content-encoding"))
        self._answer = response.status, headers, body
        flaw = None
        try:
            while data := await response.content.readany():
                body.feed(data)
            if frame.length is None and not frame.chunked:
                flaw = NO_LENGTH
            else:
                body.end()
        except Flawed as flawed:
            flaw = str(flawed)
        except aiohttp.ClientError:
            flaw = "the answer was cut inside its body"
        return answer(response.status, headers, body, flaw)

    def late(self) -> HttpResponse | TransportFailure:
        """The outcome when the deadline passes."""
        if self._answer is not None:
            return answer(*self._answer, f"{LATE} during the answer's body", timed_out=True)
        if self.connected:
            return failure(f"{LATE} while waiting for the answer", Phase.NO_ANSWER, timed_out=True)
        return failure(f"{LATE} while connecting to {self._where.host}", Phase.NOT_SENT, timed_out=True)

    def failed(self, error: Exception) -> TransportFailure:
        """The outcome when aiohttp gives up before the header block is whole."""
        if isinstance(error, UnicodeError):  # the host's name cannot be one
            return unconnected(self._where.host, error)
        if isinstance(error, aiohttp.ClientConnectorCertificateError):
            return unconnected(self._where.host, error.certificate_error)
        if isinstance(error, aiohttp.ClientConnectorError):
            return unconnected(self._where.host, error.os_error)
        if isinstance(error, aiohttp.ClientResponseError):
            return failure("the answer is not HTTP/1.x", Phase.CUT)
        if isinstance(error, aiohttp.ServerDisconnectedError) and not isinstance(error.message, str):
            return failure("the connection was closed inside the answer's header", Phase.CUT)
        return failure("the connection was closed before an answer", Phase.NO_ANSWER, error)
