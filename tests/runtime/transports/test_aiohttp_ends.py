"""The async transport alone: who closes its connections, from where, and the words of its failures."""

from __future__ import annotations

import asyncio
import gc
import ssl
from pathlib import Path

import pytest
from wire import Answer, Server, http, serve
from worlds import AsyncWorld, make_request

from twirpkit.transports.aiohttp_session import AiohttpTransport
from twirpkit.transports.base import Phase

PEM = Path(__file__).with_name("localhost.pem")
WARNING = r"^an AiohttpTransport was dropped .*: await its aclose\(\), or use the client in `async with`$"
OK = b"HTTP/1.1 200 OK\r\n"


async def used(server: Server) -> list[AiohttpTransport]:
    """A transport with an open connection, in the one place that holds it."""
    transport = AiohttpTransport(tls=PEM)
    await transport.send(make_request(server.url))
    return [transport]


async def gone(server: Server) -> bool:
    return await asyncio.to_thread(server.gone.acquire, timeout=2)


def drop(box: list[AiohttpTransport]) -> None:
    with pytest.warns(ResourceWarning, match=WARNING) as caught:
        box.clear()
    assert [type(warning.source) for warning in caught] == [AiohttpTransport]


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


def test_closed_from_two_places_at_once() -> None:
    """The one waits for its connections to end when the other comes."""

    async def scene() -> None:
        [transport] = await used(server)
        [pool] = transport._own_pools().values()
        closing = asyncio.create_task(transport.aclose())
        await asyncio.sleep(0)
        assert not closing.done()
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


REASONS = {
    "below 100": (b"HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n", "the answer's status line is not HTTP/1.x"),
    "no HTTP": (b"hello\r\n\r\n", "the answer is not HTTP/1.x"),
    "too many lines": (OK + b"X: y\r\n" * 1001 + b"\r\n", "the answer's header block is too long"),
    "cut": (OK + b"X", "the connection was closed inside the answer's header"),
    "closed": (b"", "the connection was closed before an answer"),
}


@pytest.mark.parametrize("name", REASONS)
def test_a_reason(name: str) -> None:
    data, reason = REASONS[name]
    world = AsyncWorld()
    with serve(Answer(data)) as server:
        assert world.fail(server.url).reason == reason
    world.end()


def test_the_reason_of_a_cut_body() -> None:
    world = AsyncWorld()
    with serve(Answer(http(b"hello")[:-1])) as server:
        assert world.send(server.url).body_error == "the answer was cut inside its body"
    world.end()


def test_the_reasons_of_a_deadline() -> None:
    world = AsyncWorld()
    with serve(Answer(b"", "hold"), Answer(http(b"hello")[:-1], "hold")) as server:
        waiting = world.fail(server.url, timeout=0.05)
        reading = world.fail(server.url, timeout=0.05)
        handshake = world.fail(server.url.replace("http:", "https:"), timeout=0.05)
        passed = world.fail(server.url, timeout=-1)
        host = f"127.0.0.1:{server.port}"
    world.end()
    assert [failed.reason for failed in (waiting, reading, handshake, passed)] == [
        "the deadline passed while waiting for the answer",
        "the deadline passed during the answer's body",
        f"the deadline passed while connecting to {host}",
        "the deadline passed before the request",
    ]


def test_the_reason_names_the_host_and_the_cause() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(PEM)
    world = AsyncWorld()
    with serve(tls=context) as server:
        unknown = world.fail(server.url)
    name = "a" * 64 + ".invalid"
    impossible = world.fail(f"http://{name}/")
    world.end()
    assert unknown.phase is impossible.phase is Phase.NOT_SENT
    assert unknown.reason.startswith(f"could not connect to 127.0.0.1:{server.port}: ")
    assert "NoneType" not in impossible.reason
    assert impossible.reason.startswith(f"could not connect to {name}: ")


def test_an_answer_to_head_needs_no_length() -> None:
    world = AsyncWorld()
    with serve(Answer(OK + b"\r\n")) as server:
        assert world.send(server.url, method="HEAD").body_error is None
    world.end()


# The listed limits: each must be as docs/sessions.md says, or leave the list


def test_limit_after_an_interim_answer_a_failure_is_a_cut() -> None:
    interim = b"HTTP/1.1 103 Early Hints\r\n\r\n"
    world = AsyncWorld()
    with serve(Answer(interim, "hold"), Answer(interim, "reset")) as server:
        late = world.fail(server.url, timeout=0.1)
        reset = world.fail(server.url)
    world.end()
    assert (late.phase, late.timed_out) == (Phase.CUT, True)
    assert (reset.phase, reset.timed_out) == (Phase.CUT, False)


def test_limit_chunk_extensions_are_not_counted() -> None:
    chunk = b"1;" + b"x" * 500_000 + b"\r\ny\r\n"
    data = OK + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 3 + b"0\r\n\r\n"
    world = AsyncWorld()
    with serve(Answer(data)) as server:
        got = world.send(server.url)
    world.end()
    assert (got.body, got.body_error) == (b"yyy", None)
