"""A Twirp call with nothing around it, on a socket and on an asyncio protocol: the floor that the clients stand above.

Serialize the request, write head and body, read, find the status and the length, parse the message; no retries, no
checks of the response, no errors of its own.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Mapping
from typing import cast

import payloads

from livekit_twirp import CreateRoomRequest, ListRoomsRequest, ListRoomsResponse, Room

TIMEOUT = 10.0


def head(path: str, port: int, headers: Mapping[str, str]) -> bytes:
    """Return a request head that ends in the middle of ``Content-Length``."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{lines}Content-Length: ".encode()


def body_bounds(received: bytes | bytearray) -> tuple[int, int] | None:
    """Return where the response body starts and ends, None while its head is not whole."""
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return None
    assert received.startswith(b"HTTP/1.1 200 ")
    at = received.index(b"Content-Length: ") + 16
    return end + 4, end + 4 + int(received[at : received.index(b"\r", at)])


class Socket:
    """Twirp calls on one blocking socket."""

    def __init__(self, port: int, headers: Mapping[str, str], tls: ssl.SSLContext | None = None) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), TIMEOUT)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls is not None:
            self._socket = tls.wrap_socket(self._socket, server_hostname="127.0.0.1")
        self._small = head(payloads.SMALL_PATH, port, headers)
        self._large = head(payloads.LARGE_PATH, port, headers)

    def create_room(self, name: str) -> Room:
        """Make the call with a small response."""
        return Room.FromString(self._exchange(self._small, CreateRoomRequest(name=name).SerializeToString()))

    def list_rooms(self) -> ListRoomsResponse:
        """Make the call with a large response."""
        return ListRoomsResponse.FromString(self._exchange(self._large, ListRoomsRequest().SerializeToString()))

    def _exchange(self, head: bytes, body: bytes) -> bytes | bytearray:
        self._socket.sendall(b"%b%d\r\n\r\n%b" % (head, len(body), body))
        received = self._socket.recv(65536)
        while (bounds := body_bounds(received)) is None:
            received += self._socket.recv(65536)
        start, end = bounds
        if len(received) >= end:
            return received[start:]
        whole = bytearray(end - start)
        view = memoryview(whole)
        have = len(received) - start
        view[:have] = received[start:]
        while have < len(whole):
            have += self._socket.recv_into(view[have:])
        return whole  # protobuf parses it without a copy

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


class Protocol(asyncio.Protocol):
    """One connection: a request is written, and a future gets its response body."""

    transport: asyncio.Transport
    _waiter: asyncio.Future[bytes]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but its base class
        self._received = b""

    def data_received(self, data: bytes) -> None:
        """Hand over the body once it is whole."""
        received = self._received = self._received + data
        bounds = body_bounds(received)
        if bounds is not None and len(received) >= bounds[1]:
            self._received = b""
            if not self._waiter.done():
                self._waiter.set_result(received[bounds[0] :])

    def exchange(self, request: bytes, loop: asyncio.AbstractEventLoop) -> asyncio.Future[bytes]:
        """Write a request."""
        self._waiter = loop.create_future()
        self.transport.write(request)
        return self._waiter


class Protocols:
    """Twirp calls on asyncio protocols, with a pool that is a list and a timeout."""

    def __init__(self, port: int, headers: Mapping[str, str], tls: ssl.SSLContext | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        self._port = port
        self._tls = tls
        self._head = head(payloads.SMALL_PATH, port, headers)
        self._idle: list[Protocol] = []

    async def create_room(self, name: str) -> Room:
        """Make the call with a small response."""
        body = CreateRoomRequest(name=name).SerializeToString()
        async with asyncio.timeout(TIMEOUT):
            protocol = self._idle.pop() if self._idle else await self._connect()
            received = await protocol.exchange(b"%b%d\r\n\r\n%b" % (self._head, len(body), body), self._loop)
        self._idle.append(protocol)
        return Room.FromString(received)

    async def _connect(self) -> Protocol:
        _, protocol = await self._loop.create_connection(Protocol, "127.0.0.1", self._port, ssl=self._tls)
        return protocol

    async def aclose(self) -> None:
        """Close the connections and let the loop see it."""
        for protocol in self._idle:
            protocol.transport.close()
        self._idle.clear()
        await asyncio.sleep(0)
