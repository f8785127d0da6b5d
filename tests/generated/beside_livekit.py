"""A program that holds livekit_twirp, livekit-api and livekit-protocol, imported in the order of its arguments."""

# ruff: noqa: E402  # the arguments decide the order of the imports

import asyncio
import importlib
import pickle
import sys
from typing import Any

for name in sys.argv[1:]:
    importlib.import_module(name)

from google.protobuf.timestamp_pb2 import Timestamp
from livekit import api
from livekit.protocol import egress, models, room

import livekit_twirp as ours
from twirpkit import HttpRequest, HttpResponse


class Recorder:
    """A transport of both worlds that keeps the bodies it is given."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    def send(self, request: HttpRequest, /) -> HttpResponse:
        self.bodies.append(request.body)
        return HttpResponse(200, {"content-type": "application/protobuf"}, b"")

    def close(self) -> None: ...


class AsyncRecorder(Recorder):
    """The same, to be awaited."""

    async def send(self, request: HttpRequest, /) -> HttpResponse:  # type: ignore[override]  # awaited, unlike its base's
        return super().send(request)

    async def aclose(self) -> None: ...


theirs = room.CreateRoomRequest(
    name="standup",
    tags={"team": "core"},
    egress=room.RoomEgress(room=egress.RoomCompositeEgressRequest(layout="grid")),
    agents=[room.RoomConfiguration(agents=[{"agent_name": "notes"}]).agents[0]],
)
parts: dict[str, Any] = {name: getattr(theirs, name) for name in ("name", "tags", "egress", "agents")}
permission = {"permission": models.ParticipantPermission(can_publish=True, can_publish_sources=["CAMERA"])}


def calls(service: Any) -> list[Any]:
    """The same request in four forms, then a nested message on its own."""
    return [
        service.create_room(theirs),
        service.create_room(**parts),
        service.create_room(parts),
        service.create_room(ours.CreateRoomRequest.FromString(theirs.SerializeToString())),
        service.update_participant(**permission),
    ]


def check(bodies: list[bytes]) -> None:
    """All of them said what livekit-protocol's message says."""
    *rooms, participant = bodies
    assert [room.CreateRoomRequest.FromString(body) for body in rooms] == [theirs] * 4, rooms
    assert room.UpdateParticipantRequest.FromString(participant).permission == permission["permission"]


async def awaited(recorder: AsyncRecorder) -> None:
    """The calls of the async client."""
    async with ours.AsyncLiveKitAPI("http://localhost", auth="Bearer x", transport=recorder) as client:
        for call in calls(client.room):
            await call


recorder, async_recorder = Recorder(), AsyncRecorder()
with ours.LiveKitAPI("http://localhost", auth="Bearer x", transport=recorder) as client:
    calls(client.room)
asyncio.run(awaited(async_recorder))
check(recorder.bodies)
check(async_recorder.bodies)

recorded = ours.MetricsRecordingHeader(room_id="RM_1", start_time={"seconds": 1})
for message in (ours.Room(name="standup"), ours.DataStream.Header(topic="chat"), recorded, Timestamp(seconds=1)):
    copy = pickle.loads(pickle.dumps(message))
    assert copy == message
    assert type(copy) is type(message)
assert recorded.start_time.SerializeToString() == Timestamp(seconds=1).SerializeToString()
assert ours.Room is not models.Room  # type: ignore[comparison-overlap]  # that they differ is the point
assert ours.Room.DESCRIPTOR.full_name == models.Room.DESCRIPTOR.full_name
assert api.CreateRoomRequest is room.CreateRoomRequest
