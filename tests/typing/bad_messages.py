"""Mistakes of users with messages and enums. Both checkers must refuse each line that says so, and no other."""

# pyright: strict

import livekit_twirp
from livekit_twirp import (
    CreateRoomRequest,
    DataPacket,
    EncodedFileType,
    LiveKitAPI,
    ParticipantInfo,
    ParticipantPermission,
    Room,
    SendDataRequest,
    TrackSource,
    TrackType,
    from_dict,
    from_json,
    to_dict,
    to_json,
)
from livekit_twirp.types.livekit_room import SendDataRequestDict


def annotated(kind: ParticipantInfo.Kind) -> None: ...


def no_such_name() -> None:
    livekit_twirp.Rooom(name="x")  # refused: no such name


def enums(lk: LiveKitAPI, info: ParticipantInfo) -> None:
    lk.room.send_data(kind=EncodedFileType.MP4)  # refused: another enum
    lk.room.send_data(kind=77)  # refused: a bare int
    lk.room.send_data(kind="LOSY")  # refused: no such name
    lk.room.send_data(kind="MP4")  # refused: a name of another enum
    lk.room.send_data({"kind": EncodedFileType.MP4})  # refused: another enum
    lk.room.send_data({"kind": 77})  # refused: a bare int
    lk.room.send_data({"kind": "LOSY"})  # refused: no such name
    request: SendDataRequestDict = {"kind": "LOSY"}  # refused: no such name
    lk.room.send_data(request)
    lk.room.update_participant(permission={"can_publish_sources": [TrackType.VIDEO]})  # refused: another enum
    lk.room.update_participant(permission={"can_publish_sources": ["CAMRA"]})  # refused: no such name
    lk.room.update_participant(permission={"can_publish_sources": "CAMERA"})  # refused: a name for a list
    SendDataRequest(kind="LOSY")  # refused: no such name
    ParticipantPermission(can_publish_sources=["CAMRA"])  # refused: no such name
    annotated(TrackSource.CAMERA)  # refused: another enum
    annotated(3)  # refused: a bare int
    annotated("SIP")  # refused: a name
    info.kind = 3  # refused: a bare int
    info.kind = "SIP"  # refused: a name
    info.kind = TrackType.VIDEO  # refused: another enum
    DataPacket.Kind("LOSSY")  # refused: a name is a key
    DataPacket.Kind[1]  # refused: a number is no key
    print(DataPacket.Kind.LOSY)  # refused: no such value
    print(DataPacket.LOSY)  # refused: no such value
    print(info.kind.name)  # refused: a field holds an int


def as_json(room: Room) -> None:
    to_dict("room")  # refused: not a message
    to_dict(room, redacted=True)  # refused: no such option
    to_json(room, True)  # refused: options go by name
    from_dict(Room, '{"name": "x"}')  # refused: text for a mapping
    from_dict(room, {})  # refused: a message for a class
    from_json(Room, {"name": "x"})  # refused: a mapping for text
    print(from_dict(Room, {}).nmae)  # refused: no such field


def copies(room: Room, info: ParticipantInfo) -> None:
    room.CopyFrom(info)  # refused: another message
    room.MergeFrom({"name": "x"})  # refused: a mapping
    for _ in room:  # refused: a message is not a list
        pass
    CreateRoomRequest(egress={"room": {}}, agents=[info])  # refused: another message
