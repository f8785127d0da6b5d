"""What users write. Both checkers must accept all of it, and see the types that it asserts."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, assert_type

import aiohttp
import requests
from google.protobuf.message import Message

from livekit_twirp import (
    AccessToken,
    AsyncLiveKitAPI,
    AsyncRoomService,
    AuthError,
    Claims,
    Code,
    CreateRoomRequest,
    DataPacket,
    DeadlineExceededError,
    DeleteRoomResponse,
    ListParticipantsResponse,
    ListPhoneNumbersRequest,
    LiveKitAPI,
    NotFoundError,
    ParticipantInfo,
    ParticipantPermission,
    ParticipantTracks,
    PhoneNumber,
    Room,
    RoomAgentDispatch,
    RoomCompositeEgressRequest,
    RoomConfiguration,
    RoomEgress,
    RoomParticipantIdentity,
    RoomService,
    RpcCallError,
    SendDataRequest,
    SimulationRun,
    SIPCallError,
    SIPGrants,
    TokenResponse,
    TokenVerifier,
    TrackInfo,
    TrackSource,
    TrackType,
    TwirpError,
    VideoGrants,
    WebhookEvent,
    WebhookReceiver,
    sign_webhook,
    token_response,
)
from livekit_twirp.types.livekit_room import CreateRoomRequestDict
from twirpkit import HttpRequest, HttpResponse, Method


def message(lk: LiveKitAPI) -> None:
    request = CreateRoomRequest(name="standup", empty_timeout=300, tags={"team": "core"}, egress=None)
    request.agents.add(agent_name="notes")
    request.agents.extend([RoomAgentDispatch(agent_name="captions")])
    request.egress.room.layout = "grid"
    request.tags["floor"] = "3"
    room = lk.room.create_room(request)
    assert_type(room, Room)
    assert_type(room.name, str)
    assert_type(room.num_participants, int)


def mapping(lk: LiveKitAPI, name: str | None) -> Room:
    lk.room.create_room({"name": name, "max_participants": 12, "tags": {"team": "core"}})
    request: CreateRoomRequestDict = {"name": "standup", "agents": [{"agent_name": "notes"}]}
    request["egress"] = {"room": {"layout": "grid", "file_outputs": [{"filepath": "standup.mp4"}]}}
    return lk.room.create_room(request, timeout=5)


def keywords(lk: LiveKitAPI) -> None:
    lk.room.create_room(
        name="standup",
        metadata=None,
        egress=RoomEgress(room=RoomCompositeEgressRequest(layout="grid")),
        agents=[RoomAgentDispatch(agent_name="notes"), {"agent_name": "captions"}],
    )
    lk.room.update_participant(
        room="standup",
        identity="ann",
        permission={"can_publish": True, "can_publish_sources": [TrackSource.CAMERA, TrackSource.MICROPHONE]},
        attributes={"role": "host"},
    )
    lk.room.update_participant(room="standup", identity="ann", permission=ParticipantPermission(hidden=True))
    lk.room.list_rooms()
    lk.room.list_rooms(names=["standup", "retro"])
    lk.room.list_rooms(names=("standup", "retro"))
    tracks = ParticipantTracks(participant_sid="PA_1", track_sids=["TR_1"])
    lk.room.update_subscriptions(track_sids=tracks.track_sids, subscribe=True)
    lk.room.update_subscriptions(participant_tracks=[{"track_sids": [f"TR_{n}"]} for n in range(3)])
    lk.room.update_subscriptions(participant_tracks=(tracks for _ in range(3)))


def enums(lk: LiveKitAPI, track: TrackInfo) -> None:
    lk.room.send_data(room="standup", data=b"hi", kind=DataPacket.Kind.LOSSY, topic="chat")
    lk.room.send_data(SendDataRequest(room="standup", kind=DataPacket.Kind.Value("RELIABLE")))
    assert_type(track.type, TrackType)
    assert_type(TrackType.Name(track.type), str)
    assert_type(TrackType.items(), list[tuple[str, TrackType]])
    if track.type == TrackType.VIDEO and track.source in (TrackSource.CAMERA, TrackSource.SCREEN_SHARE):
        print(TrackSource.Name(track.source))


def answers(lk: LiveKitAPI) -> list[str]:
    everyone = lk.room.list_participants(room="standup")
    assert_type(everyone, ListParticipantsResponse)
    for participant in everyone.participants:
        assert_type(participant, ParticipantInfo)
        assert_type(participant.attributes["role"], str)
        for track in participant.tracks:
            assert_type(track, TrackInfo)
    first = everyone.participants[0]
    if first.HasField("permission") and first.permission.can_publish:
        assert_type(list(first.permission.can_publish_sources), list[TrackSource])
    muted = lk.room.mute_published_track(room="standup", identity="ann", track_sid="TR_1", muted=True)
    if muted.HasField("track"):
        print(muted.track.sid)
    assert_type(lk.room.delete_room(room="standup"), DeleteRoomResponse)
    return [track.sid for participant in everyone.participants for track in participant.tracks]


def pages(lk: LiveKitAPI, request: ListPhoneNumbersRequest) -> list[str]:
    for number in lk.phone_number.iter_phone_numbers(request, timeout=5):
        assert_type(number, PhoneNumber)
    for run in lk.agent_simulation.iter_simulation_runs({"page_token": {"token": "x"}}):
        assert_type(run, SimulationRun)
    return [each.egress_id for each in lk.egress.iter_egress(room_name="standup", active=True)]


def oneofs(packet: DataPacket) -> bytes | None:
    which = packet.WhichOneof("value")
    if which == "user":
        return packet.user.payload
    if which is not None and packet.HasField(which):
        packet.ClearField(which)
    return None


def messages(request: CreateRoomRequest) -> None:
    copy = CreateRoomRequest()
    copy.CopyFrom(request)
    assert_type(CreateRoomRequest.FromString(request.SerializeToString()), CreateRoomRequest)
    if copy == request and not copy.HasField("egress"):
        copy.ClearField("tags")


def options(lk: LiveKitAPI) -> None:
    lk.room.list_rooms(timeout=2.5, extra_headers={"X-Trace": "1"})
    lk.room.list_rooms({}, timeout=None)
    lk.room.get_participant(RoomParticipantIdentity(room="standup", identity="ann"), timeout=1)


def clients(session: requests.Session) -> None:
    LiveKitAPI()
    LiveKitAPI("wss://example.livekit.cloud", "key", "secret", timeout=None, extra_headers={"X-Team": "core"})
    LiveKitAPI(url="localhost:7880", token="token", session=session)
    with LiveKitAPI(auth="Bearer token") as lk:
        assert_type(lk, LiveKitAPI)
        assert_type(lk.room, RoomService)
    service = RoomService(session, "localhost:7880", "key", "secret", timeout=3)
    assert_type(service.create_room(name="standup"), Room)
    LiveKitAPI().close()


def errors(lk: LiveKitAPI) -> str | None:
    try:
        lk.room.delete_room(room="standup")
    except NotFoundError as error:
        assert_type(error.code, Code)
        return error.meta.get("reason")
    except AuthError:
        return "refused"
    except DeadlineExceededError as error:
        return error.request_id if error.status is None else str(error.status)
    except TwirpError as error:
        if error.sent == "no" or error.code is Code.UNAVAILABLE:
            return f"{error.message} after {error.attempts} attempts"
        raise
    return None


def deliveries(body: bytes, authorization: str | None) -> str:
    receiver = WebhookReceiver("key", "secret", keys=None)
    event = receiver.receive(body, authorization)
    assert_type(event, WebhookEvent)
    assert_type(event.participant, ParticipantInfo)
    assert_type(event.created_at, datetime)
    assert_type(event.message.room, Room)
    assert_type(WebhookEvent.from_raw(event.raw), WebhookEvent)
    made = WebhookEvent(
        event="room_started", room=Room(name="standup"), track={"sid": "TR_1"}, created_at=datetime.now()
    )
    receiver.receive(*sign_webhook(made, "key", "secret"))
    receiver.receive(bytearray(body), authorization)
    return event.room.name


def tokens(error: TwirpError) -> str:
    if isinstance(error, SIPCallError):
        assert_type(error.sip_status_code, int)
    if isinstance(error, RpcCallError):
        assert_type(error.rpc_code, int)
        assert_type(error.rpc_data, str)
    response = token_response(b"{}", "key", "secret", "wss://example.com", grants=VideoGrants(), allow=["room_name"])
    assert_type(response, TokenResponse)
    assert_type(response["server_url"], str)
    AccessToken(room_config=RoomConfiguration(name="large"))
    AccessToken(room_config={"agents": [{"agent_name": "scribe"}]})
    assert_type(TokenVerifier("key", "secret").verify("token"), Claims)
    assert_type(TokenVerifier("key", "secret").verify("token").kind, str | None)
    sources = VideoGrants(room_join=True, room="standup", can_publish_sources=[TrackSource.CAMERA, "microphone"])
    AccessToken("key", "secret", identity="ann", kind=ParticipantInfo.Kind.AGENT, video=sources)
    return AccessToken(identity="ann", video=VideoGrants(room_join=True, room="standup"), sip=SIPGrants()).to_jwt()


class Canned:
    """A transport of the user's own."""

    def send(self, request: HttpRequest, /) -> HttpResponse:
        return HttpResponse(200, {"content-type": "application/protobuf"}, request.body)

    def close(self) -> None: ...


class AsyncCanned:
    """The same for the async client."""

    async def send(self, request: HttpRequest, /) -> HttpResponse:
        return HttpResponse(200, {"content-type": "application/protobuf"}, request.body)

    async def aclose(self, *, timeout: float | None = None) -> None: ...


def sign(method: Method[Any, Any], request: Message) -> str:
    return f"Bearer {method.path} {request.ByteSize()}"


def seams() -> None:
    LiveKitAPI(auth=sign, transport=Canned())
    AsyncLiveKitAPI(auth=sign, transport=AsyncCanned())
    LiveKitAPI(auth=lambda method, request: method.name)


async def waiting(headers: Mapping[str, str]) -> None:
    async with AsyncLiveKitAPI("localhost:7880", "key", "secret") as lk:
        assert_type(lk.room, AsyncRoomService)
        assert_type(await lk.room.create_room(CreateRoomRequest(name="standup")), Room)
        assert_type(await lk.room.create_room({"name": "standup"}), Room)
        assert_type(await lk.room.create_room(name="standup", timeout=5, extra_headers=headers), Room)
        for participant in (await lk.room.list_participants(room="standup")).participants:
            assert_type(participant, ParticipantInfo)
        await lk.room.send_data(room="standup", data=b"hi", kind=DataPacket.Kind.RELIABLE)
        async for number in lk.phone_number.iter_phone_numbers(limit=20):
            assert_type(number, PhoneNumber)
    async with aiohttp.ClientSession() as session:
        service = AsyncRoomService(session, token="token")
        assert_type(await service.get_participant(room="standup", identity="ann"), ParticipantInfo)
        lent = AsyncLiveKitAPI(session=session)
        await lent.aclose()
