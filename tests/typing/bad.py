"""Mistakes of users. Both checkers must refuse each line that says so, and no other."""

# mypy: enable-error-code="deprecated"
# pyright: reportDeprecated=true

import aiohttp
import requests

from livekit_twirp import (
    AccessToken,
    AsyncLiveKitAPI,
    AsyncRoomService,
    CreateRoomRequest,
    DataPacket,
    DeleteRoomRequest,
    LiveKitAPI,
    ParticipantPermission,
    Room,
    RoomService,
    TrackType,
    TwirpError,
    VideoGrants,
    WebhookEvent,
    WebhookReceiver,
    sign_webhook,
    token_response,
)
from twirpkit import HttpRequest, HttpResponse


def names(lk: LiveKitAPI) -> None:
    lk.room.create_room(nmae="standup")  # refused: no such field
    lk.room.create_room({"nmae": "standup"})  # refused: no such field
    CreateRoomRequest(nmae="standup")  # refused: no such field
    lk.room.create_room(egress={"rooms": {}})  # refused: no such field of a nested message
    lk.room.create_room(agents=[{"name": "notes"}])  # refused: no such field of a listed message
    lk.room.remove_room(room="standup")  # refused: no such RPC
    lk.rooms.list_rooms()  # refused: no such service


def types(lk: LiveKitAPI) -> None:
    lk.room.create_room(name=7)  # refused: int for str
    lk.room.create_room(empty_timeout="300")  # refused: str for int
    lk.room.create_room({"empty_timeout": "300"})  # refused: str for int
    lk.room.create_room(empty_timeout=2.5)  # refused: float for int
    lk.room.send_data(data="hi")  # refused: str for bytes
    lk.room.send_data(kind=DataPacket.Kind.LOSY)  # refused: no such enum value
    lk.room.update_participant(permission=Room())  # refused: another message
    lk.room.update_participant(permission={"can_publish": "yes"})  # refused: str for bool in a nested mapping
    lk.room.update_participant(attributes=["role"])  # refused: list for a map
    lk.room.update_participant(attributes={"role": 1})  # refused: int for a map's str
    CreateRoomRequest(name=7)  # refused: int for str
    ParticipantPermission(can_publish_sources=TrackType.VIDEO)  # refused: int for a list


def lists(lk: LiveKitAPI, name: str) -> None:
    lk.room.list_rooms(names=name)  # refused: a bare str for a list
    lk.room.list_rooms({"names": name})  # refused: a bare str for a list
    lk.room.list_rooms(names=[name, None])  # refused: None in a list
    lk.room.update_subscriptions(track_sids=name)  # refused: a bare str for a list
    lk.room.update_subscriptions(participant_tracks=[{"track_sids": name}])  # refused: a bare str for a nested list


def forms(lk: LiveKitAPI) -> None:
    lk.room.create_room(CreateRoomRequest(), name="standup")  # refused: two forms
    lk.room.create_room({"name": "standup"}, empty_timeout=300)  # refused: two forms
    lk.room.create_room("standup")  # refused: a field without its name
    lk.room.create_room(request=CreateRoomRequest())  # refused: the request is positional
    lk.room.create_room(DeleteRoomRequest(room="standup"))  # refused: another RPC's request
    lk.room.create_room(None)  # refused: no request


def options(lk: LiveKitAPI) -> None:
    lk.room.list_rooms(timeout="5")  # refused: str for seconds
    lk.room.list_rooms(extra_headers={"X-Trace": 1})  # refused: int for a header
    lk.room.list_rooms(retries=3)  # refused: no such option
    LiveKitAPI("localhost", "key", "secret", 5)  # refused: options go by name
    LiveKitAPI(api_secrets="secret")  # refused: no such argument
    LiveKitAPI(auth=lambda method: "Bearer x")  # refused: auth gets the request too


def answers(lk: LiveKitAPI) -> None:
    room = lk.room.create_room(name="standup")
    print(room.title)  # refused: no such field
    room.name = 7  # refused: int for str
    room.enabled_codecs = []  # refused: a list is changed in place
    room.HasField("name")  # refused: a field without presence
    room.ClearField("title")  # refused: no such field
    print(lk.room.list_rooms().rooms[0].nmae)  # refused: no such field
    print(lk.room.delete_room(room="standup").room)  # refused: an empty answer
    DataPacket().WhichOneof("kind")  # refused: no such oneof
    for rooms in lk.room.list_rooms():  # refused: the answer is no list
        print(rooms)


def pages(lk: LiveKitAPI) -> None:
    lk.phone_number.iter_phone_numbers(limits=3)  # refused: no such field
    print(lk.phone_number.iter_phone_numbers().items)  # refused: items, not an answer
    for number in lk.phone_number.iter_phone_numbers():
        print(number.nmae)  # refused: no such field
    lk.room.iter_rooms()  # refused: rooms do not come in pages


def deprecated(lk: LiveKitAPI) -> None:
    lk.sip.list_sip_trunk()  # refused: deprecated
    lk.sip.list_sip_trunk({})  # refused: deprecated
    lk.sip.list_sip_inbound_trunk()


def deliveries(receiver: WebhookReceiver, body: bytes) -> None:
    event = receiver.receive(body, None)
    print(event.roon)  # refused: no such field
    print(event.room.nam)  # refused: no such field
    event.room = Room()  # refused: an event is immutable
    WebhookEvent(roon={})  # refused: no such field
    WebhookEvent(created_at=1795000000)  # refused: int for a datetime
    sign_webhook(event.message)  # refused: the message, not the event
    receiver.receive({"event": "room_started"}, None)  # refused: parsed JSON for bytes
    WebhookReceiver("key", "secret", leeway=5)  # refused: int for a timedelta
    VideoGrants(room_joined=True)  # refused: no such grant
    AccessToken("key", "secret", "ann")  # refused: other fields go by name
    AccessToken(room_config="large")  # refused: neither a message nor a mapping
    token_response(b"{}", grants={"room": "standup"})  # refused: a mapping for grants
    token_response(b"{}", grant=VideoGrants())  # refused: no such option
    print(token_response(b"{}")["token"])  # refused: no such key
    AccessToken(kind=["agent"])  # refused: a list for a name
    VideoGrants(can_publish_sources=[2.5])  # refused: neither a name nor a member


def errors(error: TwirpError) -> None:
    print(error.reason)  # refused: no such attribute
    error.sent = "perhaps"  # refused: not one of the three


async def waiting(lk: AsyncLiveKitAPI, other: LiveKitAPI) -> None:
    lk.room.create_room(name="standup")  # refused: not awaited
    print(lk.room.create_room(name="standup").name)  # refused: not awaited
    room: Room = lk.room.create_room(name="standup")  # refused: not awaited
    print(room)
    await other.room.create_room(name="standup")  # refused: nothing to await
    await lk.room.create_room(nmae="standup")  # refused: no such field
    await lk.room.list_rooms(names="standup")  # refused: a bare str for a list
    await lk.room.create_room(CreateRoomRequest(), name="standup")  # refused: two forms
    print((await lk.room.create_room(name="standup")).title)  # refused: no such field
    for number in lk.phone_number.iter_phone_numbers():  # refused: not an async for
        print(number)
    await lk.phone_number.iter_phone_numbers()  # refused: nothing to await
    async with LiveKitAPI():  # refused: a sync client
        pass
    await lk.sip.list_sip_trunk()  # refused: deprecated
    await lk.close()  # refused: it is aclose


def with_async_client() -> None:
    with AsyncLiveKitAPI():  # refused: an async client
        pass


class Canned:
    """A sync transport."""

    def send(self, request: HttpRequest, /) -> HttpResponse:
        return HttpResponse(200, {}, request.body)

    def close(self) -> None: ...


def sessions(ours: requests.Session, theirs: aiohttp.ClientSession) -> None:
    RoomService(theirs)  # refused: the other library's session
    AsyncRoomService(ours)  # refused: the other library's session
    LiveKitAPI(session=theirs)  # refused: the other library's session
    AsyncLiveKitAPI(session=ours)  # refused: the other library's session
    AsyncLiveKitAPI(transport=Canned())  # refused: a sync transport
    LiveKitAPI(transport=Canned)  # refused: the class, not an instance
    RoomService()  # refused: no session
    RoomService("localhost:7880", "key", "secret")  # refused: no session
