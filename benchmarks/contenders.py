"""The contenders: our clients over each transport, livekit-api, the bare HTTP libraries, and bare sockets.

A contender that needs a library or a feature that is not there is left out; `missing` says why.
"""

from __future__ import annotations

import asyncio
import importlib.util
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, ExitStack, contextmanager
from typing import Any

import aiohttp
import bare
import payloads
import requests
from livekit import api
from measure import AsyncCall, Call
from requests.adapters import HTTPAdapter
from serving import Address

from livekit_twirp import AsyncLiveKitAPI, CreateRoomRequest, ListRoomsResponse, LiveKitAPI, Room
from livekit_twirp.server import AsyncRoomServiceBase, RequestContext, RoomServiceBase, TwirpApp
from twirpkit import HttpRequest, HttpResponse

LABELS = {
    "socket": "Twirp call on a bare socket",
    "protocol": "Twirp call on a bare asyncio protocol, with a timeout",
    "requests": "`requests.Session.post`",
    "httpx": "`httpx.Client.post`",
    "aiohttp": "`aiohttp.ClientSession.post`",
    "httpx-async": "`httpx.AsyncClient.post`",
    "livekit-api": "livekit-api's `LiveKitAPI`",
    "sync": "`LiveKitAPI`",
    "sync-message": "`LiveKitAPI`, message in place of keywords",
    "sync-requests": "`LiveKitAPI(session=requests.Session())`",
    "sync-httpx": "`LiveKitAPI(session=httpx.Client())`",
    "sync-null": "`LiveKitAPI`, null transport",
    "sync-app": "`LiveKitAPI`, `TwirpApp` in the same process",
    "async": "`AsyncLiveKitAPI`",
    "async-message": "`AsyncLiveKitAPI`, message in place of keywords",
    "async-aiohttp": "`AsyncLiveKitAPI(session=aiohttp.ClientSession())`",
    "async-httpx": "`AsyncLiveKitAPI(session=httpx.AsyncClient())`",
    "async-null": "`AsyncLiveKitAPI`, null transport",
    "async-app": "`AsyncLiveKitAPI`, `TwirpApp` in the same process",
    "parse": "`ListRoomsResponse.FromString`",
}
POOL = 1024
"""Connections that bare libraries and lent sessions may hold: more than there are calls in flight."""

missing: dict[str, str] = {}
"""Contenders that were left out, and why."""


class NullTransport:
    """A transport without a network: the flow of a call, and its messages, are all that is left."""

    def __init__(self) -> None:
        body = payloads.small()
        headers = {"content-type": "application/protobuf", "vary": "Origin", "content-length": str(len(body))}
        self.response = HttpResponse(status=200, headers=headers, body=body)

    def send(self, request: HttpRequest, /) -> HttpResponse:
        """Return the prepared response."""
        return self.response

    def close(self) -> None:
        """Do nothing."""


class AsyncNullTransport(NullTransport):
    """The same for an async client."""

    async def send(self, request: HttpRequest, /) -> HttpResponse:  # type: ignore[override]  # the async seam
        """Return the prepared response."""
        return self.response

    async def aclose(self) -> None:
        """Do nothing."""


class Rooms(RoomServiceBase):
    """A handler that costs nothing."""

    def __init__(self) -> None:
        self.room = Room.FromString(payloads.small())

    def create_room(self, request: CreateRoomRequest, context: RequestContext, /) -> Room:
        """Return the prepared room."""
        return self.room


class AsyncRooms(AsyncRoomServiceBase):
    """The same for an event loop."""

    def __init__(self) -> None:
        self.room = Room.FromString(payloads.small())

    async def create_room(self, request: CreateRoomRequest, context: RequestContext, /) -> Room:
        """Return the prepared room."""
        return self.room


@contextmanager
def optional(name: str) -> Iterator[None]:
    """Leave a contender out where its library is not installed, or our client does not take its session."""
    try:
        yield
    except (ImportError, TypeError) as error:
        missing[name] = f"{error}"


class SyncContenders:
    """Calls of a sync program; each is made when it is asked for and closed at the end.

    Args:
        address: The server that they call.
        headers: Request headers of the bare contenders.
        tls: Whether over TLS.
    """

    def __init__(self, address: Address, headers: Mapping[str, str], *, tls: bool = False) -> None:
        self._address = address
        self._headers = headers
        self._tls = tls
        self._url = address.url(tls=tls)
        self._stack = ExitStack()

    def __enter__(self) -> SyncContenders:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._stack.close()

    def calls(self, *names: str, large: bool = False) -> dict[str, Call]:
        """Return one function for each contender that can be measured here; each makes one call."""
        made: dict[str, Call] = {}
        for name in names:
            with optional(name):
                maker: Callable[[bool], Call] = getattr(self, "_" + name.replace("-", "_"))
                made[name] = maker(large)
        return made

    def _socket(self, large: bool) -> Call:
        port = self._address.tls_port if self._tls else self._address.port
        context = self._address.context() if self._tls else None
        kept = threading.local()

        def client() -> bare.Socket:
            try:
                return kept.client  # type: ignore[no-any-return]  # set two lines below
            except AttributeError:
                kept.client = self._stack.enter_context(_closing(bare.Socket(port, self._headers, context)))
                return client()

        return (lambda: client().list_rooms()) if large else (lambda: client().create_room(payloads.ROOM))

    def _post(self, post: Callable[..., Any], large: bool, name: str) -> Call:
        url = self._url + (payloads.LARGE_PATH if large else payloads.SMALL_PATH)
        body = b"" if large else payloads.small_request()
        headers = dict(self._headers)
        return lambda: post(url, headers=headers, **{name: body}).content

    def _requests(self, large: bool) -> Call:
        return self._post(self._requests_session().post, large, "data")

    def _httpx(self, large: bool) -> Call:
        return self._post(self._httpx_client().post, large, "content")

    def _sync(self, large: bool) -> Call:
        return self._ours(large, tls=self._address.ca if self._tls else None)

    def _sync_message(self, large: bool) -> Call:
        client = self._stack.enter_context(LiveKitAPI(self._url, payloads.KEY, payloads.SECRET))
        return lambda: client.room.create_room(CreateRoomRequest(name=payloads.ROOM))

    def _sync_requests(self, large: bool) -> Call:
        return self._ours(large, session=self._requests_session())

    def _sync_httpx(self, large: bool) -> Call:
        return self._ours(large, session=self._httpx_client())

    def _sync_null(self, large: bool) -> Call:
        return self._ours(large, transport=NullTransport())

    def _sync_app(self, large: bool) -> Call:
        return self._ours(large, transport=TwirpApp([Rooms()]).transport())

    def _parse(self, large: bool) -> Call:
        body = self._address.large()
        return lambda: ListRoomsResponse.FromString(body)

    def _ours(self, large: bool, **options: Any) -> Call:
        client = self._stack.enter_context(LiveKitAPI(self._url, payloads.KEY, payloads.SECRET, **options))
        return client.room.list_rooms if large else lambda: client.room.create_room(name=payloads.ROOM)

    def _requests_session(self) -> requests.Session:
        session = self._stack.enter_context(requests.Session())
        session.mount("http://", HTTPAdapter(pool_maxsize=POOL))
        session.mount("https://", HTTPAdapter(pool_maxsize=POOL))
        session.verify = self._address.ca
        return session

    def _httpx_client(self) -> Any:
        import httpx

        limits = httpx.Limits(max_connections=POOL, max_keepalive_connections=POOL)
        return self._stack.enter_context(httpx.Client(limits=limits, verify=self._address.context()))


class AsyncContenders:
    """Calls of an async program, as `SyncContenders`; to be used inside a running loop."""

    def __init__(self, address: Address, headers: Mapping[str, str], *, tls: bool = False) -> None:
        self._address = address
        self._headers = headers
        self._tls = tls
        self._url = address.url(tls=tls)
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> AsyncContenders:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._stack.aclose()

    async def calls(self, *names: str, large: bool = False) -> dict[str, AsyncCall]:
        """Return one coroutine function for each contender that can be measured here."""
        made: dict[str, AsyncCall] = {}
        for name in names:
            with optional(name):
                maker: Callable[[bool], Awaitable[AsyncCall]] = getattr(self, "_" + name.replace("-", "_"))
                made[name] = await maker(large)
        return made

    async def _blocking(self, name: str, large: bool) -> AsyncCall:
        """Make a sync contender a base of async ones; for series with one call at a time."""
        contenders = self._stack.enter_context(SyncContenders(self._address, self._headers, tls=self._tls))
        call = contenders.calls(name, large=large)[name]

        async def blocking() -> Any:
            return call()

        return blocking

    async def _socket(self, large: bool) -> AsyncCall:
        return await self._blocking("socket", large)

    async def _parse(self, large: bool) -> AsyncCall:
        return await self._blocking("parse", large)

    async def _protocol(self, large: bool) -> AsyncCall:
        port = self._address.tls_port if self._tls else self._address.port
        client = bare.Protocols(port, self._headers, self._address.context() if self._tls else None)
        self._stack.push_async_callback(client.aclose)
        return lambda: client.create_room(payloads.ROOM)

    async def _aiohttp(self, large: bool) -> AsyncCall:
        session = await self._aiohttp_session()
        url = self._url + (payloads.LARGE_PATH if large else payloads.SMALL_PATH)
        body = b"" if large else payloads.small_request()
        headers = dict(self._headers)

        async def post() -> bytes:
            async with session.post(url, data=body, headers=headers) as response:
                return await response.read()

        return post

    async def _httpx_async(self, large: bool) -> AsyncCall:
        client = await self._httpx_client()
        url = self._url + (payloads.LARGE_PATH if large else payloads.SMALL_PATH)
        body = b"" if large else payloads.small_request()
        headers = dict(self._headers)

        async def post() -> bytes:
            content: bytes = (await client.post(url, content=body, headers=headers)).content
            return content

        return post

    async def _livekit_api(self, large: bool) -> AsyncCall:
        # Its own session, with its limit of 100 connections; over TLS one that trusts the server.
        session = await self._aiohttp_session(limit=100) if self._tls else None
        client = api.LiveKitAPI(self._url, payloads.KEY, payloads.SECRET, session=session)
        self._stack.push_async_callback(client.aclose)
        if large:
            return lambda: client.room.list_rooms(api.ListRoomsRequest())
        return lambda: client.room.create_room(api.CreateRoomRequest(name=payloads.ROOM))

    async def _async(self, large: bool) -> AsyncCall:
        return await self._ours(large, tls=self._address.ca if self._tls else None)

    async def _async_message(self, large: bool) -> AsyncCall:
        client = await self._stack.enter_async_context(AsyncLiveKitAPI(self._url, payloads.KEY, payloads.SECRET))
        return lambda: client.room.create_room(CreateRoomRequest(name=payloads.ROOM))

    async def _async_aiohttp(self, large: bool) -> AsyncCall:
        return await self._ours(large, session=await self._aiohttp_session())

    async def _async_httpx(self, large: bool) -> AsyncCall:
        return await self._ours(large, session=await self._httpx_client())

    async def _async_null(self, large: bool) -> AsyncCall:
        return await self._ours(large, transport=AsyncNullTransport())

    async def _async_app(self, large: bool) -> AsyncCall:
        return await self._ours(large, transport=TwirpApp([AsyncRooms()]).async_transport())

    async def _ours(self, large: bool, **options: Any) -> AsyncCall:
        made = AsyncLiveKitAPI(self._url, payloads.KEY, payloads.SECRET, **options)
        client = await self._stack.enter_async_context(made)
        return client.room.list_rooms if large else lambda: client.room.create_room(name=payloads.ROOM)

    async def _aiohttp_session(self, limit: int = POOL) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(limit=limit, ssl=self._address.context())
        return await self._stack.enter_async_context(aiohttp.ClientSession(connector=connector))

    async def _httpx_client(self) -> Any:
        import httpx

        limits = httpx.Limits(max_connections=POOL, max_keepalive_connections=POOL)
        made = httpx.AsyncClient(limits=limits, verify=self._address.context())
        return await self._stack.enter_async_context(made)


@contextmanager
def running(contenders: AsyncContenders, runner: asyncio.Runner) -> Iterator[AsyncContenders]:
    """Enter async contenders from code that is not async."""
    try:
        yield runner.run(contenders.__aenter__())
    finally:
        runner.run(contenders.__aexit__())


@contextmanager
def _closing(client: bare.Socket) -> Iterator[bare.Socket]:
    try:
        yield client
    finally:
        client.close()


def has_uvloop() -> bool:
    """Tell whether uvloop is installed; otherwise note its absence."""
    found = importlib.util.find_spec("uvloop") is not None
    if not found:
        missing["uvloop"] = "it is not installed"
    return found
