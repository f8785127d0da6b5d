"""The connections of one client: how many there may be, which may be used again, and who waits for one.

A client has a limited number of slots. A connection holds one from its first packet until it is closed, be it in use or
idle. Who finds none waits: first come, first served, and a newcomer never overtakes.

There is no lock in here, so there is none that a fork could copy while it is held, or that an exception of a signal
handler could leave held: `collections.deque` adds and removes in one step, and a wait is a queue of the waiter's own
(rules B5, F1). An exception can come between any two steps. So whatever is taken out of the pool gives its slot back
when the last reference to it goes; and everybody who adds something (a slot, an idle connection, a waiter) looks
afterwards whether there is a match, so that of two that add at the same time at least one sees both.
"""

from __future__ import annotations

import random
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from typing import Final, Generic, Protocol, TypeVar

__all__ = [
    "IDLE",
    "MAX_AGE",
    "MAX_CONNECTIONS",
    "RETIREMENT",
    "ConnectionPool",
    "Kept",
    "Slot",
    "Ticket",
    "check_max_connections",
    "expiry",
]

MAX_CONNECTIONS: Final = 256
"""Connections that a client has at most, unless it is told otherwise: a quarter of the descriptors that a process
usually may have."""
IDLE: Final = 4.0
"""Seconds after which an idle connection is not used again; Node and uvicorn close theirs after 5 (rule C7)."""
MAX_AGE: Final = 300.0
"""Seconds after which a connection serves no further request. A busy one would live for ever, and a change of the
name's addresses would never be seen; a new connection every five minutes costs nothing that can be measured."""
AGE_JITTER: Final = 0.2
"""The share of `MAX_AGE` by which connections end earlier, each by chance: those of one burst do not end together."""


RETIREMENT: Final = 4.0
"""Seconds for which a pool that ran out of descriptors has a slot less."""


def check_max_connections(limit: int) -> int:
    """Return the limit. Raises TypeError and ValueError for what is not a number of connections."""
    if not isinstance(limit, int) or isinstance(limit, bool):
        raise TypeError(f"max_connections must be an int, not {type(limit).__name__}")
    if limit < 1:
        raise ValueError(f"max_connections must be at least 1, not {limit}")
    return limit


def expiry(now: float) -> float:
    """Return the time after which a connection that is made now serves no further request."""
    return now + MAX_AGE * (1 - AGE_JITTER * random.random())  # noqa: S311  # not a secret


class Slot(weakref.ref["ConnectionPool[Kept]"]):
    """The permission to have one connection. It refers to its pool, to which it goes back when it is dropped."""

    __slots__ = ()

    def __del__(self) -> None:
        pool = self()
        if pool is not None:
            pool.put_back(type(self)(pool))  # an object is finalized once only, so another one goes back


class Kept(Protocol):
    """The part of a connection that the pool needs."""

    slot: Slot | None
    """Its slot, until it is closed."""
    origin: str
    """The origin that it serves."""
    idle_since: float
    """The time when it became idle."""
    served: bool
    """True once it has served a request."""
    expires: float
    """The time after which it serves no further request, however busy it is."""

    def is_quiet(self) -> bool:
        """Return True if it is open and nothing was received since it became idle."""
        ...

    def close(self) -> None:
        """Close it. The slot is the pool's business."""


C = TypeVar("C", bound=Kept)


class Ticket(Generic[C]):
    """A request that waits. Its maker keeps it; once it is dropped, nobody serves it.

    Args:
        origin: The origin that it wants a connection to.
        force_new: True if it must not be a connection that has served before.
        put: Gives it a connection or a slot, and wakes the waiter; in one step for a signal handler.
    """

    __slots__ = ("__weakref__", "force_new", "origin", "over", "put")

    def __init__(self, origin: str, *, force_new: bool, put: Callable[[C | Slot], object]) -> None:
        self.origin = origin
        self.force_new = force_new
        self.put = put
        self.over = False
        """True once it needs nothing more: what it then gets goes back."""

    def get_now(self) -> C | Slot | None:
        """Return what it was given and did not take yet, if anything."""
        raise NotImplementedError


class ConnectionPool(Generic[C]):
    """The slots of a client, its idle connections and its waiters.

    Args:
        limit: The number of connections that there may be.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.closed = False
        """True once nothing is kept any more: what comes back is closed."""
        self._free: deque[Slot] = deque()
        self._idle: dict[str, deque[C]] = {}
        """Idle connections by origin, the one that was used last at the right."""
        self._waiters: deque[weakref.ref[Ticket[C]]] = deque()
        self._retired: deque[tuple[float, Slot]] = deque()
        """Slots for which there was no descriptor, each with the time at which it counts again."""
        # Last: a slot that an exception of a signal handler drops goes back to a pool that has all its parts.
        for _ in range(limit):
            self._free.append(Slot(self))  # type: ignore[arg-type]  # any pool's

    def take(self, origin: str, now: float, *, force_new: bool = False) -> C | Slot | None:
        """Return a connection that may be used again (rule C7), a slot to make one with, or None: wait."""
        if self._retired:
            self._restore(now)
        if self._waiters:
            self._match()
            if self._waiters:
                return None
        return self._find(origin, now, force_new=force_new)

    def keep(self, connection: C, now: float) -> None:
        """Take back a connection whose response was read to its end."""
        connection.idle_since = now
        connection.served = True
        self._idle.setdefault(connection.origin, deque()).append(connection)
        if self._waiters:
            self._match()
        if self.closed:
            self.close_idle()

    def discard(self, connection: C) -> None:
        """Close a connection. Twice is fine."""
        connection.close()
        self.release(connection)

    def lost(self, connection: C) -> bool:
        """Forget an idle connection that ended by itself; False if it is not idle."""
        try:
            self._idle[connection.origin].remove(connection)
        except (KeyError, ValueError):
            return False
        self.release(connection)
        return True

    def release(self, connection: C) -> None:
        """Take back the slot of a connection that is closed. Twice is fine."""
        slot, connection.slot = connection.slot, None
        if slot is not None:
            self.put_back(slot)

    def put_back(self, slot: Slot) -> None:
        """Take back a slot."""
        self._free.append(slot)
        if self._waiters:
            self._match()

    def wait(self, ticket: Ticket[C], *, first: bool = False) -> None:
        """Queue a request that got nothing from `take`. It looks itself at a connection that it is given (`is_usable`).

        Args:
            ticket: The request.
            first: True if its turn had come before, and nothing came of it.
        """
        ref = weakref.ref(ticket)
        if first:
            self._waiters.appendleft(ref)
        else:
            self._waiters.append(ref)
        self._match()

    def look_again(self) -> None:
        """Serve whom an exception of a signal handler kept from being served."""
        self._match()

    def end_wait(self, ticket: Ticket[C]) -> None:
        """Take back what a ticket was given and will not use."""
        ticket.over = True
        self._drain(ticket)

    def retire(self, slot: Slot, now: float) -> bool:
        """Take back a slot for which there was no descriptor; True if the request can wait for another one's.

        The pool is smaller for a while then. If no other connection is open, the descriptors are somebody else's, and
        nothing that happens here frees one.
        """
        if self.limit - len(self._free) - len(self._retired) <= 1:
            self.put_back(slot)
            return False
        self._retired.append((now + RETIREMENT, slot))
        return True

    def _restore(self, now: float) -> None:
        while (retired := _popped(self._retired.popleft)) is not None:
            until, slot = retired
            if now < until:
                self._retired.appendleft(retired)
                return
            self.put_back(slot)

    def close_idle(self) -> None:
        """Close what is idle."""
        for connection in self._all_idle():
            self.discard(connection)

    def drop_expired(self, now: float) -> bool:
        """Close the idle connections that are not used again; return True if others are left."""
        left = False
        for idle in list(self._idle.values()):
            while (oldest := _popped(idle.popleft)) is not None:
                if not has_expired(oldest, now):
                    idle.appendleft(oldest)
                    left = True
                    break
                self.discard(oldest)
        return left

    def _find(self, origin: str, now: float | None, *, force_new: bool) -> C | Slot | None:
        idle = self._idle.get(origin)
        if idle and not force_new:
            while (connection := _popped(idle.pop)) is not None:
                if self.is_usable(connection, now):
                    return connection
                self.discard(connection)
        slot = _popped(self._free.pop)
        return self.evict() if slot is None else slot

    def is_usable(self, connection: C, now: float | None) -> bool:
        """Return True if an idle connection may be used again (rule C7)."""
        return (now is None or not has_expired(connection, now)) and connection.is_quiet()

    def evict(self) -> Slot | None:
        """Close an idle connection, to whatever origin, and return its slot; None if there is none."""
        for connection in self._all_idle():
            slot, connection.slot = connection.slot, None
            connection.close()
            if slot is not None:  # it was not lost meanwhile
                return slot
        return None

    def _all_idle(self) -> Iterator[C]:
        for idle in list(self._idle.values()):
            while (connection := _popped(idle.popleft)) is not None:
                yield connection

    def _match(self) -> None:
        """Give to those who wait, in their order, as long as there is something to give."""
        while True:
            try:
                ref = self._waiters[0]
            except IndexError:
                return
            ticket = ref()
            if ticket is None or ticket.over:
                self._forget(ref)
                continue
            grant = self._find(ticket.origin, None, force_new=ticket.force_new)
            if grant is None:
                return
            ticket.put(grant)
            # Only now: had an exception come before, it would be the next one to be served.
            self._forget(ref)
            if ticket.over:  # it stopped waiting, or another thread has served it, too
                self._drain(ticket)

    def _forget(self, ref: weakref.ref[Ticket[C]]) -> None:
        try:
            self._waiters.remove(ref)
        except (ValueError, IndexError):  # another thread was faster, or changes the queue right now
            return

    def _drain(self, ticket: Ticket[C]) -> None:
        while (grant := ticket.get_now()) is not None:
            if isinstance(grant, Slot):
                self.put_back(grant)
            else:
                self.keep(grant, grant.idle_since)


def has_expired(connection: Kept, now: float) -> bool:
    return now - connection.idle_since >= IDLE or now >= connection.expires


T = TypeVar("T")


def _popped(pop: Callable[[], T]) -> T | None:
    """Take one; to ask first whether there is any would be too early, with other threads around."""
    try:
        return pop()
    except IndexError:
        return None
