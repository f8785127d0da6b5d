"""What every RPC of RoomService answers, and what those in the room notice: one table, for both clients."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from occupied_room import NOBODY, REFUSAL, Scene

from livekit_twirp import InvalidArgumentError, NotFoundError, RpcCallError, TwirpError, UnknownError
from livekit_twirp.messages.livekit_models import ParticipantInfo, TrackSource, TrackType

__all__ = ["CASES", "Case", "Refused", "Step"]


@dataclass(frozen=True)
class Refused:
    """The error that a step must end in."""

    error: type[TwirpError]
    status: int
    text: str
    """A part of what the server said."""


@dataclass(frozen=True)
class Step:
    """One call, and what must come of it."""

    rpc: str
    fields: Callable[[Scene], Mapping[str, Any]]
    outcome: Refused | Callable[[Scene, Any], Any]
    """The error, or what looks at the answer."""


@dataclass(frozen=True)
class Case:
    """Calls in a row."""

    name: str
    steps: tuple[Step, ...]
    alone: bool = False
    """Whether it leaves the room other than it was, and so needs one of its own."""

    def __str__(self) -> str:
        return self.name


def _is_made(scene: Scene, room: Any) -> None:
    assert room.sid
    assert scene.kept.setdefault("sid", room.sid) == room.sid
    assert (room.name, room.metadata) == (scene.other, scene.text)
    assert (room.empty_timeout, room.departure_timeout, room.max_participants) == (60, 30, 9)


def _is_listed(scene: Scene, answer: Any) -> None:
    assert scene.occupied_room.room in [room.name for room in answer.rooms]


def _is_new_room_metadata(scene: Scene, room: Any) -> None:
    assert (room.name, room.metadata) == (scene.occupied_room.room, scene.text)
    for each in (scene.occupied_room.ann, scene.occupied_room.bob):
        each.notices("room_metadata_changed", lambda old, new: new == scene.text)


def _are_both(scene: Scene, answer: Any) -> None:
    # A server may have workers that join every room.
    found = {(each.identity, each.sid) for each in answer.participants}
    assert found >= {(each.identity, each.sid) for each in (scene.occupied_room.ann, scene.occupied_room.bob)}


def _is_ann(scene: Scene, participant: Any) -> None:
    assert (participant.identity, participant.sid) == ("ann", scene.occupied_room.ann.sid)
    assert participant.state == ParticipantInfo.State.ACTIVE
    (track,) = participant.tracks
    assert (track.sid, track.name, track.muted) == (scene.occupied_room.track, "mic", False)
    assert (track.type, track.source) == (TrackType.AUDIO, TrackSource.MICROPHONE)


def _is_muted(scene: Scene, answer: Any) -> None:
    assert (answer.track.sid, answer.track.muted) == (scene.occupied_room.track, True)
    scene.occupied_room.bob.notices("track_muted", lambda who, track: track.sid == scene.occupied_room.track)


def _is_renamed(scene: Scene, participant: Any) -> None:
    assert (participant.name, participant.metadata) == (f"n-{scene.text}", f"m-{scene.text}")
    assert participant.attributes["a"] == scene.text
    bob = scene.occupied_room.bob
    bob.notices("participant_name_changed", lambda who, old, new: (who.identity, new) == ("ann", f"n-{scene.text}"))
    bob.notices("participant_metadata_changed", lambda who, old, new: (who.identity, new) == ("ann", f"m-{scene.text}"))
    bob.notices("participant_attributes_changed", lambda new, who: (who.identity, new) == ("ann", {"a": scene.text}))


def _may_only_listen(scene: Scene, participant: Any) -> None:
    assert participant.permission.can_subscribe
    assert not participant.permission.can_publish
    assert not participant.permission.can_publish_data


def _bob_hears_nothing(scene: Scene, answer: Any) -> None:
    scene.occupied_room.bob.hears(False)


def _bob_hears_ann(scene: Scene, answer: Any) -> None:
    scene.occupied_room.bob.hears(True)


def _is_for_bob(scene: Scene, answer: Any) -> None:
    (packet,) = scene.occupied_room.bob.notices("data_received", _of_the_server)
    assert (packet.data, packet.topic) == (f"bob {scene.text}".encode(), "t")


def _is_for_all(scene: Scene, answer: Any) -> None:
    # Packets come in order, so this also shows that Ann got nothing of what was for Bob.
    for each in (scene.occupied_room.ann, scene.occupied_room.bob):
        (packet,) = each.notices("data_received", _of_the_server)
        assert packet.data == f"all {scene.text}".encode()


def _of_the_server(packet: Any) -> bool:
    return packet.participant is None


def _greets(scene: Scene, answer: Any) -> None:
    assert answer.payload == f"hello, {scene.text}"


def _is_out(scene: Scene, answer: Any) -> None:
    scene.occupied_room.bob.notices("disconnected")


def _all_are_out(scene: Scene, answer: Any) -> None:
    for each in (scene.occupied_room.ann, scene.occupied_room.bob):
        each.notices("disconnected")


def _is_in_room(scene: Scene, identity: str = "ann", **more: Any) -> dict[str, Any]:
    return {"room": scene.occupied_room.room, "identity": identity, **more}


NO_ROOM = Refused(NotFoundError, 404, "requested room does not exist")
NO_PARTICIPANT = Refused(NotFoundError, 404, "participant does not exist")
CLOUD_ONLY = Refused(UnknownError, 500, "not implemented")

MAKE = Step(
    "CreateRoom",
    lambda scene: {
        "name": scene.other,
        "empty_timeout": 60,
        "departure_timeout": 30,
        "max_participants": 9,
        "metadata": scene.text,
    },
    _is_made,
)

CASES = (
    Case("a room is made, and made again it is the same", (MAKE, MAKE)),
    Case(
        "rooms are listed",
        (
            Step("ListRooms", lambda scene: {}, _is_listed),
            Step(
                "ListRooms",
                lambda scene: {"names": [scene.other, scene.occupied_room.room]},
                lambda scene, answer: _equal([room.name for room in answer.rooms], [scene.occupied_room.room]),
            ),
        ),
    ),
    Case(
        "a room is deleted with all in it",
        (
            Step("DeleteRoom", lambda scene: {"room": scene.occupied_room.room}, _all_are_out),
            Step(
                "ListParticipants",
                lambda scene: {"room": scene.occupied_room.room},
                lambda scene, answer: _equal(list(answer.participants), []),
            ),
            Step("DeleteRoom", lambda scene: {"room": scene.occupied_room.room}, NO_ROOM),
        ),
        alone=True,
    ),
    Case(
        "participants are listed",
        (
            Step("ListParticipants", lambda scene: {"room": scene.occupied_room.room}, _are_both),
            Step(
                "ListParticipants",
                lambda scene: {"room": scene.other},
                lambda scene, answer: _equal(list(answer.participants), []),
            ),
        ),
    ),
    Case(
        "a participant is read",
        (
            Step("GetParticipant", _is_in_room, _is_ann),
            Step("GetParticipant", lambda scene: _is_in_room(scene, NOBODY), NO_PARTICIPANT),
        ),
    ),
    Case(
        "a participant is put out",
        (
            Step("RemoveParticipant", lambda scene: _is_in_room(scene, "bob"), _is_out),
            Step("RemoveParticipant", lambda scene: _is_in_room(scene, "bob"), NO_PARTICIPANT),
        ),
        alone=True,
    ),
    Case(
        "a track is muted",
        (
            Step(
                "MutePublishedTrack",
                lambda scene: _is_in_room(scene, track_sid=scene.occupied_room.track, muted=True),
                _is_muted,
            ),
            Step(
                "MutePublishedTrack",
                lambda scene: _is_in_room(scene, track_sid="TR_unknown", muted=True),
                lambda scene, answer: _equal(answer.HasField("track"), False),
            ),
        ),
        alone=True,
    ),
    Case(
        "a participant is changed",
        (
            Step(
                "UpdateParticipant",
                lambda scene: _is_in_room(
                    scene, name=f"n-{scene.text}", metadata=f"m-{scene.text}", attributes={"a": scene.text}
                ),
                _is_renamed,
            ),
            Step("UpdateParticipant", lambda scene: _is_in_room(scene, NOBODY, name="x"), NO_PARTICIPANT),
        ),
    ),
    Case(
        "a participant may only listen",
        (
            Step(
                "UpdateParticipant",
                lambda scene: _is_in_room(scene, "bob", permission={"can_subscribe": True}),
                _may_only_listen,
            ),
        ),
        alone=True,
    ),
    Case(
        "a track is heard no more, and again",
        (
            Step(
                "UpdateSubscriptions",
                lambda scene: _is_in_room(scene, "bob", track_sids=[scene.occupied_room.track], subscribe=False),
                _bob_hears_nothing,
            ),
            Step(
                "UpdateSubscriptions",
                lambda scene: _is_in_room(scene, "bob", track_sids=[scene.occupied_room.track], subscribe=True),
                _bob_hears_ann,
            ),
        ),
    ),
    Case(
        "data arrives at one, and at all",
        (
            Step(
                "SendData",
                lambda scene: {
                    "room": scene.occupied_room.room,
                    "data": f"bob {scene.text}".encode(),
                    "destination_identities": ["bob", NOBODY],
                    "topic": "t",
                },
                _is_for_bob,
            ),
            Step(
                "SendData",
                lambda scene: {"room": scene.occupied_room.room, "data": f"all {scene.text}".encode()},
                _is_for_all,
            ),
            Step(
                "SendData",
                lambda scene: {"room": scene.occupied_room.room, "nonce": b"fifteen bytes: "},
                Refused(InvalidArgumentError, 400, "nonce should be 16-bytes"),
            ),
        ),
    ),
    Case(
        "a room's metadata is changed",
        (
            Step(
                "UpdateRoomMetadata",
                lambda scene: {"room": scene.occupied_room.room, "metadata": scene.text},
                _is_new_room_metadata,
            ),
            Step("UpdateRoomMetadata", lambda scene: {"room": scene.other, "metadata": "x"}, NO_ROOM),
        ),
    ),
    Case(
        "a participant answers a call",
        (
            Step(
                "PerformRpc",
                lambda scene: _is_called(scene, "greet", payload=scene.text),
                _greets,
            ),
            Step(
                "PerformRpc",
                lambda scene: _is_called(scene, "refuse"),
                Refused(RpcCallError, 500, f"RpcError {REFUSAL.code}: {REFUSAL.message}"),
            ),
            Step(
                "PerformRpc",
                lambda scene: _is_called(scene, "dance"),
                Refused(RpcCallError, 400, "RpcError 1400"),
            ),
        ),
    ),
    Case(
        "forwarding is for LiveKit Cloud",
        (Step("ForwardParticipant", lambda scene: _is_in_room(scene, destination_room=scene.other), CLOUD_ONLY),),
    ),
    Case(
        "moving is for LiveKit Cloud",
        (Step("MoveParticipant", lambda scene: _is_in_room(scene, destination_room=scene.other), CLOUD_ONLY),),
    ),
)


def _is_called(scene: Scene, method: str, **more: Any) -> dict[str, Any]:
    return {"room": scene.occupied_room.room, "destination_identity": "bob", "method": method, **more}


def _equal(found: object, expected: object) -> None:
    assert found == expected
