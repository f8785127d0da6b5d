"""Handlers, applications and fakes as users write them; a marked line is refused by both checkers."""

from __future__ import annotations

from livekit_twirp import (
    AsyncLiveKitAPI,
    CreateRoomRequest,
    DeleteRoomRequest,
    GrantPolicy,
    LiveKitAPI,
    NotFoundError,
    Room,
    SendDataRequest,
    WebhookEvent,
    WebhookReceiver,
)
from livekit_twirp.server import (
    AsyncRoomServiceBase,
    RequestContext,
    RoomServiceBase,
    RoomServiceHandler,
    TwirpApp,
    bind,
)
from livekit_twirp.testing import FakeLiveKit, FakeParticipant, FakeSettings


class Rooms(RoomServiceBase):
    def create_room(self, request: CreateRoomRequest, context: RequestContext, /) -> Room:
        left: float | None = context.time_left()
        return Room(name=request.name, metadata=str(left))


class AsyncRooms(AsyncRoomServiceBase):
    async def create_room(self, request: CreateRoomRequest, context: RequestContext, /) -> Room:
        return Room(name=request.name)


class WrongResponse(RoomServiceBase):
    def create_room(self, request: CreateRoomRequest, context: RequestContext, /) -> str:  # refused: not a Room
        return request.name


class WrongRequest(RoomServiceBase):
    def create_room(self, request: DeleteRoomRequest, context: RequestContext, /) -> Room:  # refused: another request
        return Room(name=request.room)


class Books:
    def create_room(self, request: CreateRoomRequest, context: RequestContext, /) -> Room:
        return Room(name=request.name)


handler: RoomServiceHandler = Rooms()
lacking: RoomServiceHandler = Books()  # refused: it lacks the other methods
app = TwirpApp([Rooms(), bind(RoomServiceBase, handler)], authorize=GrantPolicy({"k": "s"}), prefix="")
mixed = TwirpApp([AsyncRooms()])
nothing = TwirpApp([Rooms])  # refused: a class
client = LiveKitAPI("http://localhost", transport=app.transport())
async_client = AsyncLiveKitAPI("http://localhost", transport=mixed.async_transport())
crossed = LiveKitAPI("http://localhost", transport=app.async_transport())  # refused: an async transport

with FakeLiveKit(settings=FakeSettings(redis=False)) as fake, fake.api() as lk:
    room: Room = lk.room.create_room(name="lesson")
    ada: FakeParticipant = fake.join("lesson", "ada", attributes={"a": "b"})
    data: bytes = ada.data[-1].data
    requests: list[SendDataRequest] = fake.requests(SendDataRequest)
    events: list[WebhookEvent] = fake.events
    name: str = fake.events[-1].room.name
    receiver = WebhookReceiver(fake.api_key, fake.api_secret)
    fake.on_webhook(receiver.receive)
    fake.fail("DeleteRoom", NotFoundError("gone"), times=None)
    fake.dial("+1", "busy")
    fake.dial("+1", 486)
    fake.dial("+1", "bored")  # refused: not an outcome
    fake.join("lesson")  # refused: no identity
    fake.join(token="x", identity="ada")  # refused: one or the other
    fake.fail("DeleteRoom", KeyError("x"))  # refused: not an error of Twirp
    ada.publish("mic", source="nose")  # refused: not a source
    lk.rooms.create_room(name="x")  # refused: no such service
