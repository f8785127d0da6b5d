"""The default async transport: HTTP/1.1 over the protocols of asyncio, with nothing but the standard library."""

from __future__ import annotations

import asyncio
import functools
import sys
import time
import warnings
from dataclasses import replace

from twirpkit._http1.request import parse_target
from twirpkit._secret import conceal
from twirpkit._suggestion import Suggesting
from twirpkit.options import ProxyOption, Tls
from twirpkit.transports._net.async_connection import AsyncConnection
from twirpkit.transports._net.connect_failures import CLOSED, DEADLINE_PASSED
from twirpkit.transports._net.connection_pool import MAX_CONNECTIONS, check_max_connections
from twirpkit.transports._net.fork import process
from twirpkit.transports._net.loop_pool import LoopPool
from twirpkit.transports._net.proxy import proxy_selector
from twirpkit.transports._net.route import Routes
from twirpkit.transports._net.tls import tls_context
from twirpkit.transports.base import HttpRequest, HttpResponse, Phase, TransportFailure, running_loop

__all__ = ["AsyncSocketTransport"]


class AsyncSocketTransport(Suggesting):
    """An `AsyncTransport` over asyncio or uvloop. May be made outside of a loop, and used in one after the other.

    Args:
        proxy: The URL of an HTTP proxy for all requests, False for none; None: as the environment says when a
            connection to an origin is first needed.
        tls: An `ssl.SSLContext`, or the path of a file or folder of CA certificates; None: the system's store vouches.
        max_connections: The number of connections that there may be at once in a loop. Requests beyond it wait for
            their turn.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: The proxy, tls or max_connections cannot be used.
    """

    def __init__(
        self, *, proxy: ProxyOption = None, tls: Tls | None = None, max_connections: int = MAX_CONNECTIONS
    ) -> None:
        proxy = conceal(proxy)
        self._pools: dict[object, dict[asyncio.AbstractEventLoop, LoopPool]] = {}
        """By process and loop."""
        self._routes = Routes(proxy_selector(proxy), tls_context(tls))
        self._limit = check_max_connections(max_connections)
        self._closed = False

    async def send(self, request: HttpRequest, /) -> HttpResponse | TransportFailure:
        """Send once and read the whole response.

        Raises:
            ValueError: The URL or a header cannot be sent, or the environment's proxy cannot be used.
            RuntimeError: No event loop of asyncio is running.
        """
        if self._closed:
            return CLOSED
        target = parse_target(request.url)
        route = self._routes.get(target)
        head = route.encode(request, target)
        now = time.monotonic()
        deadline = request.deadline
        if deadline is not None and now >= deadline:
            return TransportFailure(f"{DEADLINE_PASSED} before the request", Phase.NOT_SENT, timed_out=True)
        pool = self._pool()
        pool.calls += 1
        try:
            connection = pool.connections.take(target.origin, now, force_new=request.force_new_connection)
            if not isinstance(connection, AsyncConnection):
                made = await pool.get_connection(route, request, connection)
                if isinstance(made, TransportFailure):
                    return made
                connection, now = made, time.monotonic()
            waiter = connection.start(request, head, now)
            try:
                exchange = await waiter
            except BaseException:
                connection.abandon(waiter)
                raise
        finally:
            pool.end_call()
        result = route.result(exchange).result
        if pool.cut and isinstance(result, TransportFailure):
            return replace(result, reason="the client was closed before a response", final=True)
        return result

    async def aclose(self, *, timeout: float | None = None) -> None:
        """Close all connections. Twice is fine.

        Waits for the requests under way in this loop, which end within their deadlines; no other begins. Those in other
        loops that run go on, too, but are not waited for.

        Args:
            timeout: Seconds after which the requests under way are ended: their connections are closed.
        """
        running = running_loop()
        self._closed = True
        for loop, pool in list(self._own_pools().items()):
            if loop is not running:
                pool.close_from_outside()
        here = self._own_pools().get(running)
        if here is not None:
            await here.close(timeout)

    def _pool(self) -> LoopPool:
        loop = running_loop()
        pools = self._own_pools()
        pool = pools.get(loop)
        if pool is None:
            for other in [other for other in pools if other.is_closed()]:
                pools[other].drop()
            pool = pools[loop] = LoopPool(self._limit, functools.partial(pools.pop, loop, None))
        return pool

    def _own_pools(self) -> dict[asyncio.AbstractEventLoop, LoopPool]:
        """Return those of this process (rule F1)."""
        pools = self._pools.get(process())
        if pools is None:
            pools = self._pools.setdefault(process(), {})
            for other in [other for other in self._pools if other is not process()]:
                for pool in list(self._pools.pop(other, {}).values()):
                    pool.abandon()
        return pools

    def __del__(self) -> None:
        if not hasattr(self, "_pools"):  # its arguments were refused
            return
        pools = self._own_pools()
        unclosed = [pool for pool in pools.values() if pool.open]
        if unclosed and not sys.is_finalizing():
            warnings.warn(
                "an AsyncSocketTransport was dropped with open connections: await its aclose(), or use the client in "
                "`async with`",
                ResourceWarning,
                stacklevel=2,
                source=self,
            )
        for pool in list(pools.values()):
            pool.drop()
