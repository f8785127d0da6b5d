"""Code that stands on messages alone, and works with our package and with livekit-protocol: both are judged alike."""

# pyright: strict

from google.protobuf.duration_pb2 import Duration

from livekit_twirp import (
    CreateRoomRequest,
    CreateSIPParticipantRequest,
    DataPacket,
    ParticipantInfo,
    ParticipantPermission,
    Room,
    RoomAgentDispatch,
    RoomEgress,
    SendDataRequest,
    TrackInfo,
    TrackSource,
    TrackType,
)


def annotated(kind: ParticipantInfo.Kind) -> str:
    return ParticipantInfo.Kind.Name(kind)


def enums(packet: DataPacket, info: ParticipantInfo, track: TrackInfo) -> None:
    annotated(ParticipantInfo.Kind.SIP)
    annotated(ParticipantInfo.SIP)
    annotated(info.kind)
    kind: DataPacket.Kind = DataPacket.RELIABLE
    number: int = kind
    print(number, packet.kind == kind, track.source in (TrackSource.CAMERA, TrackSource.MICROPHONE))
    annotated(TrackType.VIDEO)  # refused: another enum
    annotated(3)  # refused: a bare int
    annotated("SIP")  # refused: a name where a value is wanted
    annotated(packet.kind)  # refused: another enum
    print(ParticipantInfo.Kind.SIPP)  # refused: no such value
    print(ParticipantInfo.SIPP)  # refused: no such value
    packet.kind = DataPacket.LOSSY
    packet.kind = TrackType.VIDEO  # refused: another enum
    packet.kind = 77  # refused: a bare int
    SendDataRequest(kind=DataPacket.LOSSY)
    SendDataRequest(kind="LOSSY")
    SendDataRequest(kind=TrackType.VIDEO)  # refused: another enum
    SendDataRequest(kind=77)  # refused: a bare int
    SendDataRequest(kind=b"LOSSY")  # refused: bytes for a name
    ParticipantPermission(can_publish_sources=[TrackSource.CAMERA])
    ParticipantPermission(can_publish_sources=[TrackType.VIDEO])  # refused: another enum
    for source in ParticipantPermission().can_publish_sources:
        consume(source)


def consume(source: TrackSource) -> None: ...


def messages(room: Room, info: ParticipantInfo) -> None:
    copy = Room()
    copy.CopyFrom(room)
    copy.MergeFrom(room)
    copy.CopyFrom(info)  # refused: another message
    copy.MergeFrom(info)  # refused: another message
    copy.name = 7  # refused: int for str
    print(copy.title)  # refused: no such field
    Room(nmae="x")  # refused: no such field
    Room(name=7)  # refused: int for str
    CreateSIPParticipantRequest(ringing_timeout=Duration(seconds=5))
    CreateSIPParticipantRequest(ringing_timeout=5)  # refused: a number for a duration
    CreateSIPParticipantRequest(ringing_timeout=info)  # refused: another message
    CreateRoomRequest(egress=RoomEgress(), agents=[RoomAgentDispatch(agent_name="x")])
    CreateRoomRequest(egress=room)  # refused: another message
    CreateRoomRequest(agents=[room])  # refused: another message
    CreateRoomRequest(tags={"a": 1})  # refused: int for a map's str
