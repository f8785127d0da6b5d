"""One connection of the sync transport: a socket that never blocks, and waits that end in time."""

from __future__ import annotations

import socket
import time
from collections import deque

from twirpkit._http1.response import Exchange, ResponseParser
from twirpkit.transports._net.connect_failures import plain_os_error
from twirpkit.transports._net.connection_pool import Slot
from twirpkit.transports._net.readiness import READ, WRITE, new_poller
from twirpkit.transports._net.tls_layer import TlsLayer, feed_encrypted
from twirpkit.transports.base import HttpRequest

__all__ = ["SyncConnection", "TimePassed"]

_NOTHING = memoryview(b"")
_JOINED = 1 << 16
"""Bytes of a body that are sent in one piece with the head: copied, which is less than another system call costs."""
_ENCRYPTED = 1 << 18
"""Bytes that are encrypted at once."""
_LONGEST_WAIT = 86_400_000.0
"""Milliseconds that a wait takes at most before the clock is read again: more than that need not fit into a C int."""


class TimePassed(Exception):
    """The moment until which something was waited for. An exception of a signal handler cannot be taken for it."""


class SyncConnection:
    """A socket. It closes with its last reference, which an exception of a signal handler may drop at any line.

    Args:
        sock: The socket; from here on it does not block.
    """

    __slots__ = ("_poller", "expires", "idle_since", "origin", "place", "served", "slot", "sock", "tls")

    idle_since: float
    expires: float
    origin: str
    place: str
    """The origin and the way to it, for people."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.slot: Slot | None = None
        self.served = False
        self.tls: TlsLayer | None = None
        sock.setblocking(False)
        self._poller = new_poller()
        self._poller.register(sock.fileno(), READ)

    def close(self) -> None:
        """Close without a word to the other side: in a forked process it would be the parent's word."""
        self.sock.close()

    def __del__(self) -> None:
        if hasattr(self, "sock"):  # the exception may come before it has one
            self.sock.close()

    def is_quiet(self) -> bool:
        """Return True if it is open and nothing was received since it became idle."""
        return not self._poller.poll(0)

    def wait(self, events: int, until: float | None) -> int:
        """Wait for one of the events, or the end of the connection, and return what there is. Raises `TimePassed`."""
        if events != READ:
            self._poller.modify(self.sock.fileno(), events)
        try:
            while True:
                left = None
                if until is not None:
                    left = min((until - time.monotonic()) * 1000, _LONGEST_WAIT)
                    if left <= 0:
                        raise TimePassed
                ready = self._poller.poll(left)
                if ready:
                    return ready[0][1]
        finally:
            if events != READ:
                self._poller.modify(self.sock.fileno(), READ)

    def send_all(self, data: memoryview, until: float | None) -> None:
        """Send, however slowly the other side takes it. Raises OSError, `TimePassed`."""
        while data:
            try:
                data = data[self.sock.send(data) :]
            except BlockingIOError:
                self.wait(WRITE, until)

    def receive(self, size: int, until: float | None) -> bytes:
        """Return what was received, at most `size` bytes; none at the end. Raises OSError, `TimePassed`."""
        while True:
            self.wait(READ, until)
            try:
                return self.sock.recv(size)
            except BlockingIOError:  # a wait may promise too much
                continue

    def exchange(self, request: HttpRequest, head: memoryview) -> Exchange:
        """Send a request and read its response."""
        parser = ResponseParser(request.method, request.max_body, reused=self.served)
        try:
            return self._exchange(parser, _pieces(head, request.body), request.deadline)
        except TimePassed:
            return parser.deadline_passed()

    def _exchange(self, parser: ResponseParser, unsent: deque[memoryview], deadline: float | None) -> Exchange:
        """Send and read at once: a server may respond, or hang up, before it has read everything."""
        broken: OSError | None = None
        data = self._next(unsent)
        while True:
            if data:
                try:
                    data = data[self.sock.send(data) :]
                except BlockingIOError:
                    pass
                except OSError as error:
                    if error.errno is None:
                        raise  # a signal handler's own
                    broken, data = plain_os_error(error), _NOTHING
                    unsent.clear()
                else:
                    data = data or self._next(unsent)
                parser.request_sent = not data and broken is None
            if not self.wait(READ | WRITE if data else READ, deadline) & ~WRITE:
                continue
            try:
                received = self.sock.recv(parser.read_size)
            except BlockingIOError:
                continue
            except OSError as error:
                if error.errno is None:
                    raise
                return parser.connection_closed(plain_os_error(error))
            if not received:
                return parser.connection_closed(broken)
            if self.tls is None:
                exchange = parser.feed(received)
            else:
                exchange = feed_encrypted(self.tls, parser, received, self.place, reused=self.served)
                if answer := self.tls.output():
                    data = memoryview(bytes(data) + answer)
            if exchange is not None:
                return exchange

    def _next(self, unsent: deque[memoryview]) -> memoryview:
        """Return the bytes to send next, encrypted where that is needed."""
        if not unsent:
            return _NOTHING
        data = unsent.popleft()
        if self.tls is None:
            return data
        if len(data) > _ENCRYPTED:
            unsent.appendleft(data[_ENCRYPTED:])
        return memoryview(self.tls.encrypt(data[:_ENCRYPTED]))


def _pieces(head: memoryview, body: bytes) -> deque[memoryview]:
    if len(body) <= _JOINED:
        return deque((memoryview(b"".join((head, body))),))
    return deque((head, memoryview(body)))
