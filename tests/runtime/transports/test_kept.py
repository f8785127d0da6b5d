"""Which connections are kept and used again (rule C7), and what is said of one that died under a request (rule C)."""

from __future__ import annotations

import concurrent.futures
import contextlib
import gzip
import socket
import ssl
from pathlib import Path

import pytest
from byte_server import Canned, Ending, http, serve
from clock import Clock
from worlds import WORLDS, World

from twirpkit.transports._net import async_connect, sync_connect
from twirpkit.transports._net.connection_pool import IDLE
from twirpkit.transports.base import Phase, TransportFailure

PEM = Path(__file__).with_name("localhost.pem")
INTERIM = b"HTTP/1.1 103 Early Hints\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\n"


def server_tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(PEM)
    return context


@pytest.mark.parametrize("seen", [True, False], ids=["seen by the loop", "unread in the kernel"])
@pytest.mark.parametrize("encrypted", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize("name", WORLDS)
def test_a_connection_that_the_server_closed_while_idle_is_not_used(name: str, encrypted: bool, seen: bool) -> None:
    world = WORLDS[name](tls=PEM)
    with serve(Canned(http(b"one")), http(b"two"), tls=server_tls() if encrypted else None) as server:
        assert world.send(server.url).body == b"one"
        assert server.gone.acquire(timeout=5)
        if seen:
            world.pause(0.01)
        assert world.send(server.url).body == b"two"
    world.end()
    assert len(server.requests) == server.connections == 2


@pytest.mark.parametrize("seen", [True, False], ids=["seen by the loop", "unread in the kernel"])
@pytest.mark.parametrize("extra", [http(b"WRONG"), b"\0", b"x"])
def test_a_connection_on_which_something_came_while_idle_is_not_used(world: World, extra: bytes, seen: bool) -> None:
    with serve(Canned(http(b"first"), "keep", after=extra), *[http(b"second")] * 2) as server:
        assert world.send(server.url).body == b"first"
        server.released.set()
        assert server.sent.wait(5)
        if seen:
            world.pause(0.01)
        assert world.send(server.url).body == b"second"
        assert world.send(server.url).body == b"second"
    assert [request.connection for request in server.requests] == [0, 1, 1]


def test_all_that_were_closed_are_passed_over(world: World) -> None:
    """Made by three requests at once."""
    answer = Canned(OK, after=b"Content-Length: 2\r\n\r\nhi")
    with serve(*[answer] * 3, http(b"next")) as server:
        world.release_together(server, 3)
        for _ in range(3):
            assert server.gone.acquire(timeout=5)
        assert world.send(server.url).body == b"next"
    assert server.connections == 4


def test_a_request_that_wants_a_new_connection_gets_one(world: World) -> None:
    with serve(*[http(b"hi")] * 5) as server:
        world.send(server.url)
        world.send(server.url, force_new_connection=True)
        world.send(server.url)
    assert [request.connection for request in server.requests][:2] == [0, 1]
    assert server.connections == 2


def test_a_new_connection_that_hangs_has_sent_nothing() -> None:
    """Also where the kept one was met first."""
    context = server_tls()

    def talk(listener: socket.socket) -> None:
        with contextlib.ExitStack() as stack:
            raw, _ = listener.accept()
            first = stack.enter_context(context.wrap_socket(raw, server_side=True))
            while b"ask" not in first.recv(65536):
                pass
            first.sendall(http(b"hi"))
            second, _ = listener.accept()
            with second:
                while second.recv(65536):
                    pass

    for make in WORLDS.values():
        world = make(tls=PEM)
        with socket.create_server(("127.0.0.1", 0)) as listener, concurrent.futures.ThreadPoolExecutor() as threads:
            talking = threads.submit(talk, listener)
            host = f"127.0.0.1:{listener.getsockname()[1]}"
            assert world.send(f"https://{host}").body == b"hi"
            failed = world.fail(f"https://{host}", force_new_connection=True, timeout=0.2)
            world.end()
            talking.result(5)
        assert (failed.phase, failed.reason) == (Phase.NOT_SENT, f"the deadline passed while connecting to {host}")


def test_a_connection_that_was_idle_for_four_seconds_is_not_used(world: World, clock: Clock) -> None:
    with serve(*[http(b"hi")] * 3) as server:
        for seconds in (0, IDLE / 2, IDLE):
            clock.forward(seconds)
            assert world.send(server.url).body == b"hi"
    assert [request.connection for request in server.requests] == [0, 0, 1]


def test_a_connection_that_is_too_old_is_not_used(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """However busy it is: else a change of the name's addresses would never be seen."""
    for module in (sync_connect, async_connect):
        monkeypatch.setattr(module, "expiry", lambda now: now + 0.1)
    with serve(*[http(b"hi")] * 9) as server:
        for _ in range(2):
            assert world.send(server.url).body == b"hi"
        world.pause(0.1)
        assert world.send(server.url).body == b"hi"
    assert [request.connection for request in server.requests][-1] == 1
    assert server.connections == 2


DIED: dict[str, tuple[bytes, Ending, Phase, str]] = {
    "closed": (b"", "close", Phase.STALE, "the connection was closed before a response"),
    "reset": (b"", "reset", Phase.STALE, "the connection was closed before a response"),
    "an interim answer": (INTERIM, "close", Phase.NO_ANSWER, "the connection was closed before a response"),
    "cut": (OK, "close", Phase.CUT, "the connection was closed inside the response's header"),
    "one byte": (b"H", "close", Phase.CUT, "the connection was closed inside the response's header"),
    "silence": (b"", "hold", Phase.NO_ANSWER, "the deadline passed while waiting for the response"),
    "half a header": (OK, "hold", Phase.CUT, "the deadline passed while waiting for the response"),
    "no HTTP": (b"hello\r\n", "close", Phase.CUT, "the response is not HTTP/1.x"),
}


@pytest.mark.parametrize("encrypted", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize("kept", [False, True], ids=["fresh", "kept"])
@pytest.mark.parametrize("name", DIED)
@pytest.mark.parametrize("kind", WORLDS)
def test_how_far_a_request_came(kind: str, name: str, kept: bool, encrypted: bool) -> None:
    data, then, phase, reason = DIED[name]
    if phase is Phase.STALE and not kept:
        phase = Phase.NO_ANSWER
    world = WORLDS[kind](tls=PEM)
    answers = [http(b"one")] if kept else []
    with serve(*answers, Canned(data, then), tls=server_tls() if encrypted else None) as server:
        for _ in answers:
            world.send(server.url)
        failed = world.fail(server.url, timeout=0.3 if then == "hold" else 5)
        assert server.connections == 1
    world.end()
    assert (failed.phase, failed.reason, failed.timed_out) == (phase, reason, then == "hold")


UNREADABLE = {
    "1,001 lines": OK + b"A: b\r\n" * 1_001 + b"Content-Length: 0\r\n\r\n",
    "another transfer coding": OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "corrupt gzip": http(b"not gzip", "Content-Encoding: gzip"),
    "gzip that is cut": http(gzip.compress(b"hi")[:-1], "Content-Encoding: gzip"),
    "br": http(b"x", "Content-Encoding: br"),
    "an error in br": http(b"x", "Content-Encoding: br", status="503 No"),
}
"""Responses that cannot be read to their ends, by a server that then waits for the next request."""


@pytest.mark.parametrize("name", UNREADABLE)
def test_after_an_answer_that_cannot_be_read_a_connection_is_not_used(world: World, name: str) -> None:
    with serve(Canned(UNREADABLE[name], "keep"), http(b"next")) as server:
        outcome = world.send(server.url)
        assert isinstance(outcome, TransportFailure) or outcome.body_error
        assert world.send(server.url).body == b"next"
    assert [request.connection for request in server.requests] == [0, 1]


@pytest.mark.parametrize("data", [OK + b"Content-Length: x\r\n\r\n", b"hello\r\n\r\n", OK + b"X\r\n\r\n"])
def test_after_an_answer_that_is_none_a_connection_is_not_used(world: World, data: bytes) -> None:
    with serve(data, http(b"next")) as server:
        assert world.fail(server.url).phase is Phase.CUT
        assert world.send(server.url).body == b"next"
    assert server.connections == 2


def test_a_large_message_to_a_kept_connection_that_dies(world: World) -> None:
    """The bytes may have gone out or not: the transport says "stale" and nothing more certain."""
    with serve(http(b"one"), Canned(b"", "reset", early=True), http(b"two")) as server:
        world.send(server.url)
        failed = world.fail(server.url, body=bytes(5_000_000))
        assert failed.phase is Phase.STALE
        assert world.send(server.url).body == b"two"
