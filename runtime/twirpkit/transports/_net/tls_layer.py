"""TLS without sockets: received bytes in, plain bytes and bytes to send out. Both transports use it.

`ssl.SSLSocket` reads a record at a time, with two system calls each, and asyncio's own TLS waits for the other side's
farewell when a connection is closed. Neither says what a server answers to a handshake that it refuses.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from typing import Final

from twirpkit._http1.response import Exchange, ResponseParser
from twirpkit.transports._net.connect_failures import ConnectError, plain_os_error, refused_handshake

__all__ = ["TlsLayer", "feed_encrypted"]

_RECORD: Final = 1 << 14
"""Plain bytes that a record can have."""


class TlsLayer:
    """The client's side of one TLS connection.

    Args:
        context: The TLS settings.
        server_name: The name that the server's certificate must be for.

    Raises:
        ConnectError: There cannot be one.
    """

    __slots__ = ("_incoming", "_object", "_outgoing", "closed")

    def __init__(self, context: ssl.SSLContext, server_name: str) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        # No certificate has the dot that says "no search domains". As bytes, for the reason that `look_up` gives.
        name = server_name.rstrip(".").encode("ascii")
        if not name or name.startswith(b"."):
            raise ConnectError("no certificate can be for this name")
        self._object = context.wrap_bio(self._incoming, self._outgoing, server_hostname=name)
        self.closed = False
        """True once the server has said that it sends no more."""

    def handshake(self, received: bytes = b"") -> bool:
        """Take received bytes, none at the start, and go on; True once the handshake is done. Raises ssl.SSLError.

        Send what `output` returns after each call, and after an error, too: it tells the server.
        """
        self._incoming.write(received)
        try:
            self._object.do_handshake()
        except ssl.SSLWantReadError:
            return False
        return True

    def output(self) -> bytes:
        """Return the bytes to send now."""
        return self._outgoing.read()

    def encrypt(self, data: memoryview) -> bytes:
        """Return plain bytes as the bytes to send. Raises ssl.SSLError."""
        while data:
            data = data[self._object.write(data) :]
        return self._outgoing.read()

    def decrypt(self, received: bytes | memoryview) -> Iterator[bytes]:
        """Take received bytes; yield the plain bytes that are complete. Raises ssl.SSLError.

        Ask for `output` afterwards: the server may have asked for new keys.
        """
        self._incoming.write(received)
        while self._incoming.pending or self._object.pending():
            try:
                data = self._object.read(_RECORD)
            except ssl.SSLWantReadError:
                return
            if not data:  # the server says that it sends no more
                self.closed = True
                return
            yield data


def feed_encrypted(
    tls: TlsLayer, parser: ResponseParser, received: bytes | memoryview, place: str, *, reused: bool
) -> Exchange | None:
    """Pass received bytes through TLS to the parser of a response; return the end of the exchange, or None.

    Args:
        tls: The TLS connection.
        parser: The parser of the response.
        received: The bytes as they came from the socket.
        place: The target and the way to it, for people.
        reused: True if the connection has served before: its handshake is over on both sides.
    """
    exchange: Exchange | None = None
    try:
        for data in tls.decrypt(received):
            if exchange is not None:  # bytes beyond the end of the response
                return Exchange(exchange.result, False)
            exchange = parser.feed(data)
    except ssl.SSLError as error:
        if exchange is not None:
            return Exchange(exchange.result, False)
        refused = None if reused or parser.heard else refused_handshake(place, error)
        return parser.connection_closed(plain_os_error(error)) if refused is None else Exchange(refused, False)
    if tls.closed:
        return parser.connection_closed() if exchange is None else Exchange(exchange.result, False)
    return exchange
