"""The async transport: aiohttp's connections and parser, told to add, follow, keep and retry nothing."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import inspect
import ssl
import sys
import warnings
from collections.abc import AsyncGenerator, Callable
from typing import Any

import aiohttp

from twirpkit.options import ProxyOption, Tls
from twirpkit.transports import _proxy
from twirpkit.transports._exchange import Exchange, Request, tracing
from twirpkit.transports._http import (
    IDLE,
    LATE,
    MAX_HEAD,
    MAX_LINES,
    Target,
    failure,
    late,
)
from twirpkit.transports._process import process
from twirpkit.transports._tls import tls_context
from twirpkit.transports.base import HttpRequest, HttpResponse, Phase, TransportFailure

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
        self._proxy = _proxy.chooser(False if session is not None and not session.trust_env else proxy)
        self._tls = tls_context(tls)
        self._closed = False

    async def send(self, request: HttpRequest, /) -> HttpResponse | TransportFailure:
        """Send once and read the whole answer.

        Raises:
            ValueError: The URL or a header cannot be sent, or the environment's proxy cannot be used.
            RuntimeError: The transport, or the session it borrows from, is closed.
        """
        return await self._attempt(request)

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
        exchange = Exchange(request)
        if late(request.deadline):
            return failure(f"{LATE} before the request", Phase.NOT_SENT, timed_out=True)
        pool = await self._pool()
        proxy = pool.proxy(exchange.where)
        try:
            async with exchange.limit:
                return await exchange.run(pool.session, proxy)
        except (aiohttp.ClientError, UnicodeError, TimeoutError) as error:
            if isinstance(error, TimeoutError) and exchange.limit.expired():
                return exchange.late()
            return exchange.failed(error)

    async def _pool(self) -> _Pool:
        loop = asyncio.get_running_loop()
        pools = self._own_pools()
        pool = pools.get(loop)
        if pool is None:
            for other in [other for other in pools if other.is_closed()]:
                pools[other].drop()
            forget = functools.partial(pools.pop, loop)
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
        proxy: Callable[[Target], _proxy.Proxy | None],
        tls: ssl.SSLContext | None,
        forget: Callable[[], object],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._choose = proxy
        self._proxies: dict[str, _proxy.Proxy | None] = {}
        self.owner = borrowed is None
        self.session = _new_session(borrowed, tls)
        self._keeper = _until_shutdown(self.session, forget)

    def proxy(self, where: Target) -> _proxy.Proxy | None:
        """The proxy for a target; chosen once an origin."""
        if where.origin not in self._proxies:
            self._proxies[where.origin] = self._choose(where)
        return self._proxies[where.origin]

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
        connector = self.session.connector
        _abandoned.append((self._loop, connector))
        if self.owner and connector is not None:
            connector._closed = True  # or it would close them when it is dropped
        self.session.detach()
        self._end_keeper()

    def _end_keeper(self) -> None:
        with contextlib.suppress(StopIteration, RuntimeError):  # the latter where somebody is closing it
            self._keeper.aclose().__await__().send(None)  # nothing is left in it to wait for


_abandoned: list[tuple[asyncio.AbstractEventLoop, aiohttp.BaseConnector | None]] = []
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
        skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
        request_class=Request,
        trace_configs=[tracing()],
        **_limits(),
    )
    session._retry_connection = False  # aiohttp would send a GET twice when a kept connection fails
    return session


def _limits() -> dict[str, Any]:
    limits = {"max_line_size": MAX_HEAD, "max_field_size": MAX_HEAD, "max_headers": MAX_LINES + 2}
    known = inspect.signature(aiohttp.ClientSession).parameters
    return {name: limit for name, limit in limits.items() if name in known}
