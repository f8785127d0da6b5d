"""Sessions that ``transport="requests"`` and its like make: one for each process and event loop (F1, F2, F3)."""

from __future__ import annotations

import asyncio
import gc
import os
import ssl
import threading
import warnings
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest
from byte_server import Canned, serve
from byte_server import http as answer

from livekit_twirp import AsyncLiveKitAPI, ListRoomsResponse, LiveKitAPI, Room
from twirpkit import TransportError
from twirpkit.transports.aiohttp_session import AiohttpTransport
from twirpkit.transports.httpx_client import AsyncHttpxTransport, HttpxTransport
from twirpkit.transports.requests_session import RequestsTransport

BODY = ListRoomsResponse(rooms=[Room(name="own")]).SerializeToString()
DATA = answer(BODY, "Content-Type: application/protobuf")
HERE = Path(__file__).parent
SYNC = ("requests", "httpx")
ASYNC = ("aiohttp", "httpx")
KNOWN: dict[str, Any] = {"token": "a token that is long enough", "retry": False}


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)


@pytest.fixture
def tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(HERE / "localhost.pem")
    return context


def call(library: str, mode: str, url: str, **options: Any) -> ListRoomsResponse:
    """Make one call by a client of either mode."""
    if mode == "sync":
        with LiveKitAPI(url, transport=library, **KNOWN, **options) as lk:  # type: ignore[arg-type]  # one of its names
            return lk.room.list_rooms()

    async def run() -> ListRoomsResponse:
        async with AsyncLiveKitAPI(url, transport=library, **KNOWN, **options) as lk:  # type: ignore[arg-type]  # likewise
            return await lk.room.list_rooms()

    return asyncio.run(run())


CLIENTS = [*[(library, "sync") for library in SYNC], *[(library, "async") for library in ASYNC]]
each_client = pytest.mark.parametrize(("library", "mode"), CLIENTS)


@each_client
def test_a_path_of_certificates(library: str, mode: str, tls: ssl.SSLContext) -> None:
    with serve(DATA, tls=tls) as server:
        assert call(library, mode, server.url, tls=str(HERE / "localhost.pem")).rooms[0].name == "own"
        with pytest.raises(TransportError, match="certificate verify failed"):
            call(library, mode, server.url)


@pytest.mark.parametrize(("library", "mode"), [each for each in CLIENTS if each != ("requests", "sync")])
def test_a_context(library: str, mode: str, tls: ssl.SSLContext) -> None:
    context = ssl.create_default_context(cafile=HERE / "localhost.pem")
    with serve(DATA, tls=tls) as server:
        assert call(library, mode, server.url, tls=context).rooms[0].name == "own"


def test_requests_takes_no_context() -> None:
    with pytest.raises(ValueError, match=r"^with transport='requests', tls is a path"):
        LiveKitAPI("https://h.invalid", transport="requests", tls=ssl.create_default_context(), **KNOWN)


@each_client
def test_bad_arguments(library: str, mode: str) -> None:
    for options, error in (
        ({"tls": "/nowhere.pem"}, ValueError),
        ({"tls": 7}, TypeError),
        ({"proxy": "socks5://h"}, ValueError),
        ({"proxy": 7}, TypeError),
    ):
        with pytest.raises(error, match=r"tls|proxy"):
            call(library, mode, "https://h.invalid", **options)


@pytest.mark.filterwarnings("ignore::twirpkit.InsecureTransportWarning")
@each_client
def test_a_proxy(library: str, mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(DATA, DATA, DATA) as proxy:
        place = proxy.url.removeprefix("http://")
        assert call(library, mode, "http://target.invalid", proxy=f"http://user:pass@{place}").rooms
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        assert call(library, mode, "http://target.invalid").rooms
        assert call(library, mode, proxy.url, proxy=False).rooms
    lines = [request.line for request in proxy.requests]
    path = "/twirp/livekit.RoomService/ListRooms HTTP/1.1"
    assert lines == [f"POST http://target.invalid{path}"] * 2 + [f"POST {path}"]
    assert dict(proxy.requests[0].headers)["Proxy-Authorization"] == "Basic dXNlcjpwYXNz"


@pytest.mark.parametrize("library", ASYNC)
@pytest.mark.slow
def test_several_loops_and_no_warning(library: str) -> None:
    with serve(*[DATA] * 4) as server, warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        lk = AsyncLiveKitAPI(server.url, transport=library, **KNOWN)  # type: ignore[arg-type]  # one of its names
        for _ in range(2):
            asyncio.run(_twice(lk))  # its end closes the session of that loop
        asyncio.run(lk.aclose())
        gc.collect()
    assert server.connections == 2


async def _twice(lk: AsyncLiveKitAPI) -> None:
    for _ in range(2):
        assert (await lk.room.list_rooms()).rooms


@each_client
def test_closing_ends_the_connections(library: str, mode: str) -> None:
    with serve(DATA) as server:
        call(library, mode, server.url)
        assert server.gone.acquire(timeout=5)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("library", SYNC)
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_child_uses_connections_of_its_own(library: str) -> None:
    with (
        serve(DATA, DATA, Canned(DATA, "keep")) as server,
        LiveKitAPI(server.url, transport=library, **KNOWN) as lk,  # type: ignore[arg-type]  # one of its names
    ):
        lk.room.list_rooms()
        child = os.fork()
        if child == 0:
            os._exit(0 if lk.room.list_rooms().rooms else 1)
        assert os.waitpid(child, 0)[1] == 0
        assert lk.room.list_rooms().rooms
    assert [request.connection for request in server.requests] == [0, 1, 0]


@pytest.mark.parametrize("cls", [RequestsTransport, AiohttpTransport, HttpxTransport, AsyncHttpxTransport])
def test_a_session_of_another_class(cls: Any) -> None:
    with pytest.raises(TypeError, match=r"must be an? \w+\.\w+, not object$"):
        cls(object())


@pytest.mark.parametrize("options", [{"proxy": False}, {"tls": "/"}])
def test_a_session_and_its_own_settings_together(options: dict[str, Any]) -> None:
    async def refuse() -> None:
        async with aiohttp.ClientSession() as session, httpx.AsyncClient() as client:
            for cls, lent in ((AiohttpTransport, session), (AsyncHttpxTransport, client)):
                with pytest.raises(ValueError, match=r"^the (session|client) has its own"):
                    cls(lent, **options)  # type: ignore[arg-type]  # each has the class that fits

    asyncio.run(refuse())
    with httpx.Client() as client, pytest.raises(ValueError, match=r"^the client has its own"):
        HttpxTransport(client, **options)


@pytest.mark.parametrize("library", ASYNC)
def test_closing_in_another_loop_ends_the_session_where_it_lives(library: str) -> None:
    with serve(DATA) as server, asyncio.Runner() as here:
        lk = AsyncLiveKitAPI(server.url, transport=library, **KNOWN)  # type: ignore[arg-type]  # one of its names
        there = asyncio.new_event_loop()
        thread = threading.Thread(target=there.run_forever)
        thread.start()
        asyncio.run_coroutine_threadsafe(lk.room.list_rooms(), there).result(5)
        here.run(lk.aclose())
        assert server.gone.acquire(timeout=5)
        there.call_soon_threadsafe(there.stop)
        thread.join(5)
        there.close()


@each_client
def test_a_store_that_cannot_be_read(library: str, mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The library's own choice is left; no request over plain http fails for it."""

    def fail() -> ssl.SSLContext:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr("twirpkit.transports._own_sessions.default_context", fail)
    with serve(DATA) as server:
        assert call(library, mode, server.url).rooms
