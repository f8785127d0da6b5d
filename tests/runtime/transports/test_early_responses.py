"""A server that speaks before it has read the whole request (RFC 9112, 9.5; RFC 9110, 10.1.1)."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from byte_server import http
from worlds import WORLDS, World

from twirpkit.transports.base import HttpResponse, Phase, TransportFailure

PEM = Path(__file__).with_name("localhost.pem")
LARGE = bytes(range(256)) * 50_000
Script = Callable[[socket.socket], None]


@contextlib.contextmanager
def playing(*scripts: Script, encrypted: bool) -> Iterator[str]:
    """A server that plays one script for each connection."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(PEM)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            for script in scripts:
                raw, _ = listener.accept()
                raw.settimeout(10)
                with contextlib.suppress(OSError):
                    with context.wrap_socket(raw, server_side=True) if encrypted else raw as connection:
                        script(connection)

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"{'https' if encrypted else 'http'}://127.0.0.1:{listener.getsockname()[1]}"
        thread.join(10)


def read_head(connection: socket.socket) -> int:
    """Read a little of a request, more than its header; return how much of its body that was."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(1000)
    return len(received) - received.index(b"\r\n\r\n") - 4


def read_body(connection: socket.socket, size: int) -> None:
    while size > 0:
        size -= len(connection.recv(65536))


@pytest.fixture(params=WORLDS)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    world = WORLDS[request.param](tls=PEM)
    yield world
    world.end()


@pytest.mark.parametrize("encrypted", [False, True], ids=["plain", "TLS"])
def test_an_interim_response_does_not_end_the_sending(world: World, encrypted: bool) -> None:
    def proceed(connection: socket.socket) -> None:
        for _ in range(2):
            size = read_head(connection)
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            time.sleep(0.01)
            read_body(connection, len(LARGE) - size)
            connection.sendall(http(b"fine"))

    with playing(proceed, encrypted=encrypted) as url:
        for _ in range(2):
            assert world.send(url, body=LARGE).body == b"fine"


@pytest.mark.parametrize("encrypted", [False, True], ids=["plain", "TLS"])
def test_a_response_ends_the_sending_at_once(world: World, encrypted: bool) -> None:
    """The server reads no more, and does not hang up either; the connection is not used again."""
    over = threading.Event()

    def refuse(connection: socket.socket) -> None:
        read_head(connection)
        connection.sendall(http(b"too large", status="413 Too Large"))
        over.wait(10)

    def accept(connection: socket.socket) -> None:
        read_head(connection)
        connection.sendall(http(b"next"))

    with playing(refuse, accept, encrypted=encrypted) as url:
        got = world.send(url, body=LARGE, timeout=5.0)
        over.set()
        assert (got.status, got.body) == (413, b"too large")
        assert world.send(url).body == b"next"


@pytest.mark.parametrize("encrypted", [False, True], ids=["plain", "TLS"])
def test_a_response_before_a_reset_is_read(world: World, encrypted: bool) -> None:
    """The bytes of a request that nobody reads turn the close into a reset, which may overtake the response."""

    def refuse(connection: socket.socket) -> None:
        read_head(connection)
        connection.sendall(http(b"too large", status="413 Too Large"))

    with playing(*[refuse] * 5, encrypted=encrypted) as url:
        outcomes: list[Any] = [world.send(url, body=LARGE) for _ in range(5)]
    for outcome in outcomes:
        if isinstance(outcome, TransportFailure):
            assert outcome.phase is Phase.NO_ANSWER
            assert isinstance(outcome.cause, ConnectionError)
        else:
            assert outcome.status == 413
    assert any(isinstance(outcome, HttpResponse) for outcome in outcomes)


@pytest.mark.parametrize("encrypted", [False, True], ids=["plain", "TLS"])
def test_a_reset_while_sending_is_the_cause(world: World, encrypted: bool) -> None:
    def reset(connection: socket.socket) -> None:
        read_head(connection)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    with playing(reset, encrypted=encrypted) as url:
        failed = world.fail(url, body=LARGE)
    assert (failed.phase, failed.timed_out, failed.final) == (Phase.NO_ANSWER, False, False)
    assert failed.reason == "the connection was closed before a response"
    assert isinstance(failed.cause, ConnectionError)
