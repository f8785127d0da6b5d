"""More requests at once than there may be connections (rule C10): whose turn it is, and what loses none."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import errno
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from byte_server import Canned, Server, http, serve
from signal_alarms import Alarm, Woken
from unreachable_addresses import full_backlog, refusing_port
from worlds import WORLDS, AsyncWorld, SyncWorld, World, make_request

from twirpkit.transports import sync_sockets
from twirpkit.transports._net import async_connect, loop_pool, sync_connect
from twirpkit.transports._net.connection_pool import ConnectionPool
from twirpkit.transports.async_sockets import AsyncSocketTransport
from twirpkit.transports.base import HttpResponse, Phase, TransportFailure
from twirpkit.transports.sync_sockets import SocketTransport

HERE = Path(__file__).parent
HELD = Canned(b"HTTP/1.1 200 OK\r\n", "keep", after=b"Content-Length: 2\r\n\r\nhi")
ASYNC = [name for name in WORLDS if name != "sync"]


@pytest.fixture(params=WORLDS)
def make(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Makes worlds of one kind, and ends them."""
    made: list[World] = []

    def make(**options: Any) -> World:
        made.append(WORLDS[request.param](**options))
        return made[-1]

    yield make
    for world in made:
        world.end()


def waiting(transport: SocketTransport | AsyncSocketTransport) -> int:
    """Count the requests that wait for a connection."""
    pools = [
        pool if not isinstance(pool, dict) else each.connections
        for pool in transport._pools.values()
        for each in (pool.values() if isinstance(pool, dict) else [None])
    ]
    return sum(len(pool._waiters) for pool in pools)


def all_at_once(
    world: World,
    server: Server,
    count: int,
    then: Callable[[], None] | None = None,
    timeouts: Sequence[float] = (),
    urls: Sequence[str] = (),
    busy: Callable[[], bool] = lambda: False,
    **options: Any,
) -> list[Any]:
    """Begin requests one after the other, each once the one before is sent or waits; then release the server."""
    release = then or server.released.set
    each = [{**options, "body": b"%d" % number} for number in range(count)]
    where = urls or [server.url] * count
    for one, timeout in zip(each, timeouts, strict=False):
        one["timeout"] = timeout
    if isinstance(world, SyncWorld):
        with concurrent.futures.ThreadPoolExecutor(count) as threads:
            calls = []
            for number in range(count):
                calls.append(threads.submit(world.send, where[number], **each[number]))
                while len(server.requests) + waiting(world.transport) + busy() <= number:
                    time.sleep(0.001)
            release()
            return [call.result() for call in calls]

    async def scene() -> list[Any]:
        calls = []
        for number in range(count):
            request = make_request(where[number], **each[number])
            calls.append(asyncio.create_task(world.transport.send(request)))
            while len(server.requests) + waiting(world.transport) + busy() <= number:
                await asyncio.sleep(0.001)
        release()
        return await asyncio.gather(*calls)

    return world.runner.run(scene())


@pytest.mark.parametrize("limit", [1, 2])
def test_no_more_connections_than_the_limit_and_first_come_first_served(make: Any, limit: int) -> None:
    with serve(*[HELD] * limit, *[http(b"hi")] * 8) as server:
        outcomes = all_at_once(make(max_connections=limit), server, 8 + limit)
    assert [outcome.body for outcome in outcomes] == [b"hi"] * (8 + limit)
    assert server.connections == limit
    order = [int(request.body) for request in server.requests]
    assert sorted(order[:limit]) == list(range(limit))
    assert limit > 1 or order == list(range(9)), "of two connections, one may be slower"


def test_the_deadline_passes_while_waiting(make: Any) -> None:
    world = make(max_connections=1)
    with serve(HELD) as server:
        first, second = all_at_once(world, server, 2, lambda: None, timeouts=[0.6, 0.2])
    assert (first.phase, first.timed_out) == (Phase.CUT, True)
    assert (second.phase, second.timed_out, second.final) == (Phase.NOT_SENT, True, False)
    place = f"127.0.0.1:{server.port}"
    text = f"the deadline passed while all connections of the client (max_connections=1) were in use: {place}"
    assert second.reason == text
    assert len(server.requests) == 1


def test_waiting_is_not_connecting(make: Any) -> None:
    """The time to connect begins when there is a slot; the connection that was waited for had closed."""
    world = make(max_connections=1)

    def later() -> None:
        threading.Timer(0.4, server.released.set).start()

    slow = Canned(b"HTTP/1.1 200 OK\r\nConnection: close\r\n", "close", after=b"Content-Length: 2\r\n\r\nhi")
    with serve(slow, http(b"hi")) as server:
        outcomes = all_at_once(world, server, 2, later, connecting=0.3)
    assert [outcome.body for outcome in outcomes] == [b"hi", b"hi"]
    assert server.connections == 2


def test_a_connection_that_closes_leaves_its_turn_to_who_waits(make: Any) -> None:
    closing = Canned(HELD.data + b"Connection: close\r\n", "close", after=HELD.after)
    with serve(closing, *[Canned(http(b"hi", "Connection: close"))] * 4) as server:
        outcomes = all_at_once(make(max_connections=1), server, 5)
    assert [outcome.body for outcome in outcomes] == [b"hi"] * 5
    assert [request.body for request in server.requests] == [b"0", b"1", b"2", b"3", b"4"]


def test_a_failure_leaves_its_turn_to_who_waits(make: Any) -> None:
    with serve(Canned(b"junk", "hold", after=b"."), *[http(b"hi")] * 2) as server:
        outcomes = all_at_once(make(max_connections=1), server, 3)
    assert outcomes[0].phase is Phase.CUT
    assert [outcome.body for outcome in outcomes[1:]] == [b"hi"] * 2


def test_a_connection_that_was_waited_for_may_be_bad(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the one that waited makes another with its slot."""
    usable = ConnectionPool.is_usable
    answers = iter([False])

    def not_at_first(pool: Any, connection: Any, now: float | None) -> bool:
        return usable(pool, connection, now) if now is None else next(answers, True)

    world = make(max_connections=1)
    with serve(HELD, http(b"hi"), http(b"hi")) as server:
        monkeypatch.setattr(ConnectionPool, "is_usable", not_at_first)
        outcomes = all_at_once(world, server, 3)
    assert [outcome.body for outcome in outcomes] == [b"hi"] * 3
    assert server.connections == 2


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_connection_that_is_not_made_leaves_its_slot(make: Any, scheme: str) -> None:
    world = make(max_connections=1)
    with refusing_port() as url, serve(http(b"hi")) as server:
        for _ in range(2):
            assert world.fail(url.replace("http:", f"{scheme}:")).phase is Phase.NOT_SENT
        assert world.send(server.url, timeout=2.0).body == b"hi"


def test_one_that_wants_a_new_connection_waits_for_a_slot(make: Any) -> None:
    with serve(HELD, http(b"hi")) as server:
        outcomes = all_at_once(make(max_connections=1), server, 2, force_new_connection=True)
    assert [outcome.body for outcome in outcomes] == [b"hi"] * 2
    assert server.connections == 2


def test_after_waiting_connecting_has_its_own_limit(make: Any) -> None:
    """Which begins when there is a slot, and no later."""
    world = make(max_connections=1)
    with serve(HELD) as server, full_backlog() as url:

        def later() -> None:
            threading.Timer(0.2, server.released.set).start()

        first, second = all_at_once(world, server, 2, later, urls=[server.url, url], connecting=0.3, timeout=5.0)
    assert first.body == b"hi"
    assert (second.phase, second.timed_out) == (Phase.NOT_SENT, False)
    assert second.reason.endswith(" took too long")


@pytest.mark.parametrize("name", WORLDS)
def test_one_whose_turn_had_come_is_served_before_those_that_came_later(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It had a slot, and while it connected the descriptors ran out."""
    failed = TransportFailure("x", Phase.NOT_SENT, cause=OSError(errno.EMFILE, "x"))
    module, world = (sync_sockets if name == "sync" else loop_pool), WORLDS[name](max_connections=2)
    connect, calls = module.connect, 0  # type: ignore[attr-defined]  # of either module
    third_waits = threading.Event()

    def fail_the_second(*given: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        return None if calls == 2 else connect(*given, **options)

    def connect_sync(*given: Any, **options: Any) -> Any:
        made = fail_the_second(*given, **options)
        return made if made is not None else third_waits.wait(5) and failed

    async def connect_async(*given: Any, **options: Any) -> Any:
        made = fail_the_second(*given, **options)
        if made is not None:
            return await made
        while not third_waits.is_set():
            await asyncio.sleep(0.001)
        return failed

    def then() -> None:
        third_waits.set()
        threading.Timer(0.1, server.released.set).start()

    with serve(HELD, http(b"hi"), http(b"hi")) as server:
        monkeypatch.setattr(module, "connect", connect_sync if name == "sync" else connect_async)
        outcomes = all_at_once(world, server, 3, then, busy=lambda: calls == 2)
    world.end()
    assert [outcome.body for outcome in outcomes] == [b"hi"] * 3
    assert [request.body for request in server.requests] == [b"0", b"1", b"2"]
    assert server.connections == 1


def test_another_origin_gets_the_connection_of_an_idle_one(make: Any) -> None:
    world = make(max_connections=1)
    with serve(http(b"one"), http(b"three")) as here, serve(http(b"two")) as there:
        assert world.send(here.url).body == b"one"
        assert world.send(there.url).body == b"two"
        world.pause(0.01)
        assert here.gone.acquire(timeout=5)
        assert world.send(here.url).body == b"three"
    assert (here.connections, there.connections) == (2, 1)


def test_a_new_connection_is_made_in_the_place_of_the_idle_one(make: Any) -> None:
    world = make(max_connections=1)
    with serve(*[http(b"hi")] * 2) as server:
        assert world.send(server.url).body == b"hi"
        assert world.send(server.url, force_new_connection=True).body == b"hi"
    assert [request.connection for request in server.requests] == [0, 1]


@pytest.mark.parametrize("held", ["in use", "being made"])
@pytest.mark.parametrize("name", ASYNC)
def test_cancelled_while_it_waits_it_loses_nothing(name: str, held: str) -> None:
    world = WORLDS[name](max_connections=1)
    assert isinstance(world, AsyncWorld)

    async def scene(url: str, done: Callable[[], object]) -> None:
        first = asyncio.create_task(world.transport.send(make_request(url, timeout=0.3)))
        await asyncio.sleep(0.02)
        calls = [asyncio.create_task(world.transport.send(make_request(server.url))) for _ in range(3)]
        await asyncio.sleep(0.02)
        assert waiting(world.transport) == 3
        calls[0].cancel()
        calls[1].cancel()
        done()
        await asyncio.gather(first, *calls[:2], return_exceptions=True)
        outcome = await calls[2]
        assert isinstance(outcome, HttpResponse)
        assert outcome.body == b"hi"
        assert not waiting(world.transport)

    script = [HELD, http(b"hi")] if held == "in use" else [http(b"hi")]
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(serve(*script))
        url = server.url if held == "in use" else stack.enter_context(full_backlog())
        world.runner.run(scene(url, server.released.set))
    world.end()


@pytest.mark.parametrize("name", ASYNC)
def test_cancelled_in_the_moment_of_its_turn_it_passes_it_on(name: str) -> None:
    world = WORLDS[name](max_connections=1)
    assert isinstance(world, AsyncWorld)

    async def scene(server: Server) -> None:
        transport = world.transport
        first = asyncio.create_task(transport.send(make_request(server.url)))
        while not server.requests:
            await asyncio.sleep(0.001)
        second, third = (asyncio.create_task(transport.send(make_request(server.url))) for _ in range(2))
        while waiting(transport) < 2:
            await asyncio.sleep(0)
        server.released.set()
        while waiting(transport) == 2:
            await asyncio.sleep(0)
        second.cancel()  # it was given the connection, and has not run since
        assert (await first).body == (await third).body == b"hi"  # type: ignore[union-attr]  # responses
        with pytest.raises(asyncio.CancelledError):
            await second

    with serve(HELD, http(b"hi"), http(b"hi")) as server:
        world.runner.run(scene(server))
        assert server.connections == 1
    world.end()


def test_a_signal_while_it_waits(alarm: Alarm) -> None:
    alarm(Woken)
    transport = SocketTransport(max_connections=1)
    with serve(HELD, http(b"hi")) as server, concurrent.futures.ThreadPoolExecutor() as threads:
        first = threads.submit(transport.send, make_request(server.url))
        while not server.requests:
            time.sleep(0.001)
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(Woken):
            transport.send(make_request(server.url))
        assert not any(ref() and not ref().over for pool in transport._pools.values() for ref in pool._waiters)
        server.released.set()
        assert first.result(5).body == b"hi"
        assert transport.send(make_request(server.url)).body == b"hi"
    assert server.connections == 1
    transport.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
def test_a_child_has_a_limit_of_its_own() -> None:
    transport = SocketTransport(max_connections=1)
    with serve(HELD, http(b"child"), http(b"parent")) as server, concurrent.futures.ThreadPoolExecutor() as threads:
        calls = [threads.submit(transport.send, make_request(server.url)) for _ in range(2)]
        while len(server.requests) + waiting(transport) < 2:
            time.sleep(0.001)
        pid = os.fork()
        if not pid:
            outcome = transport.send(make_request(server.url))
            os._exit(isinstance(outcome, TransportFailure) or outcome.body != b"child")
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        server.released.set()
        assert sorted(call.result(5).body for call in calls) == [b"hi", b"parent"]
    transport.close()


# Descriptors


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such limits here")
@pytest.mark.parametrize("name", WORLDS)
def test_with_fewer_descriptors_than_calls_none_fails(name: str) -> None:
    command = [sys.executable, str(HERE / "crowd.py"), name]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert (done.returncode, done.stdout) == (0, "well\n"), done.stderr


@pytest.fixture
def descriptors(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Lets so many sockets be made, and no more."""

    def allow(count: int) -> None:
        real = socket.socket
        left = count

        class Limited(real):  # type: ignore[misc, valid-type]  # the class of a socket
            def __init__(self, *args: Any, **options: Any) -> None:
                nonlocal left
                if not left:
                    raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
                left -= 1
                super().__init__(*args, **options)

        limited = SimpleNamespace(**{**vars(socket), "socket": Limited})
        for module in (sync_connect, async_connect):
            monkeypatch.setattr(module, "socket", limited)

    return allow


def test_descriptors_that_others_have_are_not_waited_for(make: Any, descriptors: Callable[[int], None]) -> None:
    world = make()
    with serve(http(b"hi")) as server:
        descriptors(0)
        failed = world.fail(server.url)
    assert (failed.phase, failed.timed_out, failed.final) == (Phase.NOT_SENT, False, False)
    assert failed.reason == f"could not connect to 127.0.0.1:{server.port}: Too many open files"
    assert failed.cause.errno == errno.EMFILE


def test_a_descriptor_of_the_same_client_is_waited_for(make: Any, descriptors: Callable[[int], None]) -> None:
    world = make()
    with serve(HELD, http(b"hi")) as server:
        descriptors(1)
        outcomes = all_at_once(world, server, 2)
    assert [outcome.body for outcome in outcomes] == [b"hi", b"hi"]
    assert server.connections == 1


def test_an_idle_connection_gives_its_descriptor(make: Any, descriptors: Callable[[int], None]) -> None:
    """As far as one was freed: here it was not, and nobody else has one."""
    world = make()
    with serve(http(b"hi")) as here, serve(http(b"hi")) as there:
        assert world.send(here.url).body == b"hi"
        descriptors(0)
        assert world.fail(there.url).reason.endswith(": Too many open files")
        world.pause(0.01)
        assert here.gone.acquire(timeout=5)
