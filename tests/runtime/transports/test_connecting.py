"""The moment by which a connection must stand (rule B2), beside the deadline of the whole request."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from byte_server import Canned, http, serve
from unreachable_addresses import full_backlog
from worlds import World

from twirpkit._http1.request import parse_target
from twirpkit.transports._net import async_connect, sync_connect
from twirpkit.transports._net.route import Routes
from twirpkit.transports.base import Phase, TransportFailure

pytestmark = pytest.mark.slow  # many that wait: for a deadline each
SOON = 0.1


@contextlib.contextmanager
def no_handshake() -> Iterator[str]:
    with serve(Canned(b"", "hold", hold=2.0)) as server:
        yield server.url.replace("http:", "https:")


HANGING: dict[str, Callable[[], contextlib.AbstractContextManager[str]]] = {
    "TCP": full_backlog,
    "TLS": no_handshake,
}


@pytest.mark.parametrize("timeout", [None, 5.0])
@pytest.mark.parametrize("name", HANGING)
def test_connecting_has_a_limit_of_its_own(world: World, name: str, timeout: float | None) -> None:
    with HANGING[name]() as url:
        before = time.monotonic()
        failed = world.fail(url, timeout=timeout, connecting=SOON)
        took = time.monotonic() - before
    host = url.split("/")[2]
    assert (failed.phase, failed.timed_out) == (Phase.NOT_SENT, False), "it is not the deadline that passed"
    assert failed.reason == f"connecting to {host} took too long"
    assert took >= SOON - 0.005
    assert failed.cause is None


@pytest.mark.parametrize("name", HANGING)
def test_the_deadline_may_come_first(world: World, name: str) -> None:
    with HANGING[name]() as url:
        failed = world.fail(url, timeout=SOON, connecting=5.0)
    host = url.split("/")[2]
    assert (failed.phase, failed.timed_out) == (Phase.NOT_SENT, True)
    assert failed.reason == f"the deadline passed while connecting to {host}"


def test_both_at_once_are_the_deadline(world: World) -> None:
    with full_backlog() as url:
        failed = world.fail(url, timeout=SOON, connecting=SOON)
    assert (failed.phase, failed.timed_out) == (Phase.NOT_SENT, True)


@pytest.mark.parametrize("hang", [b"", b"HTTP/1.1 200 OK\r\n", http(b"hello")[:-2]])
def test_it_is_over_once_the_connection_stands(world: World, hang: bytes) -> None:
    with serve(Canned(http(b"slow"), "keep", drip=0.004), Canned(hang, "hold")) as server:
        assert world.send(server.url, timeout=None, connecting=0.2).body == b"slow"
        failed = world.fail(server.url, timeout=0.3, connecting=0.05)
    assert failed.timed_out
    assert server.connections == 1
    assert failed.phase is (Phase.CUT if hang else Phase.NO_ANSWER)


def test_a_kept_connection_needs_no_connecting(world: World) -> None:
    with serve(http(b"one"), http(b"two")) as server:
        world.send(server.url)
        assert world.send(server.url, connecting=-1.0).body == b"two"
    assert server.connections == 1


def test_a_moment_that_has_passed(world: World) -> None:
    with serve(http(b"one")) as server:
        failed = world.fail(server.url, connecting=-1.0)
        assert (failed.phase, failed.timed_out) == (Phase.NOT_SENT, False)
        assert world.send(server.url).body == b"one"
    assert len(server.requests) == 1


@pytest.mark.parametrize("whose", ["deadline", "connect_deadline"])
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_moment_that_passed_before_there_was_a_place_for_the_connection(kind: str, whose: str) -> None:
    """Whoever waits for a place may get it too late."""
    deadlines = {"deadline": None, "connect_deadline": None, whose: time.monotonic() - 1}
    route = Routes(lambda _: None, None).get(parse_target("http://name.invalid/"))
    if kind == "sync":
        failed: object = sync_connect.connect(route, **deadlines)
    else:
        nobody: Any = None
        failed = asyncio.run(async_connect.connect(route, nobody, nobody, set(), **deadlines))
    assert isinstance(failed, TransportFailure)
    assert (failed.phase, failed.timed_out) == (Phase.NOT_SENT, whose == "deadline")


def test_a_name_is_not_looked_up_too_late(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a sync call nothing could interrupt it."""
    asked: list[object] = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda *names, **_: asked.append(names))
    failed = world.fail("http://name.invalid/", connecting=-1.0)
    assert failed.reason == "connecting to name.invalid took too long"
    assert not asked


def test_a_connection_that_is_given_up_is_closed(world: World) -> None:
    with serve(Canned(b"", "hold")) as server:
        world.fail(server.url.replace("http:", "https:"), connecting=5 * SOON)
        world.pause(0.01)  # for the event loop to close it
        assert server.gone.acquire(timeout=5)


@pytest.mark.parametrize("whose", ["timeout", "connecting"])
def test_a_resolver_that_says_no_too_late(world: World, whose: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing interrupts it in a sync call, but what it then says is not the reason."""
    until = time.monotonic() + SOON + 0.05

    def resolve(*_: object, **__: object) -> None:
        time.sleep(max(0.0, until - time.monotonic()))
        raise socket.gaierror(socket.EAI_AGAIN, "no name server answered")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    failed = world.fail("http://livekit.invalid", **{"timeout": 5.0, whose: SOON})

    assert (failed.phase, failed.timed_out) == (Phase.NOT_SENT, whose == "timeout")
    place = "livekit.invalid"
    assert failed.reason == (
        f"the deadline passed while connecting to {place}"
        if whose == "timeout"
        else f"connecting to {place} took too long"
    )
