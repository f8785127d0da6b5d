"""Waiting for one or several sockets, without a descriptor of its own and without an object for each wait."""

from __future__ import annotations

import select
from typing import Final, Protocol

__all__ = ["READ", "WRITE", "Poller", "new_poller"]

READ: Final[int] = getattr(select, "POLLIN", 1)
WRITE: Final[int] = getattr(select, "POLLOUT", 4)


class Poller(Protocol):
    """The part of `select.poll` objects that is used."""

    def register(self, descriptor: int, events: int, /) -> None:
        """Wait for these events of a descriptor."""

    def modify(self, descriptor: int, events: int, /) -> None:
        """Wait for other events of a descriptor."""

    def unregister(self, descriptor: int, /) -> None:
        """Wait for a descriptor no longer."""

    def poll(self, timeout: float | None, /) -> list[tuple[int, int]]:
        """Wait for milliseconds at most; return the descriptors that are ready, also for an error."""
        ...


class SelectPoller:
    """A `Poller` where there is no `select.poll`: on Windows."""

    def __init__(self) -> None:
        self._events: dict[int, int] = {}

    def register(self, descriptor: int, events: int, /) -> None:
        self._events[descriptor] = events

    modify = register

    def unregister(self, descriptor: int, /) -> None:
        del self._events[descriptor]

    def poll(self, timeout: float | None, /) -> list[tuple[int, int]]:
        """Wait. A connection that was refused is an "exceptional condition" there."""
        readers = [each for each, events in self._events.items() if events & READ]
        writers = [each for each, events in self._events.items() if events & WRITE]
        seconds = None if timeout is None else timeout / 1000
        readable, writable, failed = select.select(readers, writers, writers, seconds)
        found = dict.fromkeys(readable, READ)
        for descriptor in (*writable, *failed):
            found[descriptor] = found.get(descriptor, 0) | WRITE
        return list(found.items())


def new_poller() -> Poller:
    """Return a poller without any descriptor yet."""
    return select.poll() if hasattr(select, "poll") else SelectPoller()
