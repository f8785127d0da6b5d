"""The async transport alone: loops, life, cancellation, and what it borrows from a session."""

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
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import requests
from wire import Answer, Server, http, serve
from worlds import HEADERS, TOKEN, make_request

from twirpkit.transports.aiohttp_session import AiohttpTransport
from twirpkit.transports.base import AsyncTransport, Phase, TransportFailure

PEM = Path(__file__).with_name("localhost.pem")
HERE = Path(__file__).parent


def server_tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(PEM)
    return context


@asynccontextmanager
async def trusting(**options: Any) -> AsyncIterator[aiohttp.ClientSession]:
    connector = aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=PEM))
    async with aiohttp.ClientSession(connector=connector, **options) as session:
        yield session
    await asyncio.sleep(0.02)  # aiohttp 3.11 does not wait for the end of TLS


def test_it_is_a_transport() -> None:
    transport: AsyncTransport = AiohttpTransport()
    asyncio.run(transport.aclose())


@pytest.mark.parametrize("wrong", ["session", 1, object(), requests.Session(), aiohttp.ClientSession])
def test_a_wrong_kind_of_session(wrong: Any) -> None:
    kind = f"{type(wrong).__module__}.{type(wrong).__qualname__}"
    with pytest.raises(TypeError, match=f"^session must be an aiohttp.ClientSession, not {kind}$"):
        AiohttpTransport(wrong)
    gc.collect()


def test_it_does_not_load_requests() -> None:
    code = "import sys, twirpkit.transports.aiohttp_session; sys.exit(any(m in sys.modules for m in ('requests', 'urllib3')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# Loops


def test_loops_one_after_the_other() -> None:
    """Made outside of any; each loop's connections end with it."""
    transport = AiohttpTransport()

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
    transport = AiohttpTransport()
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
    transport = AiohttpTransport()
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
    transport = AiohttpTransport()
    with serve(*[http(b"hi")] * 3) as server, asyncio.Runner() as one, asyncio.Runner() as other:
        for runner in (one, other, one):
            runner.run(transport.send(make_request(server.url)))
        assert server.connections == 2
        assert [request.connection for request in server.requests] == [0, 1, 0]


def test_aiohttp_has_no_time_of_its_own() -> None:
    """Its default, five minutes for a request, is more than a test can wait for."""

    async def scene(transport: AiohttpTransport, server: Server) -> None:
        await transport.send(make_request(server.url))
        [pool] = transport._own_pools().values()
        assert pool.session.timeout == aiohttp.ClientTimeout()

    run(scene, http(b"hi"))


def test_many_requests_at_once() -> None:
    """No limit of aiohttp's holds them back."""
    transport = AiohttpTransport()
    answer = Answer(b"HTTP/1.1 200 OK\r\n", "keep", after=b"Content-Length: 2\r\n\r\nhi")

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


def run(scene: Callable[[AiohttpTransport, Server], Coroutine[Any, Any, None]], *answers: Answer | bytes) -> Server:
    with serve(*answers) as server:

        async def play() -> None:
            transport = AiohttpTransport()
            try:
                await scene(transport, server)
            finally:
                await transport.aclose()

        asyncio.run(play())
    return server


def test_close() -> None:
    async def scene(transport: AiohttpTransport, server: Server) -> None:
        await transport.send(make_request(server.url))
        await transport.aclose()
        await asyncio.sleep(0)
        assert await asyncio.to_thread(server.gone.acquire, timeout=5)
        await transport.aclose()
        for timeout in (5, -1):
            with pytest.raises(RuntimeError, match=r"^this AiohttpTransport is closed$"):
                await transport.send(make_request(server.url, timeout=timeout))

    assert len(run(scene, http(b"hi"), http(b"hi")).requests) == 1


def test_close_in_another_loop_than_the_one_of_use() -> None:
    transport = AiohttpTransport()
    with serve(http(b"hi")) as server, asyncio.Runner() as runner:
        runner.run(transport.send(make_request(server.url)))
        asyncio.run(transport.aclose())
        runner.run(asyncio.sleep(0))
        assert server.gone.acquire(timeout=5)


def test_close_before_any_use() -> None:
    transport = AiohttpTransport()
    asyncio.run(transport.aclose())
    with pytest.raises(RuntimeError, match="closed"):
        asyncio.run(transport.send(make_request("http://127.0.0.1:1/")))


def test_close_while_a_request_runs() -> None:
    async def scene(transport: AiohttpTransport, server: Server) -> None:
        call = asyncio.create_task(transport.send(make_request(server.url)))
        while not server.requests:
            await asyncio.sleep(0.001)
        await transport.aclose()
        with pytest.raises(TransportFailure) as caught:
            await call
        assert caught.value.phase is Phase.NO_ANSWER

    run(scene, Answer(b"", "hold"))


@pytest.mark.parametrize(
    "start", [b"", b"HTTP/1.1 200 OK\r\n", http(b"hello")[:-2], http(b"hello", status="500 X")[:-2]]
)
def test_cancelled_it_leaves_no_half_read_connection(start: bytes) -> None:
    async def scene(transport: AiohttpTransport, server: Server) -> None:
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

    assert run(scene, Answer(start, "hold"), http(b"next")).connections == 2


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

    transport = AiohttpTransport(tls=PEM)
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


def test_a_timeout_of_the_caller_is_the_callers() -> None:
    async def scene(transport: AiohttpTransport, server: Server) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await transport.send(make_request(server.url))

    run(scene, Answer(b"", "hold"))


def test_failures_leak_no_descriptor() -> None:
    answers = [Answer(b""), Answer(b"junk"), Answer(http(b"hello")[:-1]), http(b"fine"), Answer(http(b"x"), "reset")]

    async def scene(transport: AiohttpTransport, server: Server) -> None:
        async def round_trip() -> None:
            for _ in answers:
                try:
                    await transport.send(make_request(server.url))
                except TransportFailure:
                    continue

        await round_trip()
        before = len(os.listdir("/dev/fd"))
        for _ in range(9):
            await round_trip()
        assert len(os.listdir("/dev/fd")) <= before + 2

    run(scene, *answers * 10)


SCRIPTS = {
    # name: (body of main or of the module, how often our warning must come)
    "closed by asyncio.run": ("asyncio.run(call(transport))", 0),
    "twice": ("asyncio.run(call(transport)); asyncio.run(call(transport))", 0),
    "dropped after asyncio.run": ("asyncio.run(call(transport)); del transport; gc.collect()", 0),
    "closed": ("asyncio.run(both(transport))", 0),
    "never used": ("del transport; gc.collect()", 0),
    "dropped in a running loop": ("asyncio.run(drop([transport.__class__()]))", 1),
    "dropped while its loop rests": (
        "loop = asyncio.new_event_loop(); loop.run_until_complete(call(transport)); del transport; gc.collect()\n"
        "loop.run_until_complete(asyncio.sleep(0)); loop.run_until_complete(asyncio.sleep(0)); loop.close()",
        1,
    ),
    "dropped in another thread": ("asyncio.run(drop_elsewhere([transport.__class__()]))", 1),
    "kept to the end of the interpreter": ("keep = transport; asyncio.run(call(transport))", 0),
    "kept to the end, its loop shut down by hand": (
        "loop = asyncio.new_event_loop(); loop.run_until_complete(call(transport))\n"
        "loop.run_until_complete(loop.shutdown_asyncgens()); loop.run_until_complete(asyncio.sleep(0)); loop.close()",
        0,
    ),
    "TLS": ("asyncio.run(call(transport)); asyncio.run(both(transport))", 0),
    "a wrong session": (
        "try:\n    AiohttpTransport(1)\nexcept TypeError:\n    gc.collect()",
        0,
    ),
}

PRELUDE = """
import asyncio, gc, ssl, sys, threading
sys.path[:0] = [{here!r}]
from wire import http, serve
from worlds import make_request
from twirpkit.transports.aiohttp_session import AiohttpTransport

async def call(transport):
    assert (await transport.send(make_request(url))).body == b"hi"

async def both(transport):
    await call(transport)
    await transport.aclose()

async def drop(box):
    await call(box[0])
    box.clear()
    gc.collect()
    await asyncio.sleep(0.01)
    assert server.gone.acquire(timeout=5)

async def drop_elsewhere(box):
    await call(box[0])
    thread = threading.Thread(target=box.clear, daemon=True)
    thread.start()
    thread.join()
    await asyncio.sleep(0.01)
    assert server.gone.acquire(timeout=5)

tls = None
if {tls}:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain({pem!r})
serving = serve(*[http(b"hi")] * 3, tls=tls)
server = serving.__enter__()
url = server.url
transport = AiohttpTransport()
"""


@pytest.fixture(scope="module")
def interpreters() -> Iterator[dict[str, subprocess.Popen[str]]]:
    """One fresh interpreter a script, all at once: each takes its time to start."""
    running = {}
    for name, (script, _) in SCRIPTS.items():
        code = (
            PRELUDE.format(here=str(HERE), pem=str(PEM), tls=name == "TLS")
            + script
            + "\nserving.__exit__(None, None, None)\n"
        )
        command = [sys.executable, "-W", "always", "-c", code]
        running[name] = subprocess.Popen(
            command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "SSL_CERT_FILE": str(PEM)},
        )
    yield running
    for process in running.values():
        process.communicate()


@pytest.mark.parametrize("name", SCRIPTS)
def test_resource_warnings(name: str, interpreters: dict[str, subprocess.Popen[str]]) -> None:
    """In a fresh interpreter, since warnings at its end and in ``__del__`` are what is asked about."""
    expected = SCRIPTS[name][1]
    process = interpreters[name]
    _, said = process.communicate(timeout=30)
    assert process.returncode == 0, said
    assert said.count(": ResourceWarning:") + said.count("Exception ignored") == expected, said
    assert said.count("an AiohttpTransport was dropped with open connections") == expected, said
    assert "Unclosed" not in said
    assert "never awaited" not in said
    if not expected:
        assert said == ""


# Borrowing


def test_nothing_of_the_session_goes_out() -> None:
    async def scene() -> None:
        called: list[object] = []

        async def hook(*args: object) -> None:
            called.append(args)

        tracing = aiohttp.TraceConfig()
        tracing.on_request_start.append(hook)
        async with aiohttp.ClientSession(
            headers={"X-Own": "1", "Authorization": "theirs"},
            cookies={"a": "b"},
            cookie_jar=aiohttp.CookieJar(unsafe=True),
            raise_for_status=True,
            timeout=aiohttp.ClientTimeout(total=0.001),
            trace_configs=[tracing],
        ) as session:
            transport = AiohttpTransport(session)
            assert (await transport.send(make_request(server.url))).status == 404
            await transport.send(make_request(server.url))
            assert not called
            assert len(list(session.cookie_jar)) == 1
            await transport.aclose()
            assert not session.closed
            async with session.get(server.url, timeout=aiohttp.ClientTimeout()) as response:
                assert await response.read() == b"theirs"

    with serve(http(b"", "Set-Cookie: c=d; Path=/", status="404 No"), http(b""), Answer(http(b"theirs"))) as server:
        asyncio.run(scene())
    own = {"Host": f"127.0.0.1:{server.port}", "Content-Length": "3"}
    for request in server.requests[:2]:
        assert sorted(request.headers) == sorted({**HEADERS, **own}.items())
    assert server.connections == 1, "the connector is shared"


def test_a_borrowed_session_needs_no_close_of_ours() -> None:
    async def scene() -> None:
        async with aiohttp.ClientSession() as session:
            transport = AiohttpTransport(session)
            await transport.send(make_request(server.url))
            with warnings.catch_warnings(record=True) as seen:
                warnings.simplefilter("always")
                del transport
                gc.collect()
                await asyncio.sleep(0)
            assert not seen
            assert not session.closed
            assert (await AiohttpTransport(session).send(make_request(server.url))).body == b"two"
        gc.collect()

    with serve(http(b"one"), http(b"two")) as server:
        asyncio.run(scene())
    assert server.connections == 1


CLOSED = "^the aiohttp.ClientSession that this transport borrows from is closed$"


def test_a_borrowed_session_that_is_closed() -> None:
    async def scene() -> None:
        async with aiohttp.ClientSession() as session:
            transport = AiohttpTransport(session)
            await transport.send(make_request(server.url))
        with pytest.raises(RuntimeError, match=CLOSED):
            await transport.send(make_request(server.url))
        with pytest.raises(RuntimeError, match=CLOSED):
            await AiohttpTransport(session).send(make_request(server.url))

    with serve(http(b"one")) as server:
        asyncio.run(scene())
    assert len(server.requests) == 1


def test_a_borrowed_session_in_another_loop() -> None:
    with serve(http(b"one")) as server, asyncio.Runner() as home, asyncio.Runner() as abroad:

        async def make() -> tuple[aiohttp.ClientSession, AiohttpTransport]:
            session = aiohttp.ClientSession()
            return session, AiohttpTransport(session)

        session, transport = home.run(make())
        with pytest.raises(RuntimeError, match="same event loop"):
            abroad.run(transport.send(make_request(server.url)))
        assert home.run(transport.send(make_request(server.url))).body == b"one"
        home.run(session.close())


def test_tls_of_the_connector() -> None:
    async def scene() -> None:
        async with trusting() as session:
            transport = AiohttpTransport(session)
            assert (await transport.send(make_request(server.url))).body == b"one"
            assert (await transport.send(make_request(server.url))).body == b"two"

    with serve(http(b"one"), http(b"two"), tls=server_tls()) as server:
        asyncio.run(scene())
    assert server.connections == 1
    assert dict(server.requests[0].headers)["Host"] == f"127.0.0.1:{server.port}"
    assert dict(server.requests[0].headers)["Authorization"] == TOKEN


def test_an_unknown_certificate() -> None:
    async def scene(transport: AiohttpTransport, url: str) -> None:
        with pytest.raises(TransportFailure) as caught:
            await transport.send(make_request(url))
        await transport.aclose()
        assert caught.value.phase is Phase.NOT_SENT
        assert type(caught.value.__cause__) is ssl.SSLCertVerificationError
        assert caught.value.__cause__.__context__ is None
        assert "certificate verify failed" in caught.value.reason

    with serve(http(b"hi"), tls=server_tls()) as server:
        asyncio.run(scene(AiohttpTransport(), server.url))
    assert not server.requests


def test_a_certificate_for_another_name() -> None:
    async def scene() -> None:
        async with trusting() as session:
            with pytest.raises(TransportFailure) as caught:
                await AiohttpTransport(session).send(make_request(f"https://127.0.0.2:{server.port}"))
            assert caught.value.phase is Phase.NOT_SENT
            assert type(caught.value.__cause__) is ssl.SSLCertVerificationError
            assert caught.value.__context__ is None

    with serve(http(b"hi"), tls=server_tls(), host="127.0.0.2") as server:
        asyncio.run(scene())


def test_a_cut_tls_body() -> None:
    async def scene() -> None:
        async with trusting() as session:
            transport = AiohttpTransport(session)
            assert (await transport.send(make_request(server.url))).body_error
            with pytest.raises(TransportFailure) as caught:
                await transport.send(make_request(server.url))
            assert caught.value.phase is Phase.CUT

    with serve(Answer(http(b"hello")[:-1]), Answer(http(b"hello")[:-8]), tls=server_tls()) as server:
        asyncio.run(scene())


def test_a_timeout_of_the_borrowed_resolver_is_not_the_deadline() -> None:
    class Slow(aiohttp.ThreadedResolver):
        async def resolve(self, *args: Any, **options: Any) -> Any:
            raise TimeoutError

    async def scene() -> None:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(resolver=Slow())) as session:
            with pytest.raises(TransportFailure) as caught:
                await AiohttpTransport(session).send(make_request("http://name.invalid/"))
        assert (caught.value.phase, caught.value.timed_out) == (Phase.NOT_SENT, False)
        assert caught.value.reason.startswith("could not connect to name.invalid: ")
        assert (type(caught.value.__cause__), caught.value.__context__) in ((type(None), None), (OSError, None))

    asyncio.run(scene())


def test_a_connection_that_is_lost_before_the_request_goes_out() -> None:
    """Then it is certain that nothing was sent."""

    class Losing(aiohttp.TCPConnector):
        async def connect(self, *args: Any, **options: Any) -> Any:
            connection = await super().connect(*args, **options)
            assert connection.transport is not None
            connection.transport.abort()
            await asyncio.sleep(0.01)
            return connection

    async def scene() -> None:
        async with aiohttp.ClientSession(connector=Losing()) as session:
            with pytest.raises(TransportFailure) as caught:
                await AiohttpTransport(session).send(make_request(server.url))
        assert caught.value.phase is Phase.NOT_SENT
        assert caught.value.reason == f"could not connect to 127.0.0.1:{server.port}: the connection was closed"

    with serve(http(b"one")) as server:
        asyncio.run(scene())
    assert not server.requests


def test_the_limit_of_a_borrowed_connector_counts_against_the_deadline() -> None:
    async def scene() -> None:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1)) as session:
            transport = AiohttpTransport(session)
            first = asyncio.create_task(transport.send(make_request(server.url)))
            while not server.requests:
                await asyncio.sleep(0.001)
            with pytest.raises(TransportFailure) as caught:
                await transport.send(make_request(server.url, timeout=0.1))
            assert (caught.value.phase, caught.value.timed_out) == (Phase.NOT_SENT, True)
            first.cancel()
            await asyncio.gather(first, return_exceptions=True)

    with serve(Answer(b"", "hold")) as server:
        asyncio.run(scene())
    assert len(server.requests) == 1
