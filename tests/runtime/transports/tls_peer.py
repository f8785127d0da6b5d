"""Both ends of a TLS connection without sockets: what a server sends, record by record."""

from __future__ import annotations

import contextlib
import ssl
from pathlib import Path

import pytest

from twirpkit._http1.response import Exchange, ResponseParser
from twirpkit.transports._net.tls_layer import TlsLayer, feed_encrypted

__all__ = ["GARBAGE", "Peer"]

PEM = Path(__file__).with_name("localhost.pem")
GARBAGE = b"\x17\x03\x03\x00\x20" + bytes(32)
"""A record that nothing decrypts."""


class Peer:
    """A client and a server, past their handshake."""

    def __init__(self) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(PEM)
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.server = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self.client = TlsLayer(ssl.create_default_context(cafile=PEM), "localhost")
        done = self.client.handshake()
        assert not done
        while not done:
            self._incoming.write(self.client.output())
            with contextlib.suppress(ssl.SSLWantReadError):
                self.server.do_handshake()
            done = self.client.handshake(self._outgoing.read())
        self._incoming.write(self.client.output())
        self.server.do_handshake()
        self.parser = ResponseParser("POST", 1 << 20, reused=False)

    def sent(self, *pieces: bytes) -> bytes:
        """Return records of the server, one for each piece."""
        for piece in pieces:
            self.server.write(piece)
        return self._outgoing.read()

    def farewell(self) -> bytes:
        """Return the record that says that the server sends no more."""
        with pytest.raises(ssl.SSLWantReadError):
            self.server.unwrap()
        return self._outgoing.read()

    def feed(self, received: bytes, *, reused: bool = False) -> Exchange | None:
        return feed_encrypted(self.client, self.parser, received, "the place", reused=reused)
