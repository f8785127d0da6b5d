"""The deadline (rule B3): in time, whatever the server does, and in every phase."""

from __future__ import annotations

import concurrent.futures
import contextlib
import socket
import threading
import time

import pytest
from scenes import full_backlog
from wire import Answer, http, serve
from worlds import HEADERS, WORLDS, World, make_request

from twirpkit.transport import HttpResponse, Phase, TransportFailure

BUDGET = 0.12
EARLY = 0.005
LATE = {"sync": 0.1, "async": 0.05}


def timed(world: World, url: str, *, timeout: float = BUDGET, **options: object) -> HttpResponse | TransportFailure:
    """The outcome, after checking that it came in time."""
    before = time.monotonic()
    outcome: HttpResponse | TransportFailure
    try:
        outcome = world.send(url, timeout=timeout, **options)
    except TransportFailure as failed:
        outcome = failed
    took = time.monotonic() - before
    assert timeout - EARLY <= took <= timeout + LATE[world.name], f"{took:.3f} s"
    return outcome


def failed(outcome: HttpResponse | TransportFailure) -> Phase:
    assert isinstance(outcome, TransportFailure)
    assert outcome.timed_out
    assert "deadline" in outcome.reason
    assert outcome.__cause__ is None
    return outcome.phase


SILENT = {
    "no answer": Answer(b"", "hold"),
    "a cut header": Answer(b"HTTP/1.1 200 OK\r\nContent-Le", "hold"),
    "a dripping header": Answer(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 1000, drip=0.01),
    "dripping interim answers": Answer(b"HTTP/1.1 103 X\r\n\r\n" * 100, drip=0.01),
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
    with serve(Answer(data, "hold", drip, drip_from=data.index(b"\r\n\r\n") + 4), http(b"next")) as server:
        outcome = timed(world, server.url)
        assert world.send(server.url).body == b"next"
    assert server.connections == 2, "a half-read connection is not used again"
    if status == 200:
        assert failed(outcome) is Phase.CUT
    else:
        assert isinstance(outcome, HttpResponse)
        assert outcome.status == status
        assert "deadline" in (outcome.flaw or "")
        assert outcome.body == b"" or (b"hi" * 400).startswith(outcome.body)
        assert bool(outcome.body) == (name != "no body") or drip


def test_above_five_seconds_it_is_not_rounded() -> None:
    """Both at once: this is the slowest test of all."""

    def call(world: World, url: str) -> Phase:
        try:
            return failed(timed(world, url, timeout=5.1))
        finally:
            world.end()

    with serve(*[Answer(b"", "hold")] * 2) as server, concurrent.futures.ThreadPoolExecutor() as threads:
        calls = [threads.submit(call, make(), server.url) for make in WORLDS.values()]
        assert [each.result() for each in calls] == [Phase.NO_ANSWER] * 2


def test_no_connection_in_time(world: World) -> None:
    with full_backlog() as url:
        assert failed(timed(world, url)) is Phase.NOT_SENT


def test_no_tls_handshake_in_time(world: World) -> None:
    with serve(Answer(b"", "hold")) as server:
        assert failed(timed(world, server.url.replace("http:", "https:"))) is Phase.NOT_SENT


def test_a_dripping_tls_handshake(world: World) -> None:
    """A record header, then its bytes, one at a time."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        listener.settimeout(10)  # a client that is late does not come at all
        stop = threading.Event()

        def drip() -> None:
            with contextlib.suppress(OSError), listener.accept()[0] as connection:
                for byte in b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc\x03\x03" + bytes(500):
                    connection.sendall(bytes([byte]))
                    if stop.wait(0.01):
                        return

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        try:
            assert failed(timed(world, f"https://127.0.0.1:{listener.getsockname()[1]}")) is Phase.NOT_SENT
        finally:
            stop.set()
            thread.join(5)


def test_a_server_that_does_not_read(world: World) -> None:
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        assert failed(timed(world, url, body=bytes(12_000_000))) is Phase.NO_ANSWER


def test_a_server_that_reads_slowly(world: World) -> None:
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        listener.settimeout(10)  # a client that is late does not come at all
        stop = threading.Event()

        def sip() -> None:
            with contextlib.suppress(OSError), listener.accept()[0] as connection:
                while connection.recv(50_000) and not stop.wait(0.01):
                    pass

        thread = threading.Thread(target=sip, daemon=True)
        thread.start()
        try:
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            assert failed(timed(world, url, body=bytes(12_000_000))) is Phase.NO_ANSWER
        finally:
            stop.set()
            thread.join(5)


@pytest.mark.parametrize("timeout", [0.0, -1.0, -1e9])
def test_a_deadline_that_has_passed(world: World, timeout: float) -> None:
    with serve(http(b"hi"), http(b"hi")) as server:
        before = time.monotonic()
        got = world.fail(server.url, timeout=timeout)
        assert time.monotonic() - before < 0.1
        assert failed(got) is Phase.NOT_SENT
        assert server.connections == 0
        world.send(server.url)
        assert failed(world.fail(server.url, timeout=timeout)) is Phase.NOT_SENT
    assert len(server.requests) == 1


def test_no_deadline(world: World) -> None:
    with serve(Answer(http(b"slow"), "keep", drip=0.002), http(b"hi")) as server:
        assert world.send(server.url, timeout=None).body == b"slow"
        assert world.send(server.url, timeout=None).body == b"hi"
    assert server.connections == 1


def test_one_deadline_does_not_outlive_its_request(world: World) -> None:
    with serve(http(b"one"), Answer(http(b"two"), "keep", drip=0.004), Answer(b"", "hold")) as server:
        assert world.send(server.url, timeout=0.1).body == b"one"
        assert world.send(server.url, timeout=None).body == b"two"
        assert failed(timed(world, server.url)) is Phase.NO_ANSWER
    assert server.connections == 1


def test_many_at_once_end_in_time() -> None:
    """Threads do not wait for each other."""
    from twirpkit.transports.requests import RequestsTransport

    transport = RequestsTransport()
    took = []

    def call(url: str) -> None:
        before = time.monotonic()
        with contextlib.suppress(TransportFailure):
            transport.send(make_request(url, timeout=BUDGET, headers=HEADERS))
        took.append(time.monotonic() - before)

    with serve(*[Answer(b"", "hold")] * 32) as server:
        threads = [threading.Thread(target=call, args=(server.url,), daemon=True) for _ in range(32)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(5)
    transport.close()
    assert len(took) == 32
    assert all(BUDGET - EARLY <= each <= BUDGET + 0.25 for each in took)
