"""The async transport alone: loops, cancellation, and its end."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import ssl
import subprocess
import sys
import threading
import warnings
import weakref
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from byte_server import Canned, Server, http, serve
from tls_peer import GARBAGE, Peer
from worlds import make_request

from twirpkit.transports._net import connection_pool, loop_pool
from twirpkit.transports._net.async_connection import AsyncConnection
from twirpkit.transports.async_sockets import AsyncSocketTransport
from twirpkit.transports.base import AsyncTransport, Phase, TransportFailure

PEM = Path(__file__).with_name("localhost.pem")
pytestmark = pytest.mark.usefixtures("loops")
CLOSED = TransportFailure("the client was closed", Phase.NOT_SENT, final=True)


def server_tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(PEM)
    return context


def test_it_is_a_transport() -> None:
    transport: AsyncTransport = AsyncSocketTransport()
    asyncio.run(transport.aclose())


def test_it_loads_no_http_library() -> None:
    code = (
        "import sys, twirpkit.transports.async_sockets\n"
        "sys.exit(any(m in sys.modules for m in ('aiohttp', 'requests', 'urllib3', 'httpx', 'http.client')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# Loops


def test_loops_one_after_the_other() -> None:
    """Made outside of any; each loop's connections end with it."""
    transport = AsyncSocketTransport()

    async def thrice(url: str) -> None:
        for _ in range(3):
            assert (await transport.send(make_request(url))).body == b"hi"

    with serve(*[http(b"hi")] * 9) as server:
        before = len(os.listdir("/dev/fd"))
        for number in range(3):
            asyncio.run(thrice(server.url))
            assert server.gone.acquire(timeout=5), "asyncio.run closes the connection"
            assert server.connections == number + 1
        assert len(os.listdir("/dev/fd")) <= before


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_loop_that_was_closed_by_hand_is_forgotten() -> None:
    transport = AsyncSocketTransport()
    with serve(*[http(b"hi")] * 2) as server:
        loop = asyncio.new_event_loop()
        loop.run_until_complete(transport.send(make_request(server.url)))
        loop.close()
        gone = weakref.ref(loop)
        del loop
        asyncio.run(transport.send(make_request(server.url)))
        gc.collect()
        assert gone() is None
    assert server.connections == 2


def test_two_loops_at_once() -> None:
    transport = AsyncSocketTransport()
    meeting = threading.Barrier(2)
    failures: list[BaseException] = []

    async def talk(url: str) -> None:
        for _ in range(3):
            assert (await transport.send(make_request(url))).body == b"hi"
            await asyncio.get_running_loop().run_in_executor(None, meeting.wait, 5)

    def run(url: str) -> None:
        try:
            asyncio.run(talk(url))
        except BaseException as error:
            failures.append(error)

    with serve(*[http(b"hi")] * 6) as server:
        threads = [threading.Thread(target=run, args=(server.url,), daemon=True) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
    assert not failures
    assert server.connections == 2


def test_a_loop_that_is_used_again() -> None:
    transport = AsyncSocketTransport()
    with serve(*[http(b"hi")] * 3) as server, asyncio.Runner() as one, asyncio.Runner() as other:
        for runner in (one, other, one):
            runner.run(transport.send(make_request(server.url)))
        assert server.connections == 2
        assert [request.connection for request in server.requests] == [0, 1, 0]


def test_many_requests_at_once() -> None:
    transport = AsyncSocketTransport()
    answer = Canned(b"HTTP/1.1 200 OK\r\n", "keep", after=b"Content-Length: 2\r\n\r\nhi")

    async def all_at_once() -> None:
        calls = [asyncio.create_task(transport.send(make_request(server.url))) for _ in range(150)]
        while len(server.requests) < 150:
            await asyncio.sleep(0.001)
        server.released.set()
        assert {(await call).body for call in calls} == {b"hi"}
        await transport.aclose()

    with serve(*[answer] * 150) as server:
        asyncio.run(asyncio.wait_for(all_at_once(), 10))
    assert server.connections == 150


# Life


def run(scene: Callable[[AsyncSocketTransport, Server], Coroutine[Any, Any, None]], *answers: Canned | bytes) -> Server:
    with serve(*answers) as server:

        async def play() -> None:
            transport = AsyncSocketTransport()
            try:
                await scene(transport, server)
            finally:
                await transport.aclose()

        asyncio.run(play())
    return server


def test_close() -> None:
    async def scene(transport: AsyncSocketTransport, server: Server) -> None:
        await transport.send(make_request(server.url))
        await transport.aclose()
        await asyncio.sleep(0)
        assert await asyncio.to_thread(server.gone.acquire, timeout=5)
        await transport.aclose()
        for timeout in (5, -1):
            assert await transport.send(make_request(server.url, timeout=timeout)) == CLOSED

    assert len(run(scene, http(b"hi"), http(b"hi")).requests) == 1


def test_close_in_another_loop_than_the_one_of_use() -> None:
    transport = AsyncSocketTransport()
    with serve(http(b"hi")) as server, asyncio.Runner() as runner:
        runner.run(transport.send(make_request(server.url)))
        asyncio.run(transport.aclose())
        runner.run(asyncio.sleep(0))
        assert server.gone.acquire(timeout=5)


def test_close_before_any_use() -> None:
    transport = AsyncSocketTransport()
    asyncio.run(transport.aclose())
    assert asyncio.run(transport.send(make_request("http://127.0.0.1:1/"))) == CLOSED


@pytest.mark.parametrize(
    "start", [b"", b"HTTP/1.1 200 OK\r\n", http(b"hello")[:-2], http(b"hello", status="500 X")[:-2]]
)
def test_cancelled_it_leaves_no_half_read_connection(start: bytes) -> None:
    async def scene(transport: AsyncSocketTransport, server: Server) -> None:
        call = asyncio.create_task(transport.send(make_request(server.url)))
        while not server.requests:
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.02)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert await asyncio.to_thread(server.gone.acquire, timeout=5)
        assert (await transport.send(make_request(server.url))).body == b"next"
        assert asyncio.all_tasks() == {asyncio.current_task()}

    assert run(scene, Canned(start, "hold"), http(b"next")).connections == 2


@pytest.mark.parametrize("name", ["cancelled", "late", "cut", "whole"])
def test_a_connection_is_closed_at_once(name: str) -> None:
    """Over TLS too, whose other side may never say farewell: the loop may end, and with it whatever waits for that."""
    asked, released = threading.Event(), threading.Event()

    def talk(listener: socket.socket) -> None:
        raw, _ = listener.accept()
        with server_tls().wrap_socket(raw, server_side=True) as connection:
            while b"ask" not in connection.recv(65536):
                pass
            asked.set()
            if name == "cut":
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n")
            if name == "whole":
                connection.sendall(http(b"", "Connection: close"))
            released.wait(10)

    async def scene(url: str) -> None:
        call = asyncio.create_task(transport.send(make_request(url, timeout=0.5 if name == "late" else 10)))
        if name == "cancelled":
            assert await asyncio.to_thread(asked.wait, 10)
            call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        await transport.aclose()

    transport = AsyncSocketTransport(tls=PEM)
    before = len(os.listdir("/dev/fd"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=talk, args=(listener,), daemon=True)
        thread.start()
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            asyncio.run(scene(f"https://127.0.0.1:{listener.getsockname()[1]}"))
            gc.collect()
        assert len(os.listdir("/dev/fd")) <= before + 2, "the listener and the server's end are left"
        released.set()
        thread.join(10)
    assert not seen, [str(warning.message) for warning in seen]


@pytest.mark.parametrize("name", ["cancelled", "whole", "cut"])
def test_a_closed_connection_frees_its_place_at_once(name: str) -> None:
    """Also where something still refers to it, as a traceback may."""

    async def scene() -> None:
        transport = AsyncSocketTransport(max_connections=1)
        call = asyncio.create_task(transport.send(make_request(server.url)))
        while not server.requests:
            await asyncio.sleep(0.001)
        [pool] = transport._own_pools().values()
        [connection] = pool.open
        if name == "cancelled":
            call.cancel()
        server.released.set()
        await asyncio.wait([call])
        assert (await transport.send(make_request(server.url))).body == b"next"  # type: ignore[union-attr]  # a response
        assert connection.ended
        await transport.aclose()

    first = {
        "cancelled": Canned(b"", "hold"),
        "whole": Canned(b"HTTP/1.1 200 OK\r\n", "hold", after=b"Connection: close\r\nContent-Length: 0\r\n\r\n"),
        "cut": Canned(b"HTTP/1.1 200 OK\r\n", after=b"Content-Length: 9\r\n\r\n"),
    }
    with serve(first[name], http(b"next")) as server:
        asyncio.run(scene())


@pytest.mark.parametrize("timeout", [None, 30.0])
def test_a_deadline_that_passes_after_its_request(timeout: float | None) -> None:
    """The connection stays, whether it is idle then or serves a request with another deadline, or without one."""
    reports: list[object] = []

    async def scene() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: reports.append(context))
        transport = AsyncSocketTransport()
        assert (await transport.send(make_request(server.url, timeout=0.3))).body == b"one"  # type: ignore[union-attr]  # a response
        [pool] = transport._own_pools().values()
        [connection] = pool.open
        await _timer_of(connection)
        call = asyncio.create_task(transport.send(make_request(server.url, timeout=0.3)))
        assert (await call).body == b"two"  # type: ignore[union-attr]  # a response
        call = asyncio.create_task(transport.send(make_request(server.url, timeout=timeout)))
        await _timer_of(connection)
        server.released.set()
        assert (await call).body == b"hi"  # type: ignore[union-attr]  # a response
        await transport.aclose()

    async def _timer_of(connection: AsyncConnection) -> None:
        """Wait until its present timer has run."""
        timer = connection._timer
        assert timer is not None
        while connection._timer is timer:
            await asyncio.sleep(0.001)

    held = Canned(b"HTTP/1.1 200 OK\r\n", "keep", after=b"Content-Length: 2\r\n\r\nhi")
    with serve(http(b"one"), http(b"two"), held) as server:
        asyncio.run(scene())
    assert not reports
    assert server.connections == 1


def test_a_timeout_of_the_caller_is_the_callers() -> None:
    async def scene(transport: AsyncSocketTransport, server: Server) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await transport.send(make_request(server.url))

    run(scene, Canned(b"", "hold"))


def test_failures_leak_no_descriptor() -> None:
    answers = [
        Canned(b""),
        Canned(b"junk"),
        Canned(http(b"hello")[:-1]),
        http(b"fine"),
        Canned(http(b"x"), "reset"),
    ]

    async def scene(transport: AsyncSocketTransport, server: Server) -> None:
        async def round_trip() -> None:
            for _ in answers:
                await transport.send(make_request(server.url))

        await round_trip()
        before = len(os.listdir("/dev/fd"))
        for _ in range(9):
            await round_trip()
        assert len(os.listdir("/dev/fd")) <= before + 2

    run(scene, *answers * 10)


# Between a connection and its first request


@pytest.fixture
def slow_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each TLS connection end before its request is sent."""
    shake_hands = AsyncConnection.shake_hands

    async def shake_and_wait(self: AsyncConnection, *arguments: Any) -> None:
        await shake_hands(self, *arguments)
        while not self.ended:
            await asyncio.sleep(0.001)

    monkeypatch.setattr(AsyncConnection, "shake_hands", shake_and_wait)


@pytest.mark.parametrize("wants", [False, True])
def test_a_connection_that_ends_before_its_first_request(slow_start: None, wants: bool) -> None:
    """Nothing was sent; and the server may have said why."""
    context = server_tls()
    if wants:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(PEM)

    def hang_up(listener: socket.socket) -> None:
        raw, _ = listener.accept()
        with raw:
            try:
                context.wrap_socket(raw, server_side=True).close()
            except ssl.SSLError:
                return

    async def scene() -> TransportFailure:
        transport = AsyncSocketTransport(tls=PEM)
        failed = await transport.send(make_request(url))
        await transport.aclose()
        assert isinstance(failed, TransportFailure)
        return failed

    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        thread = threading.Thread(target=hang_up, args=(listener,), daemon=True)
        thread.start()
        failed = asyncio.run(scene())
        thread.join(5)
    assert (failed.phase, failed.final) == (Phase.NOT_SENT, wants)
    why = ": the server wants a client certificate; " if wants else ": the connection was closed"
    assert failed.reason.startswith(f"could not connect to {url.removeprefix('https://')}{why}")


def test_a_connection_that_cannot_be_handed_over_is_closed() -> None:
    """To the loop, by which moment the time may be over."""

    async def scene(server: Server) -> None:
        loop = asyncio.get_running_loop()
        if type(loop).__module__.startswith("uvloop"):
            pytest.skip("its methods cannot be replaced")

        async def hang(*_: object, **__: object) -> None:
            await asyncio.sleep(30)

        create_connection = loop.create_connection
        loop.create_connection = hang  # type: ignore[method-assign, assignment]  # for a while
        transport = AsyncSocketTransport()
        failed = await transport.send(make_request(server.url, timeout=0.3))
        assert isinstance(failed, TransportFailure)
        assert (failed.phase, failed.timed_out) == (Phase.NOT_SENT, True)
        assert await asyncio.to_thread(server.gone.acquire, timeout=5)
        loop.create_connection = create_connection  # type: ignore[method-assign]  # as it was
        assert (await transport.send(make_request(server.url))).body == b"hi"  # type: ignore[union-attr]  # a response
        await transport.aclose()

    with serve(http(b"hi")) as server:
        asyncio.run(scene(server))


@pytest.mark.parametrize(("data", "ends"), [("ticket", False), ("bytes", True), ("garbage", True), ("farewell", True)])
def test_what_ends_an_idle_tls_connection(data: str, ends: bool) -> None:
    """Not the keys for a next one, which a server may send whenever it likes."""
    peer = Peer()
    if data == "ticket":
        received = peer.sent()  # OpenSSL's server sends them with the end of the handshake
        assert received
    else:
        assert not any(peer.client.decrypt(peer.sent()))
        received = {"bytes": lambda: peer.sent(b"x"), "farewell": peer.farewell, "garbage": lambda: GARBAGE}[data]()

    async def scene(server: Server) -> bool:
        transport = AsyncSocketTransport()
        await transport.send(make_request(server.url))
        [pool] = transport._own_pools().values()
        [connection] = pool.open
        connection._tls = peer.client
        connection._receive_between(received)
        ended = connection.ended
        await transport.aclose()
        return ended

    with serve(http(b"hi")) as server:
        assert asyncio.run(scene(server)) == ends


def test_an_idle_connection_is_closed_without_a_further_call(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (connection_pool, loop_pool):
        monkeypatch.setattr(module, "IDLE", 0.1)

    async def scene() -> None:
        transport = AsyncSocketTransport()
        await transport.send(make_request(one.url))
        await asyncio.sleep(0.05)
        await transport.send(make_request(two.url))
        assert await asyncio.to_thread(one.gone.acquire, timeout=5)
        assert await asyncio.to_thread(two.gone.acquire, timeout=5)
        [pool] = transport._own_pools().values()
        assert not pool.open
        await transport.aclose()

    with serve(http(b"hi")) as one, serve(http(b"hi")) as two:
        asyncio.run(scene())


def test_idle_connections_are_looked_at_by_one_timer() -> None:
    async def scene() -> None:
        transport = AsyncSocketTransport()
        await transport.send(make_request(server.url))
        [pool] = transport._own_pools().values()
        sweeper = pool._sweeper
        assert sweeper is not None
        await transport.send(make_request(server.url))
        assert pool._sweeper is sweeper
        call = asyncio.create_task(transport.send(make_request(server.url)))
        while len(server.requests) < 3:
            await asyncio.sleep(0.001)
        closing = asyncio.create_task(transport.aclose())
        await asyncio.sleep(0)
        server.released.set()
        await asyncio.gather(call, closing)
        assert pool._sweeper is None

    held = Canned(b"HTTP/1.1 200 OK\r\n", "keep", after=b"Content-Length: 2\r\n\r\nhi")
    with serve(http(b"hi"), http(b"hi"), held) as server:
        asyncio.run(scene())


def test_closing_waits_until_the_connections_are_closed() -> None:
    async def scene() -> None:
        transport = AsyncSocketTransport()
        await transport.send(make_request(server.url))
        [pool] = transport._own_pools().values()
        assert len(pool.open) == 1
        await transport.aclose()
        assert not pool.open

    with serve(http(b"hi")) as server:
        asyncio.run(scene())


def test_who_waited_for_a_connection_is_forgotten() -> None:
    async def scene() -> None:
        transport = AsyncSocketTransport(max_connections=1)
        await asyncio.gather(*[transport.send(make_request(server.url)) for _ in range(3)])
        [pool] = transport._own_pools().values()
        assert not pool._waiting
        await transport.aclose()

    with serve(*[http(b"hi")] * 3) as server:
        asyncio.run(scene())


def test_a_failed_lookup_for_which_nobody_waits_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, released = threading.Event(), threading.Event()
    reports: list[object] = []

    def resolve(*_: object, **__: object) -> None:
        asked.set()
        released.wait(10)
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    async def scene() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: reports.append(context))
        transport = AsyncSocketTransport()
        call = asyncio.create_task(transport.send(make_request("http://name.invalid/")))
        assert await asyncio.to_thread(asked.wait, 10)
        call.cancel()
        await asyncio.wait([call])
        del call
        [pool] = transport._own_pools().values()
        released.set()
        while pool._lookups:
            await asyncio.sleep(0.001)
        gc.collect()
        await transport.aclose()

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    asyncio.run(scene())
    assert not reports
