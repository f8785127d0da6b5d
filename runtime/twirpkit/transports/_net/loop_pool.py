"""The connections of an async client in one event loop, and the requests that use them."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import time
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Final

from twirpkit.transports._net.address_race import Address, look_up
from twirpkit.transports._net.async_connect import connect
from twirpkit.transports._net.async_connection import AsyncConnection
from twirpkit.transports._net.connect_failures import CLOSED, is_out_of_descriptors, no_free_connection
from twirpkit.transports._net.connection_pool import IDLE, ConnectionPool, Slot, Ticket
from twirpkit.transports._net.route import Route
from twirpkit.transports.base import HttpRequest, TransportFailure

__all__ = ["LoopPool"]

_READ_SIZE: Final = 1 << 18
"""Bytes that are read at once."""
_MOST_ITERATIONS: Final = 10
"""Iterations of the loop within which a connection that was aborted is closed; asyncio and uvloop need one or two."""


class LoopPool:
    """A pool in one loop. It ends with the loop, if that ends as `asyncio.run` ends it.

    Args:
        limit: The number of connections that there may be.
        forget: Called when the loop ends.
    """

    def __init__(self, limit: int, forget: Callable[[], object]) -> None:
        self.loop = asyncio.get_running_loop()
        self.connections: ConnectionPool[AsyncConnection] = ConnectionPool(limit)
        self.buffer = memoryview(bytearray(_READ_SIZE))
        self.open: set[AsyncConnection] = set()
        """All connections that are not closed, idle or in use."""
        self.calls = 0
        """Requests under way."""
        self.cut = False
        """True once the requests under way were ended, too."""
        self.dropped = False
        """True once nobody can wait for its connections to be closed."""
        self._drained: asyncio.Future[None] | None = None
        self._waiting: set[_LoopTicket] = set()
        self._connecting: set[asyncio.Timeout] = set()
        self._lookups: dict[tuple[str, int], asyncio.Future[list[Address]]] = {}
        self._sweeper: asyncio.TimerHandle | None = None
        self._keeper = _until_shutdown(self, forget)
        _run_at_once(self._keeper.asend(None))  # from here on the loop knows it, and ends it when it is shut down

    async def get_connection(
        self, route: Route, request: HttpRequest, slot: Slot | None
    ) -> AsyncConnection | TransportFailure:
        """Make a connection with a slot, or wait for one, or for a kept connection."""
        waited = 0.0
        first = False
        while True:
            if slot is None:
                began = time.monotonic()
                grant = await self._wait(route.target.origin, request, began, first=first)
                now = time.monotonic()
                waited += now - began
                if grant is None:
                    return CLOSED if self.cut else no_free_connection(route.place, self.connections.limit)
                if isinstance(grant, AsyncConnection) and self.connections.is_usable(grant, now):
                    return grant
                slot = _slot_of(grant)
                first = True
                continue
            made = await self._make(route, request, slot, waited)
            if isinstance(made, AsyncConnection):
                return made
            if self.cut:
                made = CLOSED
            if not is_out_of_descriptors(made.cause):
                self.connections.put_back(slot)
                return made
            if (evicted := self.connections.evict()) is not None:
                self.connections.put_back(evicted)
                continue
            if not self.connections.retire(slot, time.monotonic()):
                return made
            slot, first = None, True

    def keep(self, connection: AsyncConnection, /) -> None:
        """Take back a connection that may be used again."""
        self.connections.keep(connection, time.monotonic())
        if self._sweeper is None and not self.connections.closed:
            self._sweeper = self.loop.call_later(IDLE, self._sweep)

    def made(self, connection: AsyncConnection, /) -> None:
        """Take note of a new connection."""
        self.open.add(connection)

    def forget_idle(self, connection: AsyncConnection, /) -> None:
        """Forget a connection, if it is idle, because it ended by itself."""
        self.connections.lost(connection)

    def gone(self, connection: AsyncConnection, /) -> None:
        """Forget a connection that is closed."""
        self.open.discard(connection)
        if connection.spent:
            self.connections.release(connection)

    async def close(self, timeout: float | None) -> None:
        """Let the requests under way end, or end them after so many seconds; then close the connections."""
        self.close_gently()
        if self.calls:
            if self._drained is None:
                self._drained = self.loop.create_future()
            await asyncio.wait([self._drained], timeout=timeout)
            if self.calls:
                self._cut_calls()
                await asyncio.wait([self._drained])
        with contextlib.suppress(RuntimeError):  # somebody else is closing it
            await self._keeper.aclose()

    def close_gently(self) -> None:
        """Close the idle connections, and the others when their requests end."""
        self.connections.closed = True
        self.connections.close_idle()

    def close_from_outside(self) -> None:
        """Close in another loop: requests under way go on if it runs; if it does not, they would never end."""
        if self.loop.is_running():
            self.loop.call_soon_threadsafe(self.close_gently)
        else:
            self.drop()

    def drop(self) -> None:
        """Close everything from outside of the loop, or where nothing can be awaited."""
        if self.loop.is_running() and not _is_running_here(self.loop):
            self.loop.call_soon_threadsafe(self.drop)
            return
        self.dropped = True
        _run_at_once(self._keeper.aclose())

    def abandon(self) -> None:
        """Leave, in a child, the parent's connections alone: to close them would take them out of the parent's loop."""
        _abandoned.append(self)

    def end_call(self) -> None:
        """Count a request that has ended."""
        self.calls -= 1
        if not self.calls and self._drained is not None and not self._drained.done():
            self._drained.set_result(None)

    async def _make(
        self, route: Route, request: HttpRequest, slot: Slot, waited: float
    ) -> AsyncConnection | TransportFailure:
        """Make a connection with a slot. The time for connecting began only when there was one."""
        connect_deadline = request.connect_deadline
        try:
            made = await connect(
                route,
                self,
                self._lookup,
                self._connecting,
                deadline=request.deadline,
                connect_deadline=None if connect_deadline is None else connect_deadline + waited,
            )
        except BaseException:
            self.connections.put_back(slot)
            raise
        if isinstance(made, AsyncConnection):
            made.slot = slot
        return made

    async def _wait(
        self, origin: str, request: HttpRequest, now: float, *, first: bool
    ) -> AsyncConnection | Slot | None:
        """Wait for a connection or a slot; None if the deadline passes, or the client is closed at last."""
        ticket = _LoopTicket(self.loop, origin, force_new=request.force_new_connection)
        timer = None if request.deadline is None else self.loop.call_later(request.deadline - now, ticket.wake)
        self._waiting.add(ticket)
        try:
            self.connections.wait(ticket, first=first)
            await ticket.woken
            return ticket.get_now()
        finally:
            self._waiting.discard(ticket)
            self.connections.end_wait(ticket)
            if timer is not None:
                timer.cancel()

    async def _lookup(self, name: str, port: int) -> list[Address]:
        """Return the addresses of a name; who asks for them at the same time gets the same."""
        key = (name, port)
        future = self._lookups.get(key)
        if future is None:
            future = self._lookups[key] = self.loop.run_in_executor(None, look_up, name, port)
            future.add_done_callback(functools.partial(self._looked_up, key))
        await asyncio.wait([future])  # to give up waiting does not cancel it
        return future.result()

    def _looked_up(self, key: tuple[str, int], future: asyncio.Future[list[Address]]) -> None:
        del self._lookups[key]
        if not future.cancelled():
            future.exception()  # nobody may be left who asks for it

    def _sweep(self) -> None:
        self._sweeper = None
        if self.connections.drop_expired(time.monotonic()):
            self._sweeper = self.loop.call_later(IDLE, self._sweep)

    def _cut_calls(self) -> None:
        """End the requests under way: on the wire, while connecting, and while waiting."""
        self.cut = True
        for ticket in list(self._waiting):
            ticket.wake()
        for limit in list(self._connecting):
            limit.reschedule(self.loop.time())
        self._cut_connections()

    def close_all(self) -> None:
        """Close the connections; a request on one of them ends as if the server had closed it."""
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None
        if self.loop.is_closed():  # nothing can be done through it
            for connection in self.open:
                connection.sock.close()
            self.open.clear()
        else:
            self.close_gently()
            self._cut_connections()

    def _cut_connections(self) -> None:
        for connection in list(self.open):
            connection.cut_off()


def _slot_of(grant: AsyncConnection | Slot) -> Slot | None:
    """Return a slot, or that of a connection that cannot be used, which is closed."""
    if isinstance(grant, Slot):
        return grant
    slot, grant.slot = grant.slot, None
    grant.close()
    return slot


class _LoopTicket(Ticket[AsyncConnection]):
    """A task that waits."""

    __slots__ = ("_grants", "woken")

    def __init__(self, loop: asyncio.AbstractEventLoop, origin: str, *, force_new: bool) -> None:
        self.woken: asyncio.Future[None] = loop.create_future()
        self._grants: deque[AsyncConnection | Slot] = deque()
        super().__init__(origin, force_new=force_new, put=functools.partial(_put, self._grants, self.woken))

    def wake(self) -> None:
        """End the wait without anything."""
        if not self.woken.done():
            self.woken.set_result(None)

    def get_now(self) -> AsyncConnection | Slot | None:
        return self._grants.popleft() if self._grants else None


def _put(grants: deque[AsyncConnection | Slot], woken: asyncio.Future[None], grant: AsyncConnection | Slot) -> None:
    grants.append(grant)
    if not woken.done():
        woken.set_result(None)


async def _until_shutdown(pool: LoopPool, forget: Callable[[], object]) -> AsyncGenerator[None, None]:
    """Close the pool when the loop shuts its generators down, as `asyncio.run` does before it closes the loop."""
    try:
        yield
    finally:
        forget()
        pool.close_all()
        for _ in range(0 if pool.dropped else _MOST_ITERATIONS):
            if not pool.open:
                break
            await asyncio.sleep(0)


def _run_at_once(step: Awaitable[None]) -> None:
    """Run a step of a generator that waits for nothing."""
    with contextlib.suppress(StopIteration, RuntimeError):  # the latter where somebody is closing it
        step.__await__().__next__()


_abandoned: list[LoopPool] = []
"""Connections of a parent process, kept so that nothing of it is finalized as long as this process runs."""


def _is_running_here(loop: asyncio.AbstractEventLoop) -> bool:
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:
        return False
