"""What users write with clients as objects: options, facts, iterators, helpers, fakes. Both checkers accept it."""

# pyright: strict

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, Protocol, assert_type
from unittest.mock import Mock, create_autospec

from google.protobuf.message import Message

from livekit_twirp import (
    UNSET,
    AccessToken,
    AgentDispatch,
    AsyncAuthorize,
    AsyncLiveKitAPI,
    AsyncTransport,
    Authorize,
    CallInfo,
    CreateRoomRequestDict,
    DataPacket_KindName,
    EgressInfo,
    Event,
    Hook,
    HttpRequest,
    HttpResponse,
    ListRoomsResponse,
    LiveKitAPI,
    Method,
    ParticipantInfo,
    ParticipantPermissionDict,
    Phase,
    RetryClass,
    RetryOption,
    RetryPolicy,
    Room,
    RoomService,
    SIPDispatchRuleInfo,
    SIPInboundTrunkInfo,
    SIPOutboundTrunkInfo,
    TokenVerifier,
    Transport,
    TransportFailure,
    WebhookReceiver,
    __version__,
    call_info,
    token_response,
)


def many_projects(lk: LiveKitAPI, url: str, key: str, secret: str) -> None:
    project = lk.with_options(url=url, api_key=key, api_secret=secret)
    assert_type(project, LiveKitAPI)
    assert_type(project.room.create_room(name="standup"), Room)
    assert_type(lk.room.with_options(api_key=key, api_secret=secret, timeout=5, user_agent_extra="shop/2"), RoomService)
    LiveKitAPI(url, user_agent_extra="shop/2.1")
    print(repr(lk), __version__)


def plain(method: Method[Any, Any], request: Message) -> str:
    return f"Bearer {method.name}"


async def vault(method: Method[Any, Any], request: Message) -> str:
    return f"Bearer {method.name}"


class Vault:
    async def __call__(self, method: Method[Any, Any], request: Message) -> str:
        return "Bearer x"


def authorization() -> None:
    of_both: Authorize = plain
    of_async: AsyncAuthorize = vault
    LiveKitAPI(auth=of_both)
    AsyncLiveKitAPI(auth=of_both)
    AsyncLiveKitAPI(auth=of_async)
    AsyncLiveKitAPI(auth=Vault()).with_options(auth=vault)


def facts(lk: LiveKitAPI) -> str | None:
    with call_info() as calls:
        assert_type(lk.room.create_room(name="standup"), Room)
    assert_type(calls, list[CallInfo])
    last = calls[-1]
    assert_type(last.attempts, int)
    assert_type(last.elapsed, float)
    assert_type(last.headers, Mapping[str, str])
    print(last.host, last.url, last.rpc)
    return last.request_id


def iterators(lk: LiveKitAPI) -> None:
    assert_type(lk.sip.iter_sip_inbound_trunk(), Iterator[SIPInboundTrunkInfo])
    for trunk in lk.sip.iter_sip_outbound_trunk(numbers=["+15550100"], page={"limit": 50}):
        assert_type(trunk, SIPOutboundTrunkInfo)
    for rule in lk.sip.iter_sip_dispatch_rule({"trunk_ids": ["ST_1"]}, timeout=5):
        assert_type(rule, SIPDispatchRuleInfo)


async def async_iterators(lk: AsyncLiveKitAPI) -> list[str]:
    assert_type(lk.sip.iter_sip_inbound_trunk(), AsyncIterator[SIPInboundTrunkInfo])
    return [trunk.sip_trunk_id async for trunk in lk.sip.iter_sip_inbound_trunk()]


def helpers(lk: LiveKitAPI, changes: ParticipantPermissionDict) -> None:
    assert_type(lk.room.wait_until_active(room="standup", identity="ann"), ParticipantInfo)
    lk.room.wait_until_active(room="standup", identity="ann", timeout=None)
    lk.room.change_permissions(room="standup", identity="ann", can_publish=False, can_publish_sources=["CAMERA"])
    assert_type(lk.room.change_permissions(room="standup", identity="ann", **changes), ParticipantInfo)
    assert_type(lk.egress.wait_until_ended(egress_id="EG_1", timeout=120), EgressInfo)
    assert_type(lk.agent_dispatch.dispatch_once(room="standup", agent_name="scribe"), AgentDispatch)
    lk.agent_dispatch.dispatch_once(room="a", agent_name="b", restart_policy="JRP_NEVER", attributes={"a": "b"})
    assert_type(lk.sip.find_sip_inbound_trunk(number="+15550100"), SIPInboundTrunkInfo | None)
    assert_type(lk.sip.find_sip_outbound_trunk(number="+15550100", timeout=5), SIPOutboundTrunkInfo | None)


async def async_helpers(lk: AsyncLiveKitAPI) -> None:
    assert_type(await lk.room.wait_until_active(room="standup", identity="ann"), ParticipantInfo)
    assert_type(await lk.egress.wait_until_ended(egress_id="EG_1"), EgressInfo)
    assert_type(await lk.sip.find_sip_inbound_trunk(number="+15550100"), SIPInboundTrunkInfo | None)


def typed_requests(name: str, kind: DataPacket_KindName) -> CreateRoomRequestDict:
    request: CreateRoomRequestDict = {"name": name, "agents": [{"agent_name": "notes"}]}
    print(kind)
    return request


class Own:
    """A transport of the user's own, by the exported names."""

    def send(self, request: HttpRequest, /) -> HttpResponse | TransportFailure:
        if not request.body:
            return TransportFailure("no body", Phase.NOT_SENT)
        return HttpResponse(200, {}, request.body)

    def close(self) -> None: ...


class OwnAsync:
    async def send(self, request: HttpRequest, /) -> HttpResponse | TransportFailure:
        return HttpResponse(200, {}, request.body)

    async def aclose(self, *, timeout: float | None = None) -> None: ...


def watch(event: Event) -> None:
    print(event.kind, event.method.retry is RetryClass.NEVER)


def seams() -> None:
    transport: Transport = Own()
    other: AsyncTransport = OwnAsync()
    hook: Hook = watch
    retry: RetryOption = RetryPolicy(max_attempts=2)
    LiveKitAPI(transport=transport, hooks=[hook], retry=retry)
    AsyncLiveKitAPI(transport=other, retry=UNSET, timeout=UNSET)


class Rooms(Protocol):
    """The part of a service that a user needs."""

    def create_room(self, *, name: str, timeout: float | None = None) -> Room: ...
    def list_rooms(self) -> ListRoomsResponse: ...


class HasRooms(Protocol):
    """The part of a client that a user needs."""

    @property
    def room(self) -> Rooms: ...


class AsyncRooms(Protocol):
    async def create_room(self, *, name: str) -> Room: ...


class HasAsyncRooms(Protocol):
    @property
    def room(self) -> AsyncRooms: ...


class Fake:
    """A client of a test."""

    class _Rooms:
        def create_room(self, *, name: str, timeout: float | None = None) -> Room:
            return Room(name=name)

        def list_rooms(self) -> ListRoomsResponse:
            return ListRoomsResponse()

    room = _Rooms()


def application(lk: HasRooms) -> int:
    lk.room.create_room(name="standup", timeout=5)
    return len(lk.room.list_rooms().rooms)


async def async_application(lk: HasAsyncRooms) -> Room:
    return await lk.room.create_room(name="standup")


async def doubles(lk: LiveKitAPI, other: AsyncLiveKitAPI) -> None:
    application(lk)
    application(Fake())
    await async_application(other)
    create_autospec(LiveKitAPI)().room.create_room(name="standup")
    Mock(spec=lk).room.create_room.return_value = Room(name="standup")


def tokens(body: bytes, authorization: str | None) -> None:
    TokenVerifier("key", "secret").verify(authorization or "")
    WebhookReceiver("key", "secret").receive(body, authorization)
    AccessToken("key", "secret", identity="ann", kind="agent")
    token_response(body, identity="user-7")
    token_response(None, "key", "secret", "wss://example.com", allow=["participant_identity"])
