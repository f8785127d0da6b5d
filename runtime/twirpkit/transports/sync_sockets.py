"""The default sync transport: HTTP/1.1 over sockets, with nothing but the standard library."""

from __future__ import annotations

import time
from queue import Empty, SimpleQueue
from typing import Final

from twirpkit._http1.request import parse_target
from twirpkit._secret import conceal
from twirpkit._suggestion import Suggesting
from twirpkit.options import ProxyOption, Tls
from twirpkit.transports._net.connect_failures import (
    CLOSED,
    DEADLINE_PASSED,
    is_out_of_descriptors,
    no_free_connection,
)
from twirpkit.transports._net.connection_pool import (
    MAX_CONNECTIONS,
    ConnectionPool,
    Slot,
    Ticket,
    check_max_connections,
)
from twirpkit.transports._net.fork import process
from twirpkit.transports._net.proxy import proxy_selector
from twirpkit.transports._net.route import Route, Routes
from twirpkit.transports._net.sync_connect import connect
from twirpkit.transports._net.sync_connection import SyncConnection
from twirpkit.transports._net.tls import tls_context
from twirpkit.transports.base import HttpRequest, HttpResponse, Phase, TransportFailure

__all__ = ["SocketTransport"]

_LOOK_AGAIN: Final = 1.0
"""Seconds after which a waiter looks itself whether it can go on: an exception of a signal handler may have kept
another thread from telling it."""


class SocketTransport(Suggesting):
    """A `Transport` over sockets of its own. Safe to use from many threads, and in a process and its forks.

    Args:
        proxy: The URL of an HTTP proxy for all requests, False for none; None: as the environment says when a
            connection to an origin is first needed.
        tls: An `ssl.SSLContext`, or the path of a file or folder of CA certificates; None: the system's store vouches.
        max_connections: The number of connections that there may be at once. Requests beyond it wait for their turn.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: The proxy, tls or max_connections cannot be used.
    """

    def __init__(
        self, *, proxy: ProxyOption = None, tls: Tls | None = None, max_connections: int = MAX_CONNECTIONS
    ) -> None:
        proxy = conceal(proxy)
        self._routes = Routes(proxy_selector(proxy), tls_context(tls))
        self._limit = check_max_connections(max_connections)
        self._pools: dict[object, ConnectionPool[SyncConnection]] = {}
        """The pool of this process, by its token."""
        self._closed = False

    def send(self, request: HttpRequest, /) -> HttpResponse | TransportFailure:
        """Send once and read the whole response.

        Raises:
            ValueError: The URL or a header cannot be sent, or the environment's proxy cannot be used.
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
        pool = self._pools.get(process())
        if pool is None:
            pool = self._new_pool()
        hold = _Hold(pool)
        try:
            hold.held = pool.take(target.origin, now, force_new=request.force_new_connection)
            if not isinstance(hold.held, SyncConnection):
                failure = _get_connection(hold, route, request)
                if failure is not None:
                    return failure
            assert isinstance(hold.held, SyncConnection)  # noqa: S101  # so it is now
            exchange = route.result(hold.held.exchange(request, head))
            hold.reusable = exchange.reusable
            return exchange.result
        finally:
            hold.end()

    def close(self) -> None:
        """Close the idle connections. Twice is fine.

        Requests under way, also those that wait for a connection, go on to their ends, and their connections are closed
        then; no other begins.
        """
        self._closed = True
        for pool in list(self._pools.values()):
            pool.closed = True
            pool.close_idle()

    def _new_pool(self) -> ConnectionPool[SyncConnection]:
        """Return the pool of this process. What a parent has open closes here with its last reference, not there."""
        pool = self._pools.setdefault(process(), ConnectionPool(self._limit))
        for other in list(self._pools):
            if other is not process():
                self._pools.pop(other, None)
        pool.closed = self._closed
        return pool


class _Hold:
    """The pool's connection for one request. It has one owner, and is given back exactly once."""

    __slots__ = ("held", "pool", "reusable")

    def __init__(self, pool: ConnectionPool[SyncConnection]) -> None:
        self.pool = pool
        self.held: SyncConnection | Slot | None = None
        self.reusable = False
        """True if the connection may be used again."""

    def end(self) -> None:
        """Give back what it holds."""
        held, self.held = self.held, None
        if isinstance(held, Slot):
            self.pool.put_back(held)
        elif held is not None and self.reusable:
            self.pool.keep(held, time.monotonic())
        elif held is not None:
            self.pool.discard(held)


def _get_connection(hold: _Hold, route: Route, request: HttpRequest) -> TransportFailure | None:
    """Make a connection with the slot that is held, or wait for one, or for a kept connection."""
    pool = hold.pool
    waited = 0.0
    first = False
    while True:
        if hold.held is None:
            began = time.monotonic()
            hold.held = _wait(pool, route, request, first=first)
            waited += time.monotonic() - began
            if hold.held is None:
                return no_free_connection(route.place, pool.limit)
        if isinstance(hold.held, SyncConnection):
            if pool.is_usable(hold.held, time.monotonic()):
                return None
            hold.held.close()
            hold.held = hold.held.slot
        failure = _make(hold, route, request, waited)
        if failure is None or not is_out_of_descriptors(failure.cause):
            return failure
        if (evicted := pool.evict()) is not None:
            pool.put_back(evicted)
            continue
        assert isinstance(hold.held, Slot)  # noqa: S101  # nothing was made with it
        slot, hold.held = hold.held, None
        if not pool.retire(slot, time.monotonic()):
            return failure
        first = True


def _make(hold: _Hold, route: Route, request: HttpRequest, waited: float) -> TransportFailure | None:
    """Make a connection with the slot that is held. The time for connecting began only when there was one."""
    connect_deadline = request.connect_deadline
    made: SyncConnection | TransportFailure | None = None
    try:
        made = connect(route, request.deadline, None if connect_deadline is None else connect_deadline + waited)
        if isinstance(made, TransportFailure):
            return made
        assert not isinstance(hold.held, SyncConnection)  # noqa: S101  # for the type checker
        made.slot, hold.held = hold.held, made
    except BaseException:
        if isinstance(made, SyncConnection):
            made.close()
        raise
    return None


def _wait(
    pool: ConnectionPool[SyncConnection], route: Route, request: HttpRequest, *, first: bool
) -> SyncConnection | Slot | None:
    """Wait for a connection or a slot; None if the deadline passes."""
    ticket = _ThreadTicket(route.target.origin, force_new=request.force_new_connection)
    try:
        now = time.monotonic()
        pool.wait(ticket, first=first)
        while True:
            left = _LOOK_AGAIN
            if request.deadline is not None:
                left = min(left, request.deadline - now)
                if left <= 0:
                    return None
            try:
                return ticket.grants.get(timeout=left)
            except Empty:
                now = time.monotonic()
                pool.look_again()
    finally:
        pool.end_wait(ticket)


class _ThreadTicket(Ticket[SyncConnection]):
    """A thread that waits."""

    __slots__ = ("grants",)

    def __init__(self, origin: str, *, force_new: bool) -> None:
        self.grants: SimpleQueue[SyncConnection | Slot] = SimpleQueue()
        super().__init__(origin, force_new=force_new, put=self.grants.put)

    def get_now(self) -> SyncConnection | Slot | None:
        try:
            return self.grants.get_nowait()
        except Empty:
            return None
