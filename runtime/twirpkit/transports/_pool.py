"""The idle connections of the sync transport.

There is no lock in here, so there is none that a fork could copy while it is held, or that an exception of a signal
handler could leave held: `collections.deque` adds and removes in one step (rules B5, F1).
"""

from __future__ import annotations

import socket
import time
from collections import deque
from collections.abc import Callable, Iterator

from twirpkit.transports._http import IDLE, readable

__all__ = ["Connection", "Pool"]

_MOST = 128
"""Idle connections kept to one origin. More were needed by a burst, and each costs a descriptor here and there."""


class Connection:
    """A socket that is connected. It closes with its last reference, which a signal handler may make any line."""

    idle_since: float
    """Set when it is given to a pool."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock

    def close(self) -> None:
        """Close without a word to the other side: in a forked process it would be the parent's word."""
        self.sock.close()

    def __del__(self) -> None:
        self.sock.close()


class Pool:
    """Idle connections to one origin, the one that was used last first."""

    def __init__(self) -> None:
        self._idle: deque[Connection] = deque()

    def take(self) -> Connection | None:
        """A connection that may be used again (rule C7), or None. Those that may not are closed."""
        for connection in _each(self._idle.pop):
            if not _expired(connection) and not readable(connection.sock.fileno()):
                return connection
            connection.close()
        return None

    def give(self, connection: Connection) -> None:
        """Keep a connection whose last answer was read to its end; and close those at the other end that expired."""
        for oldest in _each(self._idle.popleft):
            if not _expired(oldest) and len(self._idle) < _MOST - 1:
                self._idle.appendleft(oldest)
                break
            oldest.close()
        connection.idle_since = time.monotonic()
        self._idle.append(connection)

    def close(self) -> None:
        """Close what is idle."""
        for connection in _each(self._idle.pop):
            connection.close()


def _each(take: Callable[[], Connection]) -> Iterator[Connection]:
    """What can be taken; to ask first whether there is any would be too early, with other threads around."""
    while True:
        try:
            connection = take()
        except IndexError:
            return
        yield connection


def _expired(connection: Connection) -> bool:
    return time.monotonic() - connection.idle_since >= IDLE
