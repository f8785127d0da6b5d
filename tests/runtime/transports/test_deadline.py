"""The deadline (rule B3): whatever the server does, and in every phase.

That a call was not late is what came of it: each script goes on long after the deadline and then ends in another way.
How many milliseconds late it was, is a figure of the stress tests.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import math
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from byte_server import PATIENCE, Canned, http, serve
from unreachable_addresses import full_backlog
from worlds import WORLDS, SyncWorld, World

from twirpkit.transports.base import HttpResponse, Phase, TransportFailure

pytestmark = pytest.mark.slow  # many that wait: for a deadline each
BUDGET = 0.12
EARLY = 0.005
LARGE = 12_000_000
"""Bytes of a request that no buffer on the way takes whole."""
LONG = 2.0
"""Seconds that a server holds, drips or does not read: what it does then is another failure than the deadline's."""


def timed(world: World, url: str, *, timeout: float = BUDGET, **options: object) -> HttpResponse | TransportFailure:
    """The outcome, after checking that it did not come early."""
    before = time.monotonic()
    outcome: HttpResponse | TransportFailure = world.send(url, timeout=timeout, **options)
    took = time.monotonic() - before
    assert took >= timeout - EARLY, f"{took:.3f} s"
    return outcome


def failed(outcome: HttpResponse | TransportFailure) -> Phase:
    assert isinstance(outcome, TransportFailure)
    assert outcome.timed_out
    assert "deadline" in outcome.reason
    assert outcome.cause is None
    return outcome.phase


SILENT = {
    "no answer": Canned(b"", "hold", hold=LONG),
    "a cut header": Canned(b"HTTP/1.1 200 OK\r\nContent-Le", "hold", hold=LONG),
    "a dripping header": Canned(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 1000, drip=0.01),
    "dripping interim answers": Canned(b"HTTP/1.1 103 X\r\n\r\n" * 100, drip=0.01),
}


@pytest.mark.parametrize("name", SILENT)
def test_no_header_in_time(world: World, name: str) -> None:
    with serve(SILENT[name], http(b"next")) as server:
        phase = failed(timed(world, server.url))
        assert world.send(server.url).body == b"next"
    expected = Phase.NO_ANSWER if name == "no answer" else Phase.CUT
    assert phase is expected or name == "dripping interim answers"
    assert server.connections == 2, "a half-read connection is not used again"


BODIES = {
    "a body that stops": (b"Content-Length: 9\r\n\r\nhi", 0.0),
    "no body": (b"Content-Length: 9\r\n\r\n", 0.0),
    "a dripping body": (b"Content-Length: 999\r\n\r\n" + b"hi" * 400, 0.01),
    "chunks that stop": (b"Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n", 0.0),
    "no last line": (b"Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n", 0.0),
    "dripping chunks": (b"Transfer-Encoding: chunked\r\n\r\n" + b"2\r\nhi\r\n" * 200, 0.002),
    "a dripping trailer": (b"Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n" + b"A: b\r\n" * 100, 0.002),
    "no length and no end": (b"\r\nhi", 0.0),
}


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("status", [200, 503])
def test_no_whole_body_in_time(world: World, name: str, status: int) -> None:
    rest, drip = BODIES[name]
    data = f"HTTP/1.1 {status} X\r\n".encode() + rest
    answer = Canned(data, "hold", hold=LONG, drip=drip, drip_from=data.index(b"\r\n\r\n") + 4)
    with serve(answer, http(b"next")) as server:
        outcome = timed(world, server.url)
        assert world.send(server.url).body == b"next"
    assert server.connections == 2, "a half-read connection is not used again"
    if status == 200:
        assert failed(outcome) is Phase.CUT
    else:
        assert isinstance(outcome, HttpResponse)
        assert outcome.status == status
        assert "deadline" in (outcome.body_error or "")
        assert outcome.body == b"" or (b"hi" * 400).startswith(outcome.body)
        assert bool(outcome.body) == (name != "no body") or drip


def test_above_five_seconds_it_is_not_rounded() -> None:
    """Some libraries round such a deadline up to the clock's next whole second. The slowest test of all."""
    now = time.monotonic()
    deadline = math.ceil(now) + 5.1
    answer = Canned(b"", "hold", hold=deadline + 0.5 - now)

    def call(world: World, url: str) -> Phase:
        try:
            return failed(timed(world, url, timeout=deadline - time.monotonic()))
        finally:
            world.end()

    with serve(*[answer] * len(WORLDS)) as server, concurrent.futures.ThreadPoolExecutor() as threads:
        calls = [threads.submit(call, make(), server.url) for make in WORLDS.values()]
        assert [each.result() for each in calls] == [Phase.NO_ANSWER] * len(WORLDS)


def test_no_connection_in_time(world: World) -> None:
    with full_backlog() as url:
        assert failed(timed(world, url)) is Phase.NOT_SENT


Behaviour = Callable[[socket.socket, threading.Event], bool]
"""What a server does with a connection, unless the event says that the test is over; whether it got to its end."""


@contextlib.contextmanager
def listening(behave: Behaviour) -> Iterator[tuple[str, threading.Event]]:
    """A server that behaves so on its only connection until the test is over; the event says that it got to its end."""
    over, ended = threading.Event(), threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE)  # a client that is late does not come at all

        def accept() -> None:
            with contextlib.suppress(OSError), listener.accept()[0] as connection:
                if behave(connection, over):
                    ended.set()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}", ended
        finally:
            over.set()
            thread.join(PATIENCE)


def drip(connection: socket.socket, over: threading.Event) -> bool:
    """Of a TLS handshake, a record's header, then its bytes, one at a time."""
    for byte in b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc\x03\x03" + bytes(500):
        connection.sendall(bytes([byte]))
        if over.wait(0.01):
            return False
    return True


def sip(connection: socket.socket, over: threading.Event) -> bool:
    """Read slowly."""
    left = LARGE
    while left > 0 and not over.wait(0.01) and (data := connection.recv(50_000)):
        left -= len(data)
    return left <= 0


def read_nothing(connection: socket.socket, over: threading.Event) -> bool:
    return not over.wait(LONG)


@pytest.mark.parametrize("handshake", [read_nothing, drip])
def test_no_tls_handshake_in_time(world: World, handshake: Behaviour) -> None:
    with listening(handshake) as (place, ended):
        assert failed(timed(world, f"https://{place}")) is Phase.NOT_SENT
        assert not ended.is_set()


@pytest.mark.parametrize("reading", [read_nothing, sip])
def test_a_request_that_is_not_read_in_time(world: World, reading: Behaviour) -> None:
    with listening(reading) as (place, ended):
        assert failed(timed(world, f"http://{place}", body=bytes(LARGE))) is Phase.NO_ANSWER
        assert not ended.is_set()


@pytest.mark.parametrize("timeout", [0.0, -1.0, -1e9])
def test_a_deadline_that_has_passed(world: World, timeout: float) -> None:
    with serve(http(b"hi"), http(b"hi")) as server:
        assert failed(world.fail(server.url, timeout=timeout)) is Phase.NOT_SENT
        assert server.connections == 0
        world.send(server.url)
        assert failed(world.fail(server.url, timeout=timeout)) is Phase.NOT_SENT
    assert len(server.requests) == 1


def test_no_deadline(world: World) -> None:
    with serve(Canned(http(b"slow"), "keep", drip=0.002), http(b"hi")) as server:
        assert world.send(server.url, timeout=None).body == b"slow"
        assert world.send(server.url, timeout=None).body == b"hi"
    assert server.connections == 1


def test_one_deadline_does_not_outlive_its_request(world: World) -> None:
    with serve(http(b"one"), Canned(http(b"two"), "keep", drip=0.004), Canned(b"", "hold", hold=LONG)) as server:
        assert world.send(server.url, timeout=0.1).body == b"one"
        assert world.send(server.url, timeout=None).body == b"two"
        assert failed(timed(world, server.url)) is Phase.NO_ANSWER
    assert server.connections == 1


def test_many_at_once_end_in_time() -> None:
    """Threads do not wait for each other: one after the other, the last would have no time left to send."""
    world = SyncWorld()
    with serve(*[Canned(b"", "hold")] * 32) as server, concurrent.futures.ThreadPoolExecutor(32) as threads:
        calls = [threads.submit(timed, world, server.url, timeout=1.0) for _ in range(32)]
        assert [failed(each.result()) for each in calls] == [Phase.NO_ANSWER] * 32
    world.end()
    assert len(server.requests) == 32
