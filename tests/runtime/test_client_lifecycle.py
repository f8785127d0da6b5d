"""Clients as objects: closing, the wrong ``with``, the wrong session, pickles, threads, missing libraries
(rules F2, F3)."""

from __future__ import annotations

import asyncio
import copy
import gc
import pickle
import subprocess
import sys
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import aiohttp
import httpx
import pytest
import requests
from scripted_transport import AsyncScript, Opened, Script, open_livekit

from livekit_twirp import AsyncLiveKitAPI, AsyncRoomService, CreateRoomRequest, LiveKitAPI, Room, RoomService
from twirpkit import HttpRequest, HttpResponse
from twirpkit._engine.client_config import ClientConfig
from twirpkit.client import AsyncClient, Client
from twirpkit.testing import ScriptedServer, reply

URL = "https://livekit.example.com"
AUTH = {"auth": "Bearer scripted"}
CLOSED = r"^this client is closed: make a new one$"

Livekit = Callable[..., Opened]


class TestClosing:
    def test_close_closes_the_transport_and_twice_is_fine(self, livekit: Livekit) -> None:
        opened = livekit()
        assert opened.script.closed == 0

        opened.close()
        opened.close()

        assert opened.script.closed >= 1

    def test_close_calls_after_it_are_refused(self, livekit: Livekit) -> None:
        opened = livekit()
        opened.room()
        opened.close()

        with pytest.raises(RuntimeError, match=CLOSED):
            opened.room()

        assert len(opened.requests) == 1

    def test_close_services_of_it_are_closed_too(self, livekit: Livekit) -> None:
        opened = livekit()
        room = opened.client.room
        opened.close()

        with pytest.raises(RuntimeError, match=CLOSED):
            opened.wait(room.list_rooms())

    def test_close_holds_with_the_own_transports_too(self, livekit: Livekit) -> None:
        opened = livekit(transport=None)
        opened.close()
        opened.close()

        with pytest.raises(RuntimeError, match=CLOSED):
            opened.room()

    def test_close_a_with_block_closes(self) -> None:
        script = Script()
        with LiveKitAPI(URL, transport=script, **AUTH) as client:
            assert type(client) is LiveKitAPI
            client.room.list_rooms()
            assert script.closed == 0
        assert script.closed == 1
        with pytest.raises(RuntimeError, match=CLOSED):
            client.room.list_rooms()

    def test_close_an_async_with_block_closes(self) -> None:
        script = AsyncScript()

        async def run() -> None:
            async with AsyncLiveKitAPI(URL, transport=script, **AUTH) as client:
                assert type(client) is AsyncLiveKitAPI
                await client.room.list_rooms()
                assert script.closed == 0
            assert script.closed == 1
            with pytest.raises(RuntimeError, match=CLOSED):
                await client.room.list_rooms()

        asyncio.run(run())

    def test_close_a_with_block_closes_after_an_error_and_passes_it_on(self, kind: str) -> None:
        opened = open_livekit(kind)

        def fail() -> None:
            with opened.client:
                raise LookupError("mine")

        async def fail_awaited() -> None:
            async with opened.client:
                raise LookupError("mine")

        with pytest.raises(LookupError, match="mine"):
            opened.wait(fail() if kind == "sync" else fail_awaited())
        assert opened.script.closed == 1
        opened.end()


class TestTheWrongWith:
    def test_wrong_with_names_the_async_class(self) -> None:
        client = LiveKitAPI(URL, transport=Script(), **AUTH)

        async def run() -> None:
            async with client:  # type: ignore[attr-defined]
                raise AssertionError("entered")

        with pytest.raises(TypeError, match=r"^LiveKitAPI is a sync client: use AsyncLiveKitAPI, or a plain 'with'$"):
            asyncio.run(run())

    def test_wrong_with_names_the_sync_class(self) -> None:
        client = AsyncLiveKitAPI(URL, transport=AsyncScript(), **AUTH)

        with pytest.raises(TypeError, match=r"^AsyncLiveKitAPI is an async client: use LiveKitAPI, or 'async with'$"):
            with client:  # type: ignore[attr-defined]
                raise AssertionError("entered")


class TestTheWrongSession:
    """What the facade says, the service on its own says too."""

    @pytest.mark.parametrize("cls", [LiveKitAPI, RoomService])
    def test_wrong_session_for_a_sync_client(self, cls: Any) -> None:
        async def run() -> str:
            async with aiohttp.ClientSession() as session:
                with pytest.raises(TypeError) as caught:
                    cls(session=session, url=URL, **AUTH)
            return str(caught.value)

        name = cls.__name__
        assert asyncio.run(run()) == (
            f"{name} takes a requests.Session or an httpx.Client, not aiohttp.client.ClientSession; "
            f"for that one use Async{name}"
        )

    @pytest.mark.parametrize("cls", [AsyncLiveKitAPI, AsyncRoomService])
    def test_wrong_session_for_an_async_client(self, cls: Any) -> None:
        with requests.Session() as session, pytest.raises(TypeError) as caught:
            cls(session=session, url=URL, **AUTH)

        name = cls.__name__
        assert str(caught.value) == (
            f"{name} takes an aiohttp.ClientSession or an httpx.AsyncClient, not requests.sessions.Session; "
            f"for that one use {name.removeprefix('Async')}"
        )

    @pytest.mark.parametrize(
        ("cls", "wanted"),
        [
            (LiveKitAPI, "a requests.Session or an httpx.Client"),
            (RoomService, "a requests.Session or an httpx.Client"),
            (AsyncLiveKitAPI, "an aiohttp.ClientSession or an httpx.AsyncClient"),
            (AsyncRoomService, "an aiohttp.ClientSession or an httpx.AsyncClient"),
        ],
    )
    @pytest.mark.parametrize("session", ["a session", 7, object(), Script()])
    def test_wrong_session_that_is_none_at_all(self, cls: Any, wanted: str, session: Any) -> None:
        kind = f"{type(session).__module__}.{type(session).__qualname__}"

        with pytest.raises(TypeError) as caught:
            cls(session=session, url=URL, **AUTH)

        assert str(caught.value) == f"{cls.__name__} takes {wanted}, not {kind}"

    def test_wrong_session_of_the_right_library_and_the_wrong_class(self) -> None:
        for cls in (LiveKitAPI, RoomService):
            with pytest.raises(TypeError, match=r"requests\.Session"):
                cls(session=requests.Response(), url=URL, **AUTH)

    def test_wrong_session_of_httpx_and_the_other_mode(self) -> None:
        with (
            httpx.Client() as client,
            pytest.raises(TypeError, match=r"not httpx\.Client; for that one use LiveKitAPI$"),
        ):
            AsyncLiveKitAPI(URL, session=client, **AUTH)  # type: ignore[arg-type]  # the point of it
        with pytest.raises(TypeError, match=r"not httpx\.AsyncClient; for that one use AsyncRoomService$"):
            RoomService(httpx.AsyncClient(), URL, **AUTH)  # type: ignore[arg-type]  # likewise

    @pytest.mark.parametrize("cls", [RoomService, AsyncRoomService])
    def test_wrong_session_none_for_a_service_on_its_own(self, cls: Any) -> None:
        facade = "LiveKitAPI" if cls is RoomService else "AsyncLiveKitAPI"

        with pytest.raises(TypeError, match=rf"^{cls.__name__} needs a session: {facade} makes its own$"):
            cls(None, URL, **AUTH)

    def test_wrong_session_a_subclass_of_the_users_is_right(self) -> None:
        class MySession(requests.Session):
            pass

        with MySession() as session:
            LiveKitAPI(URL, session=session, **AUTH).close()


class TestSessionAndTransport:
    def test_session_and_transport_together_are_refused(self, kind: str) -> None:
        cls: Any = LiveKitAPI if kind == "sync" else AsyncLiveKitAPI

        with (
            requests.Session() as session,
            pytest.raises(ValueError, match=r"^give session=… or transport=…, not both$"),
        ):
            cls(URL, session=session, transport=Script(), **AUTH)

    def test_session_and_transport_proxy_and_tls_with_a_transport_or_a_session_are_refused(self) -> None:
        for options in ({"proxy": False}, {"tls": "/"}):
            with pytest.raises(ValueError, match=r"^with transport=…, proxy and tls are the transport's own matter"):
                LiveKitAPI(URL, transport=Script(), **AUTH, **options)
            with requests.Session() as session, pytest.raises(ValueError, match=r"^the session has its own"):
                LiveKitAPI(URL, session=session, **AUTH, **options)

    @pytest.mark.parametrize(
        ("cls", "names", "wrong", "hint"),
        [
            (LiveKitAPI, ("requests", "httpx"), "aiohttp", "; for that one use AsyncLiveKitAPI"),
            (AsyncLiveKitAPI, ("aiohttp", "httpx"), "requests", "; for that one use LiveKitAPI"),
            (LiveKitAPI, ("requests", "httpx"), "urllib3", ""),
        ],
    )
    def test_session_and_transport_names_of_libraries(
        self, cls: Any, names: tuple[str, str], wrong: str, hint: str
    ) -> None:
        for name in names:
            assert type(cls(URL, transport=name, **AUTH)._transport).__module__.startswith(
                "twirpkit.transports." + name
            )
        with pytest.raises(ValueError, match=r"takes transport=") as caught:
            cls(URL, transport=wrong, **AUTH)
        known = " or ".join(repr(name) for name in names)
        assert str(caught.value) == f"{cls.__name__} takes transport={known}, or a transport, not {wrong!r}{hint}"

    @pytest.mark.parametrize(
        ("cls", "library"),
        [(LiveKitAPI, "requests"), (LiveKitAPI, "httpx"), (AsyncLiveKitAPI, "aiohttp"), (AsyncLiveKitAPI, "httpx")],
    )
    def test_session_and_transport_a_missing_library_is_named(
        self, monkeypatch: pytest.MonkeyPatch, cls: Any, library: str
    ) -> None:
        hide(monkeypatch, library, library)
        with pytest.raises(
            ImportError, match=rf"^{library} is not installed: pip install 'twirpkit\[{library}\]'$"
        ) as caught:
            cls(URL, transport=library, **AUTH)
        assert caught.value.name == library
        assert (caught.value.__cause__, caught.value.__context__) == (None, None)
        cls(URL, **AUTH)

    def test_session_and_transport_a_broken_library_says_itself_what_it_lacks(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        hide(monkeypatch, "requests", "urllib3")
        with pytest.raises(ModuleNotFoundError) as caught:
            LiveKitAPI(URL, transport="requests", **AUTH)
        assert caught.value.name is not None
        assert caught.value.name.partition(".")[0] == "urllib3"

    def test_session_and_transport_a_transport_is_taken_as_it_is(self, livekit: Livekit) -> None:
        opened = livekit()

        opened.room()

        assert len(opened.script.requests) == 1


def hide(monkeypatch: pytest.MonkeyPatch, library: str, module: str) -> None:
    """As if the module were not installed, and the transport over the library had not been imported."""
    part = "httpx_client" if library == "httpx" else f"{library}_session"
    monkeypatch.delitem(sys.modules, f"twirpkit.transports.{part}", raising=False)
    for name in [name for name in sys.modules if name.partition(".")[0] == module]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)


class TestPickle:
    @pytest.mark.parametrize("act", [pickle.dumps, copy.copy, copy.deepcopy])
    def test_pickle_is_refused(self, livekit: Livekit, act: Callable[[Any], Any]) -> None:
        client = livekit().client

        for each in (client, client.room, [client]):
            if act is copy.copy and each is not client:
                continue
            with pytest.raises(
                TypeError, match=r"^a client holds credentials and connections and is not pickled: make one"
            ):
                act(each)

    def test_pickle_of_a_bare_client_is_refused(self) -> None:
        for client in (Client(ClientConfig(URL, "t"), Script()), AsyncClient(ClientConfig(URL, "t"), AsyncScript())):
            with pytest.raises(TypeError, match=r"make one in each process$"):
                pickle.dumps(client)


class Echo:
    """Answers with a room of the name that was asked for."""

    def send(self, request: HttpRequest, /) -> HttpResponse:
        name = CreateRoomRequest.FromString(request.body).name
        return HttpResponse(200, {}, Room(name=f"{name} {request.headers['Authorization']}").SerializeToString())

    def close(self) -> None: ...


def test_sixteen_threads_share_a_client_without_mixing_answers() -> None:
    client = LiveKitAPI(URL, transport=Echo(), auth=lambda method, message: f"for {message.name}")
    names = [f"room-{number}" for number in range(320)]

    with client, ThreadPoolExecutor(16) as pool:
        rooms = list(pool.map(lambda name: client.room.create_room(name=name), names))

    assert [room.name for room in rooms] == [f"{name} for {name}" for name in names]


def test_many_tasks_share_a_client_without_mixing_answers() -> None:
    class AsyncEcho(Echo):
        async def send(self, request: HttpRequest, /) -> HttpResponse:  # type: ignore[override]
            await asyncio.sleep(0)
            return super().send(request)

        async def aclose(self) -> None: ...

    names = [f"room-{number}" for number in range(100)]

    async def run() -> list[Room]:
        async with AsyncLiveKitAPI(URL, transport=AsyncEcho(), auth=lambda method, message: message.name) as client:
            return await asyncio.gather(*(client.room.create_room(name=name) for name in names))

    assert [room.name for room in asyncio.run(run())] == [f"{name} {name}" for name in names]


def test_a_dropped_client_closes_its_connections_without_the_collector_and_a_word() -> None:
    """A client and its services make no cycle. A warning would fail the test."""
    gc.disable()
    try:
        with ScriptedServer(reply(b"")) as server:
            for number in range(3):
                client = LiveKitAPI(server.url, token="any")
                client.room.list_rooms()
                client.sip.with_options(timeout=3)
                gone = weakref.ref(client)
                del client
                assert gone() is None
                assert server.wait_closed(number + 1)
    finally:
        gc.enable()


def test_a_dropped_async_client_is_no_cycle() -> None:
    gc.disable()
    try:
        client = AsyncLiveKitAPI(URL, token="any")
        assert client.room is not client.sip.with_options(timeout=3)
        gone = weakref.ref(client)
        del client
        assert gone() is None
    finally:
        gc.enable()


def test_the_services_of_a_facade_are_made_once(livekit: Livekit) -> None:
    client = livekit().client

    assert client.room is client.room


@pytest.mark.parametrize("cls", [LiveKitAPI, AsyncLiveKitAPI])
def test_no_http_library_is_needed(monkeypatch: pytest.MonkeyPatch, cls: Any) -> None:
    """As if none were installed, and nothing had been imported yet."""
    for library in ("requests", "urllib3", "aiohttp", "httpx"):
        monkeypatch.setitem(sys.modules, library, None)
    for module in [name for name in sys.modules if name.startswith("twirpkit.transports.")]:
        if module != "twirpkit.transports.base":
            monkeypatch.delitem(sys.modules, module)
    client = cls(URL, **AUTH)
    assert type(client._transport).__module__ in (
        "twirpkit.transports.sync_sockets",
        "twirpkit.transports.async_sockets",
    )


LAZY = """
import sys
import weakref
import livekit_twirp
loaded = [name for name in ("requests", "aiohttp", "asyncio", "jwt", "urllib3", "ssl") if name in sys.modules]
livekit_twirp.LiveKitAPI("https://h", "key", "secret-that-is-long-enough-for-hs256").close()
print(loaded, "aiohttp" in sys.modules, "asyncio" in sys.modules, "jwt" in sys.modules)
"""


def test_nothing_is_imported_before_it_is_needed() -> None:
    ran = subprocess.run([sys.executable, "-W", "error", "-c", LAZY], capture_output=True, text=True)

    assert (ran.stdout, ran.stderr) == ("[] False False False\n", "")
