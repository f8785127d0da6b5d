"""The end of the async transport's connections: who closes them, and from where."""

from __future__ import annotations

import asyncio
import gc
import ssl
from pathlib import Path

import pytest
from byte_server import Canned, Server, http, serve
from worlds import make_request

from twirpkit.transports.async_sockets import AsyncSocketTransport
from twirpkit.transports.base import HttpResponse, Phase, TransportFailure

PEM = Path(__file__).with_name("localhost.pem")
pytestmark = pytest.mark.usefixtures("loops")
WARNING = r"^an AsyncSocketTransport was dropped .*: await its aclose\(\), or use the client in `async with`$"


async def used(server: Server) -> list[AsyncSocketTransport]:
    """A transport with an open connection, in the one place that holds it."""
    transport = AsyncSocketTransport(tls=PEM)
    await transport.send(make_request(server.url))
    return [transport]


async def gone(server: Server) -> bool:
    return await asyncio.to_thread(server.gone.acquire, timeout=2)


def drop(box: list[AsyncSocketTransport]) -> None:
    with pytest.warns(ResourceWarning, match=WARNING) as caught:
        box.clear()
    assert [type(warning.source) for warning in caught] == [AsyncSocketTransport]


def test_dropped_in_its_loop() -> None:
    async def scene() -> None:
        drop(await used(server))
        assert await gone(server)

    with serve(http(b"hi")) as server:
        asyncio.run(scene(), debug=True)


def test_dropped_in_another_thread() -> None:
    """In debug mode a loop refuses what another thread does to it."""

    async def scene() -> None:
        await asyncio.to_thread(drop, await used(server))
        assert await gone(server)

    with serve(http(b"hi")) as server:
        asyncio.run(scene(), debug=True)


def test_closed_in_another_thread_while_its_loop_runs() -> None:
    async def scene() -> None:
        [transport] = await used(server)
        await asyncio.to_thread(lambda: asyncio.run(transport.aclose()))
        assert await gone(server)

    with serve(http(b"hi")) as server:
        asyncio.run(scene(), debug=True)


def test_closed_while_its_loop_rests_a_request_ends() -> None:
    """Nothing would end it but its deadline, if the loop ran again."""

    async def begin() -> asyncio.Task[HttpResponse | TransportFailure]:
        call = asyncio.create_task(transport.send(make_request(server.url)))
        while not server.requests:
            await asyncio.sleep(0.001)
        return call

    async def end(call: asyncio.Task[HttpResponse | TransportFailure]) -> HttpResponse | TransportFailure:
        return await call

    transport = AsyncSocketTransport()
    with serve(Canned(b"", "hold")) as server, asyncio.Runner() as runner:
        call = runner.run(begin())
        asyncio.run(transport.aclose())
        failed = runner.run(end(call))
        assert server.gone.acquire(timeout=5)
    assert failed == TransportFailure("the connection was closed before a response", Phase.NO_ANSWER)


def test_closed_from_two_places_at_once() -> None:
    """The one waits for its connections to end when the other comes."""

    async def scene() -> None:
        [transport] = await used(server)
        [pool] = transport._own_pools().values()
        closing = asyncio.create_task(transport.aclose())
        await asyncio.sleep(0)
        pool.drop()
        await closing
        assert await gone(server)

    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(PEM)
    with serve(http(b"hi"), tls=tls) as server:
        asyncio.run(scene(), debug=True)


def test_dropped_while_its_loop_rests() -> None:
    with serve(http(b"hi")) as server, asyncio.Runner() as runner:
        drop(runner.run(used(server)))
        assert runner.run(gone(server))


def test_dropped_after_its_loop_there_is_no_warning(recwarn: pytest.WarningsRecorder) -> None:
    with serve(http(b"hi")) as server:
        asyncio.run(used(server)).clear()
        gc.collect()
        assert server.gone.acquire(timeout=2)
    assert not [warning for warning in recwarn if warning.category is ResourceWarning]
