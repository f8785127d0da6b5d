"""What users write with messages and enums. Both checkers must accept all of it, and see the types that it asserts."""

# pyright: strict

import datetime
from collections.abc import Iterator, Mapping
from typing import Any, Literal, assert_type

from google.protobuf.duration_pb2 import Duration

from livekit_twirp import (
    CreateRoomRequest,
    CreateSIPParticipantRequest,
    DataPacket,
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
from livekit_twirp.types.livekit_models import DataPacket_KindName
from livekit_twirp.types.livekit_room import SendDataRequestDict
from twirpkit.sdk import Enum


def annotated(kind: ParticipantInfo.Kind) -> str:
    return ParticipantInfo.Kind.Name(kind)


def as_mypy_protobuf_spells_it(kind: ParticipantInfo.Kind.ValueType) -> int:
    return kind


def enums(info: ParticipantInfo, packet: DataPacket) -> Iterator[str]:
    yield annotated(info.kind)
    yield annotated(ParticipantInfo.SIP)
    yield annotated(ParticipantInfo.Kind.Value("SIP"))
    as_mypy_protobuf_spells_it(info.kind)
    assert_type(info.kind, ParticipantInfo.Kind)
    assert_type(DataPacket.RELIABLE, DataPacket.Kind)
    assert_type(DataPacket.Kind.RELIABLE, DataPacket.Kind)
    assert_type(DataPacket.Kind(1), DataPacket.Kind)
    assert_type(DataPacket.Kind["LOSSY"], DataPacket.Kind)
    assert_type(TrackType.items(), list[tuple[str, TrackType]])
    assert_type(TrackType.values(), list[TrackType])
    assert_type(TrackType.keys(), list[str])
    assert_type(len(TrackType), int)
    for source in TrackSource:
        assert_type(source, TrackSource)
        yield f"{source} {source:d} {source in TrackSource}"
    number: int = packet.kind
    packet.kind = DataPacket.Kind(number)
    member: Enum = info.kind
    if member == ParticipantInfo.Kind.SIP:
        yield str(info.kind)


def names(lk: LiveKitAPI, kind: Literal["LOSSY", "RELIABLE"], same: DataPacket_KindName) -> SendDataRequest:
    lk.room.send_data(room="standup", data=b"hi", kind="LOSSY")
    lk.room.send_data(room="standup", data=b"hi", kind=DataPacket.LOSSY)
    lk.room.send_data({"room": "standup", "kind": "RELIABLE"})
    lk.room.send_data(kind=kind)
    request: SendDataRequestDict = {"kind": same}
    lk.room.send_data(request)
    lk.room.update_participant(permission={"can_publish_sources": ["CAMERA", TrackSource.MICROPHONE]})
    ParticipantPermission(can_publish_sources=["CAMERA", TrackSource.MICROPHONE])
    return SendDataRequest(kind="LOSSY")


def as_json(room: Room, data: Mapping[str, Any], body: bytes) -> str:
    assert_type(to_dict(room), dict[str, Any])
    assert_type(to_dict(room, redact=True, defaults=True, camel_case=True)["name"], Any)
    assert_type(from_dict(Room, data), Room)
    assert_type(from_json(CreateRoomRequest, body), CreateRoomRequest)
    from_dict(CreateRoomRequest, {"emptyTimeout": 300})
    return to_json(room, indent=2)


def constructors(request: CreateSIPParticipantRequest) -> None:
    CreateSIPParticipantRequest(ringing_timeout=Duration(seconds=5))
    CreateSIPParticipantRequest(ringing_timeout=datetime.timedelta(seconds=5))
    CreateSIPParticipantRequest(ringing_timeout={"seconds": 5})
    request.ringing_timeout.CopyFrom(Duration(seconds=5))
    request.ringing_timeout.MergeFrom(Duration(seconds=5))
    copy = CreateSIPParticipantRequest(ringing_timeout=request.ringing_timeout)
    copy.CopyFrom(request)


def durations(lk: LiveKitAPI) -> None:
    lk.sip.create_sip_participant(ringing_timeout=datetime.timedelta(seconds=5))
    lk.sip.create_sip_participant(ringing_timeout=Duration(seconds=5))
    lk.sip.create_sip_participant({"ringing_timeout": datetime.timedelta(seconds=5)})
