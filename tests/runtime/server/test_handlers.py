"""Handlers, sync and async: what an application takes, how it calls them, and what it refuses."""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import Any

import pytest
from gateways_under_test import ask_asgi, ask_wsgi

from livekit_twirp import (
    AccessToken,
    AsyncLiveKitAPI,
    CreateRoomRequest,
    DeadlineExceededError,
    GrantPolicy,
    InternalError,
    LiveKitAPI,
    NotFoundError,
    PermissionDeniedError,
    Room,
    SendDataRequest,
    SendDataResponse,
    UnauthenticatedError,
    UnimplementedError,
    VideoGrants,
)
from livekit_twirp.server import (
    AsyncRoomServiceBase,
    EgressBase,
    RequestContext,
    RoomServiceBase,
    RoomServiceHandler,
    TwirpApp,
    bind,
)
from twirpkit import HttpRequest

CREATE = "/twirp/livekit.RoomService/CreateRoom"
TYPED = {"Content-Type": "application/protobuf"}
KEY, SECRET = "key", "a secret that is long enough for HS256"
URL = "http://localhost"


class Rooms(RoomServiceBase):
    def create_room(self, request: CreateRoomRequest, context: RequestContext, /) -> Room:
        if request.name == "late":
            threading.Event().wait(0.05)
        return Room(name=request.name, metadata=threading.current_thread().name)

    def send_data(self, request: SendDataRequest, context: RequestContext, /) -> SendDataResponse:
        return SendDataResponse()


class AsyncRooms(AsyncRoomServiceBase):
    cancelled = False

    async def create_room(self, request: CreateRoomRequest, context: RequestContext, /) -> Room:
        if request.name == "crash":
            raise TimeoutError("mine")
        try:
            await asyncio.sleep(60 if request.name == "late" else 0)
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        return Room(name=request.name)


def test_sync_handlers_run_in_a_worker_thread_under_asgi() -> None:
    found = Room.FromString(ask_asgi(TwirpApp([Rooms()]), CREATE, b"", TYPED).body)
    assert found.metadata != threading.current_thread().name
    assert Room.FromString(ask_wsgi(TwirpApp([Rooms()]), CREATE, b"", TYPED).body).metadata == "MainThread"


def test_async_handlers_need_a_loop() -> None:
    app = TwirpApp([AsyncRooms()])
    assert ask_asgi(app, CREATE, b"", TYPED).status == 200
    with pytest.raises(RuntimeError, match="CreateRoom is async: a WSGI server cannot call it"):
        ask_wsgi(app, CREATE, b"", TYPED)
    with pytest.raises(TypeError, match="is async: a sync client cannot call it"):
        app.transport()


async def refuse(context: RequestContext, request: object) -> None:
    raise UnauthenticatedError("strangers")


def test_an_async_authorize_is_awaited_or_refused() -> None:
    app = TwirpApp([Rooms()], authorize=refuse)
    assert ask_asgi(app, CREATE, b"", TYPED).status == 401
    with pytest.raises(RuntimeError, match="authorize is async"):
        ask_wsgi(app, CREATE, b"", TYPED)
    hidden = TwirpApp([Rooms()], authorize=lambda context, request: refuse(context, request))
    assert ask_wsgi(hidden, CREATE, b"", TYPED).status == 500


def test_any_object_becomes_a_handler() -> None:
    class Books:
        def create_room(self, request: Any, context: Any, /) -> Room:
            return Room(name="mine")

        def __getattr__(self, name: str) -> Any:
            raise AttributeError(name)

    with pytest.raises(TypeError, match="Books has no method 'list_rooms'"):
        bind(RoomServiceBase, Books())
    handler: RoomServiceHandler = Rooms()
    app = TwirpApp([bind(RoomServiceBase, handler)])
    assert ask_wsgi(app, CREATE, b"", TYPED).status == 200


@pytest.mark.parametrize(
    ("handlers", "options", "error", "text"),
    [
        ([], {}, ValueError, "needs a handler"),
        ([Rooms], {}, TypeError, "is not a handler: give an instance"),
        ([object()], {}, TypeError, "is not a handler"),
        ([Rooms(), Rooms()], {}, ValueError, "two handlers have the service livekit.RoomService"),
        ([Rooms()], {"prefix": "/twirp/"}, ValueError, "must be empty or like '/twirp'"),
        ([Rooms()], {"prefix": "twirp"}, ValueError, "must be empty or like"),
        ([Rooms()], {"max_body": 0}, ValueError, "max_body must be above 0"),
    ],
)
def test_what_is_not_an_application_is_refused(handlers: Any, options: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        TwirpApp(handlers, **options)


def test_several_services_and_another_prefix() -> None:
    app = TwirpApp([Rooms(), EgressBase()], prefix="")
    assert ask_wsgi(app, "/livekit.RoomService/CreateRoom", b"", TYPED).status == 200
    assert ask_wsgi(app, "/livekit.Egress/ListEgress", b"", TYPED).status == 501


def test_an_exception_is_logged_and_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, "twirpkit.server"):
        response = ask_asgi(
            TwirpApp([AsyncRooms()]), CREATE, CreateRoomRequest(name="crash").SerializeToString(), TYPED
        )
    assert (response.status, b"mine" in response.body) == (500, False)
    (record,) = caplog.records
    assert record.getMessage() == "the handler of livekit.RoomService/CreateRoom raised TimeoutError"
    assert record.exc_info is not None


def test_on_error_that_raises_changes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def broken(context: RequestContext, error: Exception) -> None:
        raise KeyError("tracker")

    app = TwirpApp([AsyncRooms()], on_error=broken)
    response = ask_asgi(app, CREATE, CreateRoomRequest(name="crash").SerializeToString(), TYPED)
    assert response.status == 500
    assert "on_error raised" in caplog.text


# --- clients in the same process


def test_a_sync_client_calls_in_process() -> None:
    events: list[str] = []
    app = TwirpApp([Rooms()], authorize=GrantPolicy({KEY: SECRET}))
    hooks = [lambda event: events.append(event.kind)]
    with LiveKitAPI(URL, KEY, SECRET, transport=app.transport(), hooks=hooks) as lk:
        assert lk.room.create_room(name="hall").name == "hall"
        with pytest.raises(UnimplementedError, match="ListRooms is not implemented") as caught:
            lk.room.list_rooms()
        assert (caught.value.status, caught.value.sent) == (501, "yes")
        with pytest.raises(DeadlineExceededError) as late:
            lk.room.create_room(name="late", timeout=0.02, retry=False)
        assert late.value.sent == "maybe"
    assert events[:4] == ["start", "request", "response", "end"]


def test_an_async_client_calls_in_process() -> None:
    rooms = AsyncRooms()
    app = TwirpApp([rooms])

    async def scene() -> None:
        async with AsyncLiveKitAPI(URL, token="any", transport=app.async_transport()) as lk:
            assert (await lk.room.create_room(name="hall")).name == "hall"
            with pytest.raises(DeadlineExceededError) as late:
                await lk.room.create_room(name="late", timeout=0.02, retry=False)
            assert late.value.sent == "maybe"
            assert rooms.cancelled
            with pytest.raises(InternalError):
                await lk.room.create_room(name="crash", retry=False)

    asyncio.run(scene())


def test_a_response_larger_than_the_client_takes_is_cut() -> None:
    request = HttpRequest(f"{URL}{CREATE}", TYPED, CreateRoomRequest(name="x" * 100).SerializeToString(), max_body=50)
    for response in (
        TwirpApp([Rooms()]).transport().send(request),
        asyncio.run(TwirpApp([AsyncRooms()]).async_transport().send(request)),
    ):
        assert (response.oversized, len(response.body)) == (True, 50)  # type: ignore[union-attr]  # a response


def test_a_request_after_its_deadline_is_not_handled() -> None:
    request = HttpRequest(f"{URL}{CREATE}", TYPED, b"", deadline=0.0)
    for failure in (
        TwirpApp([Rooms()]).transport().send(request),
        asyncio.run(TwirpApp([AsyncRooms()]).async_transport().send(request)),
    ):
        assert failure.timed_out  # type: ignore[union-attr]  # a failure


# --- grants


def token(**grants: Any) -> str:
    return AccessToken(KEY, SECRET, video=VideoGrants(**grants)).to_jwt()


@pytest.mark.parametrize(
    ("authorization", "error", "text"),
    [
        (None, UnauthenticatedError, "no bearer token"),
        ("Basic eDp5", UnauthenticatedError, "no bearer token"),
        ("Bearer nonsense", UnauthenticatedError, "the token is not a JWT"),
        (f"Bearer {AccessToken('other', SECRET).to_jwt()}", UnauthenticatedError, "not signed by a known API key"),
        (f"Bearer {token()}", PermissionDeniedError, "the token lacks video.roomAdmin, video.room"),
        (f"Bearer {token(room_admin=True, room='attic')}", PermissionDeniedError, "the token lacks video.room"),
        (f"Bearer {token(room_admin=False, room='hall')}", PermissionDeniedError, "the token lacks video.roomAdmin"),
        (f"bearer {token(room_admin=True, room='hall')}", None, ""),
    ],
)
def test_grants_are_those_that_clients_sign(authorization: str | None, error: Any, text: str) -> None:
    app = TwirpApp([Rooms()], authorize=GrantPolicy({KEY: SECRET}))
    transport = app.transport()
    auth = authorization or "none"
    with LiveKitAPI(URL, auth=auth, transport=transport, retry=False) as lk:
        if error is None:
            lk.room.send_data(room="hall", data=b"x")
            return
        with pytest.raises(error, match=text):
            lk.room.send_data(room="hall", data=b"x")


def test_handlers_see_the_claims() -> None:
    seen: list[Any] = []

    class Asking(RoomServiceBase):
        def create_room(self, request: CreateRoomRequest, context: RequestContext, /) -> Room:
            seen.append(context.principal)
            raise NotFoundError("done")

    app = TwirpApp([Asking()], authorize=GrantPolicy({KEY: SECRET}))
    with LiveKitAPI(URL, KEY, SECRET, transport=app.transport()) as lk, pytest.raises(NotFoundError):
        lk.room.create_room(name="x")
    assert (seen[0].issuer, seen[0].video.room_create) == (KEY, True)


# --- the rest of the protocols of servers


def test_lifespan_and_other_scopes() -> None:
    app = TwirpApp([Rooms()])
    received = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
    sent: list[str] = []

    async def receive() -> Any:
        return received.pop(0)

    async def send(message: Any) -> None:
        sent.append(message["type"])

    asyncio.run(app.asgi({"type": "lifespan"}, receive, send))
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    with pytest.raises(RuntimeError, match="serves HTTP, not 'websocket'"):
        asyncio.run(app.asgi({"type": "websocket"}, receive, send))


def test_a_client_that_leaves_gets_no_response() -> None:
    async def receive() -> Any:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        raise AssertionError("nobody is there")

    scope = {"type": "http", "method": "POST", "path": CREATE, "headers": []}
    asyncio.run(TwirpApp([Rooms()]).asgi(scope, receive, send))


def test_paths_below_a_mount_point() -> None:
    app = TwirpApp([Rooms()], prefix="")

    def mounted(root: str, path: str) -> int:
        async def with_root(scope: Any, receive: Any, send: Any) -> None:
            await app.asgi({**scope, "root_path": root}, receive, send)

        return ask_asgi(with_root, path, b"", TYPED).status

    assert mounted("/api", "/api/livekit.RoomService/CreateRoom") == 200
    assert mounted("/api", "/livekit.RoomService/CreateRoom") == 200
    assert mounted("/api", "/other/livekit.RoomService/CreateRoom") == 404


def test_an_unlimited_wsgi_body_ends_where_its_server_says() -> None:
    import io

    started: list[str] = []
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": CREATE,
        "CONTENT_TYPE": "application/protobuf",
        "wsgi.input": io.BytesIO(CreateRoomRequest(name="hall").SerializeToString()),
        "wsgi.input_terminated": True,
    }
    app = TwirpApp([Rooms()], max_body=100)
    (body,) = app(environ, lambda status, lines: started.append(status))  # type: ignore[arg-type, return-value, func-returns-value]  # a server's own has more
    assert Room.FromString(body).name == "hall"
    environ["wsgi.input"] = io.BytesIO(b"x" * 101)
    app.wsgi(environ, lambda status, lines: started.append(status))  # type: ignore[arg-type, return-value, func-returns-value]  # likewise
    environ |= {"wsgi.input": io.BytesIO(b"x"), "CONTENT_LENGTH": "50"}
    app.wsgi(environ, lambda status, lines: started.append(status))  # type: ignore[arg-type, return-value, func-returns-value]  # likewise
    assert started == ["200 OK", "429 Too Many Requests", "200 OK"]
