"""Mistakes of users with clients as objects. Both checkers must refuse each line that says so, and no other."""

# pyright: strict

from typing import Any, Protocol

import requests
from google.protobuf.message import Message

import livekit_twirp
from livekit_twirp import (
    AccessToken,
    AsyncLiveKitAPI,
    CallInfo,
    CreateRoomRequestDict,
    Hook,
    HttpRequest,
    HttpResponse,
    ListRoomsResponse,
    LiveKitAPI,
    Method,
    RetryPolicy,
    RoomService,
    Transport,
    call_info,
    token_response,
)


def many_projects(lk: LiveKitAPI) -> None:
    lk.with_options(api_key=7)  # refused: int for a key
    lk.with_options(key="key")  # refused: no such option
    lk.with_options(url=None, regions=None)  # refused: regions follow the URL
    lk.room.with_options(session=None)  # refused: the connections stay
    LiveKitAPI(user_agent_extra=2.1)  # refused: a number for a text
    LiveKitAPI(user_agent="shop/2.1")  # refused: no such option
    LiveKitAPI("localhost", retries=2)  # refused: no such option
    AsyncLiveKitAPI(base_url="localhost")  # refused: no such option
    RoomService(requests.Session(), host="localhost")  # refused: no such option
    RetryPolicy(max_retries=2)  # refused: no such option


async def vault(method: Method[Any, Any], request: Message) -> str:
    return "Bearer x"


async def number(method: Method[Any, Any], request: Message) -> int:
    return 7


def authorization(lk: LiveKitAPI) -> None:
    LiveKitAPI(auth=vault)  # refused: a coroutine function in a sync client
    AsyncLiveKitAPI(auth=number)  # refused: it returns an int


def facts(lk: LiveKitAPI, info: CallInfo) -> None:
    with call_info() as calls:
        lk.room.list_rooms()
    print(calls.request_id)  # refused: a list of calls
    print(calls[0].region)  # refused: no such fact
    info.attempts = 2  # refused: it is immutable


def iterators(lk: LiveKitAPI) -> None:
    lk.sip.iter_sip_inbound_trunk(page={"after": "ST_1"})  # refused: no such field
    print(lk.sip.iter_sip_inbound_trunk().items)  # refused: items, not a response
    for trunk in lk.sip.iter_sip_outbound_trunk():
        print(trunk.nmae)  # refused: no such field


def helpers(lk: LiveKitAPI) -> None:
    lk.room.wait_until_active("standup", "ann")  # refused: by name only
    lk.room.wait_until_active(room="standup")  # refused: no identity
    lk.room.wait_until_active(room="standup", identity="ann", timeout="5")  # refused: str for seconds
    lk.room.change_permissions(room="standup", identity="ann", can_publsh=False)  # refused: no such permission
    lk.room.change_permissions(room="standup", identity="ann", can_publish="no")  # refused: str for bool
    lk.egress.wait_until_ended(egress="EG_1")  # refused: no such argument
    lk.agent_dispatch.dispatch_once(room="a", agent_name="b", restart_policy="NEVER")  # refused: no such name
    print(lk.sip.find_sip_inbound_trunk(number="+1").numbers)  # refused: it may be None
    lk.sip.find_sip_outbound_trunk(number=15550100)  # refused: int for a number's text


async def async_helpers(lk: AsyncLiveKitAPI) -> None:
    print(lk.egress.wait_until_ended(egress_id="EG_1").status)  # refused: not awaited
    list(lk.sip.iter_sip_inbound_trunk())  # refused: not an async for


def exported() -> None:
    request: CreateRoomRequestDict = {"nmae": "standup"}  # refused: no such key
    print(request, livekit_twirp.CreateRoomRequestDct)  # refused: no such name


class NoClose:
    def send(self, request: HttpRequest, /) -> HttpResponse:
        return HttpResponse(200, {}, request.body)


def seams() -> None:
    transport: Transport = NoClose()  # refused: it cannot be closed
    hook: Hook = vault  # refused: a hook takes the event alone
    print(transport, hook)


class Rooms(Protocol):
    def list_rooms(self) -> ListRoomsResponse: ...


class HasRooms(Protocol):
    @property
    def room(self) -> Rooms: ...


class Fake:
    class _Rooms:
        def list_rooms(self) -> list[str]:
            return []

    room = _Rooms()


def application(lk: HasRooms) -> None: ...


def doubles(lk: LiveKitAPI, other: AsyncLiveKitAPI) -> None:
    application(other)  # refused: an async client
    application(Fake())  # refused: it returns something else
    application(lk.room)  # refused: a service


def tokens() -> None:
    AccessToken("key", "secret", kinds="agent")  # refused: no such field
    token_response(b"{}", identity=7)  # refused: int for an identity
    token_response(b"{}", allow=[1])  # refused: int for a name
