"""TLS without sockets: whatever a server sends with, and after, its response."""

from __future__ import annotations

import ssl

import pytest
from byte_server import http
from tls_peer import GARBAGE, Peer

from twirpkit._http1.response import Exchange
from twirpkit.transports._net.connect_failures import ConnectError
from twirpkit.transports._net.tls_layer import TlsLayer, feed_encrypted
from twirpkit.transports.base import HttpResponse, Phase, TransportFailure


def body_of(exchange: Exchange | None) -> bytes:
    assert exchange is not None
    assert isinstance(exchange.result, HttpResponse)
    assert exchange.result.body_error is None
    return exchange.result.body


def test_a_response_in_one_record() -> None:
    peer = Peer()
    exchange = peer.feed(peer.sent(http(b"hello")))
    assert (body_of(exchange), exchange and exchange.reusable) == (b"hello", True)


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_a_response_in_pieces(size: int) -> None:
    peer = Peer()
    body = bytes(range(256)) * 300
    received = peer.sent(http(b"", f"Content-Length: {len(body)}", length=False), body)
    exchange = None
    for start in range(0, len(received), size):
        assert exchange is None
        exchange = peer.feed(received[start : start + size])
    assert (body_of(exchange), exchange and exchange.reusable) == (body, True)


def test_a_view_is_as_good_as_bytes() -> None:
    peer = Peer()
    buffer = bytearray(peer.sent(http(b"hello")))
    exchange = feed_encrypted(peer.client, peer.parser, memoryview(buffer), "the place", reused=False)
    assert body_of(exchange) == b"hello"


def test_what_follows_the_response_ends_the_connection() -> None:
    peer = Peer()
    exchange = peer.feed(peer.sent(http(b"hello"), b"HTTP/1.1 200 OK\r\n"))
    assert (body_of(exchange), exchange and exchange.reusable) == (b"hello", False)


def test_a_farewell_after_the_response_ends_the_connection() -> None:
    peer = Peer()
    exchange = peer.feed(peer.sent(http(b"hello")) + peer.farewell())
    assert (body_of(exchange), exchange and exchange.reusable) == (b"hello", False)
    assert peer.client.closed


def test_garbage_after_the_response_ends_the_connection() -> None:
    peer = Peer()
    exchange = peer.feed(peer.sent(http(b"hello")) + GARBAGE)
    assert (body_of(exchange), exchange and exchange.reusable) == (b"hello", False)


def test_a_farewell_instead_of_a_response() -> None:
    peer = Peer()
    exchange = peer.feed(peer.farewell())
    assert exchange == Exchange(TransportFailure("the connection was closed before a response", Phase.NO_ANSWER), False)


def test_garbage_instead_of_a_response() -> None:
    peer = Peer()
    exchange = peer.feed(GARBAGE)
    assert exchange is not None
    assert isinstance(exchange.result, TransportFailure)
    assert (exchange.result.phase, exchange.result.final, exchange.reusable) == (Phase.NO_ANSWER, False, False)
    assert type(exchange.result.cause) is ssl.SSLError


ALERT = "TLSV13_ALERT_CERTIFICATE_REQUIRED"


@pytest.mark.parametrize(
    ("heard", "reused", "final"), [(False, False, True), (True, False, False), (False, True, False)]
)
def test_an_alert_is_one_of_the_handshake_only_at_the_beginning(heard: bool, reused: bool, final: bool) -> None:
    peer = Peer()
    if heard:
        assert peer.feed(peer.sent(b"HTTP/1.1 100 Continue\r\n\r\n")) is None

    def decrypt(received: bytes) -> None:
        error = ssl.SSLError(1, "alert")
        error.reason = ALERT
        raise error

    peer.client = _Failing(decrypt)  # type: ignore[assignment]  # like one
    exchange = peer.feed(b"x", reused=reused)
    assert exchange is not None
    assert isinstance(exchange.result, TransportFailure)
    assert exchange.reusable is False
    assert exchange.result.final == final
    assert (exchange.result.phase is Phase.NOT_SENT) == final
    assert exchange.result.reason.startswith("could not connect to the place: " if final else "the connection was")


class _Failing:
    closed = False

    def __init__(self, decrypt: object) -> None:
        self.decrypt = decrypt


def test_a_large_request_is_encrypted_whole() -> None:
    peer = Peer()
    data = bytes(range(256)) * 500
    peer._incoming.write(peer.client.encrypt(memoryview(data)))
    received = b""
    while len(received) < len(data):
        received += peer.server.read(65536)
    assert received == data
    assert peer.client.output() == b""


@pytest.mark.parametrize("name", ["", ".", ".a", "..a"])
def test_a_name_that_no_certificate_can_have(name: str) -> None:
    with pytest.raises(ConnectError, match=r"^no certificate can be for this name$"):
        TlsLayer(ssl.create_default_context(), name)


def test_the_last_dot_is_not_part_of_a_certificate() -> None:
    context = ssl.create_default_context()
    assert TlsLayer(context, "localhost.")._object.server_hostname == "localhost"
    assert TlsLayer(context, "EXAMPLE.X")._object.server_hostname == "EXAMPLE.X"
