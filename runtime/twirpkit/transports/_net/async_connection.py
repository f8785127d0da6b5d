"""One connection of the async transport: a protocol of asyncio that feeds the parser of a response directly."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import Callable
from typing import Any, Final, Protocol

from twirpkit._http1.head import BadResponse
from twirpkit._http1.request import encode_connect
from twirpkit._http1.response import ConnectParser, Exchange, ResponseParser
from twirpkit.transports._net.connect_failures import (
    CONNECTION_CLOSED,
    ConnectError,
    plain_os_error,
    refused_handshake,
)
from twirpkit.transports._net.connection_pool import Slot
from twirpkit.transports._net.proxy import NO_HTTP, Proxy, refusal
from twirpkit.transports._net.readiness import READ, new_poller
from twirpkit.transports._net.route import Route
from twirpkit.transports._net.tls_layer import TlsLayer, feed_encrypted
from twirpkit.transports.base import HttpRequest, TransportFailure

__all__ = ["AsyncConnection", "Owner"]

_JOINED: Final = 1 << 16
"""Bytes of a body that are sent in one piece with the head."""
_ENCRYPTED: Final = 1 << 18
"""Bytes that are encrypted at once."""
_REST: Final = 1 << 16
"""Bytes to read at once of what is left after sending failed."""


class Owner(Protocol):
    """The pool of a loop."""

    buffer: memoryview
    """Takes what any of its connections receives, which is passed on at once. To allocate as much for each read, as
    asyncio does for a plain protocol, takes longer than all the rest."""

    def keep(self, connection: AsyncConnection, /) -> None:
        """Take back a connection that may be used again."""

    def made(self, connection: AsyncConnection, /) -> None:
        """Take note of a new connection."""

    def forget_idle(self, connection: AsyncConnection, /) -> None:
        """Forget a connection, if it is idle, because it ended by itself."""

    def gone(self, connection: AsyncConnection, /) -> None:
        """Forget a connection that is closed."""


class AsyncConnection(asyncio.BufferedProtocol):
    """A connection in an event loop.

    While it is made it has a step, while it serves a request a parser; otherwise it is idle, and whatever is received
    then ends it.

    Args:
        sock: The connected socket.
        route: The way to the origin that it is for.
        owner: The pool that it belongs to.
    """

    __slots__ = (
        "_buffer",
        "_deadline",
        "_loop",
        "_owner",
        "_parser",
        "_place",
        "_poller",
        "_step",
        "_timer",
        "_timer_at",
        "_tls",
        "_transport",
        "_waiter",
        "ended",
        "expires",
        "idle_since",
        "origin",
        "refusal",
        "served",
        "slot",
        "sock",
        "spent",
    )

    idle_since: float
    expires: float
    _deadline: float | None
    """That of the last request."""
    _timer_at: float
    """The time of the timer, if there is one."""
    _transport: asyncio.Transport

    def __init__(self, sock: socket.socket, route: Route, owner: Owner) -> None:
        self.slot: Slot | None = None
        self.origin = route.target.origin
        self.served = False
        self.ended = False
        """True once it was closed, from whichever side."""
        self.spent = False
        """True if its slot is free once it is closed: nobody holds it."""
        self.refusal: TransportFailure | None = None
        """The server's alert about the handshake, received after it and before a request was sent (TLS 1.3)."""
        self.sock = sock
        self._place = route.place
        self._loop = asyncio.get_running_loop()
        self._owner = owner
        self._buffer = owner.buffer
        self._tls: TlsLayer | None = None
        self._parser: ResponseParser | None = None
        self._step: Callable[[bytes], object] | None = None
        self._waiter: asyncio.Future[Any] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._poller = new_poller()
        self._poller.register(sock.fileno(), READ)

    def is_quiet(self) -> bool:
        """Return True if it is open and nothing came since it became idle: the loop may not have seen it yet."""
        return not self.ended and not self._poller.poll(0)

    def close(self) -> None:
        """Close at once, without a farewell: the other side may never return it."""
        self.ended = True
        self._transport.abort()

    def start(self, request: HttpRequest, head: memoryview, now: float) -> asyncio.Future[Exchange]:
        """Send a request; the future gets the end of the exchange."""
        self._parser = ResponseParser(request.method, request.max_body, reused=self.served)
        waiter: asyncio.Future[Exchange] = self._loop.create_future()
        self._waiter = waiter
        self._deadline = deadline = request.deadline
        if deadline is not None and (self._timer is None or deadline < self._timer_at):
            self._set_timer(deadline, now)
        if len(request.body) <= _JOINED:
            self._write(memoryview(b"".join((head, request.body))))
        else:
            self._write(head)
            self._write(memoryview(request.body))
        return waiter

    def abandon(self, waiter: asyncio.Future[Exchange]) -> None:
        """Close the connection if it still serves the request that the future belongs to."""
        if self._waiter is waiter:
            self._parser = self._waiter = None
            self.spent = True
            self.close()

    def cut_off(self) -> None:
        """Close it; a request under way ends as if the server had closed it."""
        self._end(None)

    async def open_tunnel(self, route: Route, proxy: Proxy) -> None:
        """Have the proxy connect us to the target. Raises ConnectError, OSError."""
        parser = ConnectParser()
        try:
            status = await self._go_on(parser.feed, memoryview(encode_connect(route.target, proxy.authorization)))
        except BadResponse:
            status = None
        if status is None:
            raise ConnectError(NO_HTTP)
        if status != 200:
            raise refusal(status)

    async def shake_hands(self, context: ssl.SSLContext, name: str) -> None:
        """Make it a TLS connection. Raises ssl.SSLError, ConnectError, OSError."""
        tls = TlsLayer(context, name)

        def step(data: bytes) -> bool | None:
            try:
                done = tls.handshake(data)
            finally:
                self._transport.write(tls.output())  # also the alert that tells the server of an error
            if done:
                self._tls = tls  # now: more may be received before anybody wakes up
            return done or None

        tls.handshake()
        await self._go_on(step, memoryview(tls.output()))

    async def _go_on(self, step: Callable[[bytes], Any], data: memoryview) -> Any:
        """Send, and pass what is received to the step until it returns something.

        What is sent is a view, because it does not show its bytes in a traceback with local variables (rule E1).
        """
        self._step = step
        self._waiter = self._loop.create_future()
        self._transport.write(data)
        try:
            return await self._waiter
        finally:
            self._step = self._waiter = None

    def connection_made(self, transport: Any) -> None:  # uvloop's does not inherit from asyncio.Transport
        self._transport = transport
        self._owner.made(self)

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        parser = self._parser
        if parser is None:
            self._receive_between(bytes(self._buffer[:nbytes]))
            return
        exchange = self._feed(parser, self._buffer[:nbytes])
        if exchange is not None:
            self._finish(exchange)

    def eof_received(self) -> None:
        self._end(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(exc)
        if self._timer is not None:
            self._timer.cancel()
        self._owner.gone(self)

    def _feed(self, parser: ResponseParser, data: bytes | memoryview) -> Exchange | None:
        if not self.ended:
            parser.request_sent = not self._transport.get_write_buffer_size()
        if self._tls is None:
            return parser.feed(data)
        exchange = feed_encrypted(self._tls, parser, data, self._place, reused=self.served)
        if output := self._tls.output():
            self._transport.write(output)
        return exchange

    def _feed_rest(self, parser: ResponseParser) -> Exchange | None:
        """Read what was received before sending failed: a server may respond, or say why not, and hang up."""
        while True:
            try:
                data = self.sock.recv(_REST)
            except OSError:
                return None
            if not data:
                return None
            exchange = self._feed(parser, data)
            if exchange is not None:
                return exchange

    def _write(self, data: memoryview) -> None:
        if self._tls is None:
            self._transport.write(data)
            return
        for start in range(0, len(data), _ENCRYPTED):
            self._transport.write(self._tls.encrypt(data[start : start + _ENCRYPTED]))

    def _receive_between(self, data: bytes) -> None:
        """Take what is received while no request is under way."""
        step, waiter = self._step, self._waiter
        if step is not None and waiter is not None:
            if waiter.done():
                return
            try:
                result = step(data)
            except (BadResponse, ssl.SSLError) as error:
                waiter.set_exception(error)
            else:
                if result is not None:
                    self._step = None
                    waiter.set_result(result)
            return
        unexpected = True
        if self._tls is not None:
            try:
                unexpected = any(self._tls.decrypt(data)) or self._tls.closed  # not so the keys for a next connection
            except ssl.SSLError as error:
                self.refusal = refused_handshake(self._place, error)
        if unexpected:
            self._end(None)

    def _finish(self, exchange: Exchange) -> None:
        """End the exchange. The connection is kept, or closed, at once: not when the request's task runs again."""
        waiter = self._waiter
        self._parser = self._waiter = None
        if exchange.reusable and not self.ended:
            self._owner.keep(self)
        else:
            self.spent = True
            self.close()
        if waiter is not None and not waiter.done():
            waiter.set_result(exchange)

    def _end(self, error: Exception | None) -> None:
        """Take note that the connection has ended, from whichever side."""
        if self.ended:
            return
        self.ended = True
        waiter = self._waiter
        parser = self._parser
        if parser is not None:
            exchange = self._feed_rest(parser) if isinstance(error, OSError) else None
            self._finish(exchange or parser.connection_closed(plain_os_error(error)))
        elif waiter is None:
            self._owner.forget_idle(self)
        elif not waiter.done():
            waiter.set_exception(ConnectError(CONNECTION_CLOSED))
        self._transport.abort()

    def _set_timer(self, deadline: float, now: float) -> None:
        """Look at the deadline when it passes. The timer outlives a request: the next deadline is later anyway."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = deadline
        self._timer = self._loop.call_later(deadline - now, self._look_at_deadline)

    def _look_at_deadline(self) -> None:
        self._timer = None
        if self._parser is None or self._deadline is None:
            return
        now = time.monotonic()
        if now < self._deadline:
            self._set_timer(self._deadline, now)
        else:
            self._finish(self._parser.deadline_passed())
