"""A connection of the sync transport, over a socket that does what no server can make it do."""

from __future__ import annotations

import contextlib
import errno
import socket
import threading
import time
from collections import deque
from collections.abc import Iterator
from typing import Any

import pytest
from byte_server import http
from tls_peer import Peer
from worlds import make_request

from twirpkit._http1.response import Exchange
from twirpkit.transports._net import sync_connection
from twirpkit.transports._net.sync_connect import _shake_hands
from twirpkit.transports._net.sync_connection import SyncConnection, TimePassed
from twirpkit.transports.base import HttpResponse, Phase, TransportFailure

HEAD = memoryview(b"POST / HTTP/1.1\r\n\r\n")


class OddSocket:
    """A socket, of which some calls fail first."""

    def __init__(self, sock: socket.socket, **failures: BaseException) -> None:
        self.sock = sock
        self.failures = failures

    def __getattr__(self, name: str) -> Any:
        failure = self.failures.pop(name, None)
        if failure is None:
            return getattr(self.sock, name)

        def fail(*_: object) -> None:
            raise failure

        return fail


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def exchanged(sock: Any, **options: Any) -> Exchange:
    connection = SyncConnection(sock)
    connection.place = "here"
    return connection.exchange(make_request("http://here/", **options), HEAD)


@pytest.mark.parametrize("call", ["send", "recv"])
def test_a_socket_that_is_not_ready_after_all(pair: tuple[socket.socket, socket.socket], call: str) -> None:
    ours, theirs = pair
    theirs.send(http(b"hi"))
    exchange = exchanged(OddSocket(ours, **{call: BlockingIOError(errno.EAGAIN, "later")}))
    assert isinstance(exchange.result, HttpResponse)
    assert exchange.result.body == b"hi"


@pytest.mark.parametrize("kind", [OSError, ConnectionResetError, TimeoutError])
@pytest.mark.parametrize("call", ["send", "recv"])
def test_an_error_without_a_number_is_a_signal_handlers(
    pair: tuple[socket.socket, socket.socket], call: str, kind: type[OSError]
) -> None:
    ours, theirs = pair
    theirs.send(http(b"hi"))
    with pytest.raises(kind) as caught:
        exchanged(OddSocket(ours, **{call: kind("raised by a handler")}))
    assert str(caught.value) == "raised by a handler"


def test_the_kernels_own_timeout_is_a_broken_connection(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    theirs.send(b"HTTP/1.1 ")
    exchange = exchanged(OddSocket(ours, recv=TimeoutError(errno.ETIMEDOUT, "timed out")))
    assert isinstance(exchange.result, TransportFailure)
    assert (exchange.result.phase, exchange.result.timed_out) == (Phase.NO_ANSWER, False)
    assert exchange.result.cause is not None
    assert exchange.result.cause.errno == errno.ETIMEDOUT


def test_a_response_although_sending_failed(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    theirs.send(http(b"too large", status="413 No"))
    exchange = exchanged(OddSocket(ours, send=BrokenPipeError(errno.EPIPE, "broken")), body=bytes(100_000))
    assert isinstance(exchange.result, HttpResponse)
    assert (exchange.result.status, exchange.reusable) == (413, False)


def test_no_response_after_sending_failed(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    theirs.close()
    exchange = exchanged(OddSocket(ours, send=BrokenPipeError(errno.EPIPE, "broken")))
    assert isinstance(exchange.result, TransportFailure)
    assert isinstance(exchange.result.cause, BrokenPipeError)


def test_receiving_waits(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    connection = SyncConnection(OddSocket(ours, recv=BlockingIOError(errno.EAGAIN, "later")))  # type: ignore[arg-type]  # like one
    later = threading.Timer(0.02, theirs.send, [b"x"])
    later.start()
    assert connection.receive(10, time.monotonic() + 10) == b"x"
    later.join()
    with pytest.raises(TimePassed):
        connection.receive(10, time.monotonic() + 0.01)


def test_sending_waits(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    connection = SyncConnection(ours)
    data = bytes(range(256)) * 8_000
    received = bytearray()

    def read() -> None:
        while len(received) < len(data):
            received.extend(theirs.recv(50_000))

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    connection.send_all(memoryview(data), time.monotonic() + 10)
    thread.join(10)
    assert bytes(received) == data
    with pytest.raises(TimePassed):
        connection.send_all(memoryview(bytes(10_000_000)), time.monotonic() + 0.05)


@pytest.mark.parametrize("outputs", [[bytes(10_000_000)], [b"", bytes(10_000_000)]], ids=["first", "later"])
def test_a_handshake_whose_messages_are_not_read_in_time(
    pair: tuple[socket.socket, socket.socket], outputs: list[bytes]
) -> None:
    unsent = outputs.copy()

    class Verbose:
        def handshake(self, received: bytes = b"") -> bool:
            return bool(received)

        def output(self) -> bytes:
            return unsent.pop(0)

    ours, theirs = pair
    theirs.send(b"x")
    with pytest.raises(TimePassed):
        _shake_hands(SyncConnection(ours), Verbose(), time.monotonic() + 0.05)  # type: ignore[arg-type]  # like one
    assert not unsent


@pytest.mark.parametrize("until", [None, 1e9])
def test_a_wait_may_be_longer_than_a_number_of_c(
    pair: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch, until: float | None
) -> None:
    ours, theirs = pair
    connection = SyncConnection(ours)
    theirs.send(b"x")
    assert connection.wait(sync_connection.READ, until)
    ours.recv(1)
    monkeypatch.setattr(sync_connection, "_LONGEST_WAIT", 1.0)
    later = threading.Timer(0.03, theirs.send, [b"x"])
    later.start()
    assert connection.wait(sync_connection.READ, until)
    later.join()


def test_how_long_a_wait_is(pair: tuple[socket.socket, socket.socket]) -> None:
    """In one piece, up to its moment: the clock is read once more, and says that it has come."""
    waits: list[float | None] = []

    class Recording:
        def poll(self, timeout: float | None) -> list[tuple[int, int]]:
            waits.append(timeout)
            time.sleep((timeout or 0.0) / 1000)
            return []

    connection = SyncConnection(pair[0])
    connection._poller = Recording()  # type: ignore[assignment]  # like one
    with pytest.raises(TimePassed):
        connection.wait(sync_connection.READ, time.monotonic() + 0.1)
    assert waits[0] is not None
    assert 80 < waits[0] <= 100
    assert sum(wait or 0 for wait in waits) < 110


@pytest.mark.parametrize(("left", "waits"), [(0.0005, [0.5]), (0.0, []), (-1.0, [])])
def test_a_wait_is_over_at_its_moment(
    pair: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch, left: float, waits: list[float]
) -> None:
    """Not before it, and without another look at the socket."""
    now = 0.0
    waited: list[float] = []

    class Advancing:
        def poll(self, timeout: float) -> list[tuple[int, int]]:
            nonlocal now
            waited.append(timeout)
            now += timeout / 1000
            return []

    connection = SyncConnection(pair[0])
    connection._poller = Advancing()  # type: ignore[assignment]  # like one
    monkeypatch.setattr(sync_connection.time, "monotonic", lambda: now)
    with pytest.raises(TimePassed):
        connection.wait(sync_connection.READ, left)
    assert waited == waits


@pytest.mark.parametrize("beyond", [0, 1])
def test_how_much_is_encrypted_at_once(pair: tuple[socket.socket, socket.socket], beyond: int) -> None:
    peer = Peer()
    connection = SyncConnection(pair[0])
    connection.tls = peer.client
    unsent = deque([memoryview(bytes(sync_connection._ENCRYPTED + beyond))])
    assert len(connection._next(unsent)) > sync_connection._ENCRYPTED
    assert [len(piece) for piece in unsent] == [beyond] * beyond


def test_after_a_wait_to_send_it_waits_to_read(pair: tuple[socket.socket, socket.socket]) -> None:
    connection = SyncConnection(pair[0])
    assert connection.wait(sync_connection.READ | sync_connection.WRITE, None) == sync_connection.WRITE
    assert connection.is_quiet()


def test_what_tls_wants_to_send_after_reading_is_sent(pair: tuple[socket.socket, socket.socket]) -> None:
    """A server may ask for new keys."""

    class Renewing:
        closed = False

        def __init__(self) -> None:
            self.answers = [b"", b"new keys", b""]

        def encrypt(self, data: memoryview) -> bytes:
            return bytes(data)

        def decrypt(self, received: bytes) -> Iterator[bytes]:
            yield received

        def output(self) -> bytes:
            return self.answers.pop(0)

    ours, theirs = pair
    connection = SyncConnection(ours)
    connection.place, connection.tls = "here", Renewing()  # type: ignore[assignment]  # like one
    request = b"POST / HTTP/1.1\r\n\r\nask"

    def serve() -> None:
        received = b""
        for piece in (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 ", b"200 OK\r\nContent-Length: 0\r\n\r\n"):
            expected = request + (b"new keys" if piece.startswith(b"200") else b"")
            while len(received) < len(expected):
                received += theirs.recv(1000)
            assert received == expected
            theirs.send(piece)
            time.sleep(0.02)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    exchange = connection.exchange(make_request("http://here/"), HEAD)
    thread.join(5)
    assert isinstance(exchange.result, HttpResponse)
    assert exchange.result.status == 200


def test_a_connection_without_a_socket_ends_quietly() -> None:
    """As one that an exception stopped while it was made."""
    with contextlib.suppress(TypeError):
        SyncConnection()  # type: ignore[call-arg]  # it has none
    SyncConnection.__new__(SyncConnection).__del__()
