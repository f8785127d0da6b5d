"""Every RPC of both clients, through the facade and the service on its own, in all three forms of a request."""

import asyncio
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import aiohttp
import jwt
import pytest
import requests
from room_samples import SAMPLES

from livekit_twirp import AsyncLiveKitAPI, AsyncRoomService, LiveKitAPI, RoomService
from livekit_twirp._methods.room import METHODS
from twirpkit import Method
from twirpkit.conformance import ReceivedRequest, ReplayServer

KEY, SECRET = "devkey", "a secret that is long enough for HS256"
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/protobuf\r\nContent-Length: 0\r\n\r\n"

Call = Callable[..., Any]
BY_NAME: dict[str, Method[Any, Any]] = {method.py_name: method for method in METHODS}


@pytest.fixture(scope="module")
def server() -> Iterator[ReplayServer]:
    with ReplayServer(lambda received: OK) as server:
        yield server


def sync_facade(url: str, name: str, forms: list[Call]) -> list[Any]:
    with LiveKitAPI(url, KEY, SECRET) as client:
        return [form(getattr(client.room, name)) for form in forms]


def sync_service(url: str, name: str, forms: list[Call]) -> list[Any]:
    with requests.Session() as session:
        return [form(getattr(RoomService(session, url, KEY, SECRET), name)) for form in forms]


def async_facade(url: str, name: str, forms: list[Call]) -> list[Any]:
    async def run() -> list[Any]:
        async with AsyncLiveKitAPI(url, KEY, SECRET) as client:
            return [await form(getattr(client.room, name)) for form in forms]

    return asyncio.run(run())


def async_service(url: str, name: str, forms: list[Call]) -> list[Any]:
    async def run() -> list[Any]:
        async with aiohttp.ClientSession() as session:
            return [await form(getattr(AsyncRoomService(session, url, KEY, SECRET), name)) for form in forms]

    return asyncio.run(run())


def forms(method: Method[Any, Any]) -> list[Call]:
    """The sample request as a message, as a mapping and as keywords."""
    sample = SAMPLES[method.py_name]
    return [lambda call: call(method.request(**sample)), lambda call: call(sample), lambda call: call(**sample)]


def claims(received: ReceivedRequest) -> dict[str, Any]:
    """The grants in the token of a request, which must be ours."""
    (authorization,) = received.values("Authorization")
    decoded = jwt.decode(authorization.removeprefix("Bearer "), SECRET, algorithms=["HS256"], issuer=KEY)
    return {name: value for name, value in decoded.items() if name not in ("iss", "nbf", "exp")}


def granted(method: Method[Any, Any]) -> dict[str, Any]:
    """The claims of the RPC's policy row, filled from its sample."""
    sample, video = SAMPLES[method.py_name], (method.grants or {})["video"]
    filled = {name: sample[value[1:]] if str(value).startswith("$") else value for name, value in video.items()}
    return {"video": filled}


@pytest.mark.parametrize("name", SAMPLES)
def test_samples_set_every_field(name: str) -> None:
    assert set(SAMPLES[name]) == set(BY_NAME[name].request.DESCRIPTOR.fields_by_name)


@pytest.mark.parametrize("way", [sync_facade, sync_service, async_facade, async_service], ids=lambda way: way.__name__)
@pytest.mark.parametrize("name", BY_NAME)
def test_forms_are_the_same_call(server: ReplayServer, way: Call, name: str) -> None:
    method = BY_NAME[name]
    answers = way(server.url, name, forms(method))
    taken = server.take()
    assert [type(answer) for answer in answers] == [method.response] * 3
    assert [(each.method, each.target) for each in taken] == [("POST", f"/twirp/{method.path}")] * 3
    assert [method.request.FromString(each.body) for each in taken] == [method.request(**SAMPLES[name])] * 3
    assert len({each.body for each in taken}) == 1
    assert [claims(each) for each in taken] == [granted(method)] * 3


@pytest.mark.parametrize("service", [RoomService, AsyncRoomService])
def test_services_have_exactly_the_rpcs(service: type) -> None:
    public = {name for name, _ in inspect.getmembers(service, inspect.isfunction) if not name.startswith("_")}
    assert public == BY_NAME.keys() | {"with_options", "wait_until_active", "change_permissions"}


def test_a_message_of_the_caller_is_never_changed(server: ReplayServer) -> None:
    """`send_data` fills the nonce in, but into a message of its own."""
    method = BY_NAME["send_data"]
    request = method.request(room="standup")
    sync_facade(server.url, "send_data", [lambda call: call(request)] * 2)
    first, second = (method.request.FromString(each.body).nonce for each in server.take())
    assert len(first) == len(second) == 16
    assert first != second
    assert request == method.request(room="standup")
