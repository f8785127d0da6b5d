"""Closing while requests are under way (rule F3): they end by themselves, and no other begins."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import httpx
import pytest
from byte_server import Canned, Server, http, serve
from unreachable_addresses import full_backlog
from worlds import WORLDS, AsyncWorld, make_request

from livekit_twirp import AsyncLiveKitAPI
from twirpkit.transports.aiohttp_session import AiohttpTransport
from twirpkit.transports.async_sockets import AsyncSocketTransport
from twirpkit.transports.base import HttpResponse, Phase, TransportFailure
from twirpkit.transports.httpx_client import AsyncHttpxTransport
from twirpkit.transports.sync_sockets import SocketTransport

HELD = Canned(b"HTTP/1.1 200 OK\r\n", "keep", after=b"Content-Length: 2\r\n\r\nhi")
CLOSED = TransportFailure("the client was closed", Phase.NOT_SENT, final=True)


@pytest.fixture(params=[name for name in WORLDS if name != "sync"])
def world(request: pytest.FixtureRequest) -> Iterator[AsyncWorld]:
    world = WORLDS[request.param]()
    assert isinstance(world, AsyncWorld)
    yield world
    world.end()


async def begin(transport: AsyncSocketTransport, server: Server, **options: Any) -> asyncio.Task[Any]:
    """Begin a request, and return when the server has it."""
    before = len(server.requests)
    call = asyncio.create_task(transport.send(make_request(server.url, **options)))
    while len(server.requests) == before:
        await asyncio.sleep(0.001)
    return call


async def gone(server: Server) -> bool:
    return await asyncio.to_thread(server.gone.acquire, timeout=5)


def test_sync_requests_under_way_end_by_themselves() -> None:
    """Also one that waits for a connection: it began before."""
    transport = SocketTransport(max_connections=1)
    with serve(HELD, http(b"two")) as server, concurrent.futures.ThreadPoolExecutor() as threads:
        first = threads.submit(transport.send, make_request(server.url))
        while not server.requests:
            time.sleep(0.001)
        second = threads.submit(transport.send, make_request(server.url))
        while not next(iter(transport._pools.values()))._waiters:
            time.sleep(0.001)
        transport.close()
        assert transport.send(make_request(server.url)) == CLOSED
        server.released.set()
        assert [first.result(5).body, second.result(5).body] == [b"hi", b"two"]
        assert server.gone.acquire(timeout=5), "the connection is closed when nobody needs it any more"
    assert server.connections == 1


def test_requests_under_way_are_waited_for(world: AsyncWorld) -> None:
    async def scene() -> None:
        call = await begin(world.transport, server)
        closing = asyncio.create_task(world.transport.aclose())
        await asyncio.sleep(0.02)
        assert not closing.done()
        assert await world.transport.send(make_request(server.url)) == CLOSED
        server.released.set()
        await closing
        assert call.done()
        assert call.result().body == b"hi"
        assert await gone(server)

    with serve(HELD) as server:
        world.runner.run(scene())
    assert len(server.requests) == 1


def test_one_that_waits_for_a_connection_is_under_way(world: AsyncWorld) -> None:
    async def scene() -> None:
        transport = AsyncSocketTransport(max_connections=1)
        first = await begin(transport, server)
        second = asyncio.create_task(transport.send(make_request(server.url)))
        await asyncio.sleep(0)
        closing = asyncio.create_task(transport.aclose())
        await asyncio.sleep(0)
        server.released.set()
        await closing
        assert [call.done() and call.result().body for call in (first, second)] == [b"hi", b"two"]

    with serve(HELD, http(b"two")) as server:
        world.runner.run(scene())


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK\r\n", http(b"hello")[:-2]])
def test_they_may_be_given_a_time(world: AsyncWorld, start: bytes) -> None:
    async def scene() -> None:
        call = await begin(world.transport, server)
        before = time.monotonic()
        await world.transport.aclose(timeout=0.05)
        assert time.monotonic() - before > 0.045
        assert call.done()
        outcome = call.result()
        if start.endswith(b"hel"):
            assert (outcome.status, outcome.body, bool(outcome.body_error)) == (200, b"hel", True)
        else:
            phase = Phase.CUT if start else Phase.NO_ANSWER
            assert outcome == TransportFailure("the client was closed before a response", phase, final=True)
        assert await gone(server)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    with serve(Canned(start, "hold")) as server:
        world.runner.run(scene())


def test_given_a_time_they_may_be_faster(world: AsyncWorld) -> None:
    async def scene() -> None:
        call = await begin(world.transport, server)
        server.released.set()
        await world.transport.aclose(timeout=30)
        assert call.result().body == b"hi"

    with serve(HELD) as server:
        world.runner.run(asyncio.wait_for(scene(), 20))


def test_one_that_is_connecting_ends_in_that_time(world: AsyncWorld) -> None:
    async def scene(url: str) -> None:
        calls = [
            asyncio.create_task(world.transport.send(make_request(place, timeout=None)))
            for place in (url, url.replace("http:", "https:"))
        ]
        await asyncio.sleep(0.02)
        await world.transport.aclose(timeout=0.05)
        assert [call.done() and call.result() for call in calls] == [CLOSED] * 2

    with full_backlog() as url:
        world.runner.run(asyncio.wait_for(scene(url), 20))


def test_one_that_waits_ends_in_that_time(world: AsyncWorld) -> None:
    async def scene() -> None:
        transport = AsyncSocketTransport(max_connections=1)
        first = await begin(transport, server, timeout=None)
        second = asyncio.create_task(transport.send(make_request(server.url, timeout=None)))
        await asyncio.sleep(0.02)
        await transport.aclose(timeout=0.05)
        assert first.done()
        assert first.result().phase is Phase.NO_ANSWER
        assert second.done()
        assert second.result() == CLOSED

    with serve(Canned(b"", "hold")) as server:
        world.runner.run(asyncio.wait_for(scene(), 20))


def test_closed_by_two_at_once(world: AsyncWorld) -> None:
    async def scene() -> None:
        call = await begin(world.transport, server)
        closing = [asyncio.create_task(world.transport.aclose()) for _ in range(2)]
        await asyncio.sleep(0.02)
        assert not any(each.done() for each in closing)
        server.released.set()
        await asyncio.gather(*closing)
        assert call.result().body == b"hi"
        await world.transport.aclose()

    with serve(HELD) as server:
        world.runner.run(scene())


def test_who_gives_up_closing_ends_no_request(world: AsyncWorld) -> None:
    async def scene() -> None:
        call = await begin(world.transport, server)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await world.transport.aclose()
        assert not call.done()
        server.released.set()
        outcome = await call
        assert isinstance(outcome, HttpResponse)
        assert outcome.body == b"hi"
        assert await gone(server)

    with serve(HELD) as server:
        world.runner.run(scene())


def test_closed_in_another_thread_the_requests_of_a_running_loop_go_on(world: AsyncWorld) -> None:
    async def scene() -> None:
        call = await begin(world.transport, server)
        await asyncio.to_thread(lambda: asyncio.run(world.transport.aclose()))
        assert not call.done()
        server.released.set()
        assert (await call).body == b"hi"
        assert await gone(server)

    with serve(HELD) as server:
        world.runner.run(scene())


def test_an_idle_connection_is_closed_although_others_are_in_use(world: AsyncWorld) -> None:
    async def scene() -> None:
        await world.transport.send(make_request(idle.url))
        call = await begin(world.transport, server)
        closing = asyncio.create_task(world.transport.aclose())
        assert await gone(idle)
        assert not closing.done()
        server.released.set()
        await asyncio.gather(call, closing)

    with serve(HELD) as server, serve(http(b"hi")) as idle:
        world.runner.run(scene())


WITHOUT_ASYNCIO: dict[str, Callable[[], Coroutine[Any, Any, object]]] = {
    "a request": lambda: AsyncSocketTransport().send(make_request("http://127.0.0.1:1/")),
    "closing a transport": lambda: AsyncSocketTransport().aclose(),
    "a request over a session of its own": lambda: AiohttpTransport().send(make_request("http://127.0.0.1:1/")),
    "closing a session of its own": lambda: AsyncHttpxTransport().aclose(),
    "a call": lambda: AsyncLiveKitAPI("http://127.0.0.1:1", token="t").room.list_rooms(),
    "a call over a session": lambda: AsyncLiveKitAPI(
        "http://127.0.0.1:1",
        token="t",
        session=httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(503))),
    ).room.list_rooms(),
    "closing a client": lambda: AsyncLiveKitAPI("http://127.0.0.1:1", token="t").aclose(),
}


@pytest.mark.parametrize("name", WITHOUT_ASYNCIO)
def test_without_asyncio_one_sentence_says_so(name: str) -> None:
    """As under trio, which runs coroutines without a loop of asyncio's."""
    coroutine = WITHOUT_ASYNCIO[name]()
    wanted = r"^an async client needs asyncio, and no event loop of asyncio is running here \(under trio, use the sync"
    with pytest.raises(RuntimeError, match=wanted) as caught:
        coroutine.send(None)
    assert caught.value.__context__ is None


def test_a_loop_that_ends_ends_what_is_under_way(world: AsyncWorld) -> None:
    """As `asyncio.run` does with tasks that are left."""
    started = threading.Event()

    async def scene(transport: AsyncSocketTransport) -> None:
        task = asyncio.create_task(transport.send(make_request(server.url)))
        scene.task = task  # type: ignore[attr-defined]  # kept from the collector
        while not server.requests:
            await asyncio.sleep(0.001)
        started.set()

    with serve(Canned(b"", "hold")) as server:
        with asyncio.Runner(loop_factory=world.new_loop) as runner:
            runner.run(scene(AsyncSocketTransport()))
        assert started.is_set()
        assert server.gone.acquire(timeout=5)
