"""Rooms of a fake server, and those who are in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from twirpkit.livekit.testing.fake_clock import Timer
from twirpkit.livekit.testing.fake_participant import FakeParticipant
from twirpkit.livekit.testing.fake_state import FakeState

__all__ = ["FakeRoom", "FakeRooms", "JoinRefusedError"]

_CAPABILITIES: Final = ("CAP_PACKET_TRAILER", "CAP_COMPRESSION_DEFLATE_RAW")


class JoinRefusedError(RuntimeError):
    """A participant that a server would not let in; the text gives the reason."""


class FakeRoom:
    """One room.

    Args:
        state: The shared state.
        info: Its ``livekit.Room``.
        on_left: A function that is called with the room when a participant has left.
    """

    def __init__(self, state: FakeState, info: Any, on_left: Callable[[FakeRoom], None]) -> None:
        self._on_left = on_left
        self.state = state
        self.info = info
        self.participants: dict[str, FakeParticipant] = {}
        """By identity."""
        self.dispatches: list[Any] = []
        """Each is a ``livekit.AgentDispatch``."""
        self.recorded = False
        """True while a recording of it runs."""
        self.closing: Timer | None = None
        """The end of the room, if it stays idle."""

    def recount(self) -> None:
        """Update the numbers in `info`."""
        infos = [each.live_info for each in self.participants.values()]
        counted = [each for each in infos if not each.permission.hidden and not self._is_dependent(each)]
        self.info.num_participants = len(counted)
        self.info.num_publishers = sum(each.is_publisher for each in counted)
        self.info.active_recording = self.recorded or any(each.permission.recorder for each in infos)

    def emit_track(self, kind: str, participant: Any, track: Any) -> None:
        """Emit an event about a track, which has room and participant in short form."""
        messages = self.state.messages
        room = messages.Room(sid=self.info.sid, name=self.info.name)
        owner = messages.ParticipantInfo(sid=participant.sid, identity=participant.identity)
        self.state.emit(kind, room=room, participant=owner, track=track)

    def remove(self, participant: FakeParticipant, reason: str) -> None:
        """Take a participant out, for a reason that is the name of a ``DisconnectReason``; nothing if it has left."""
        if not participant.connected:
            return
        del self.participants[participant.identity]
        info, messages = participant.live_info, self.state.messages
        tracks = list(info.tracks)
        left = messages.ParticipantInfo(disconnect_reason=reason, state="DISCONNECTED")
        info.MergeFrom(left)
        del info.tracks[:]
        participant.changed()
        self.recount()
        self.state.emit("participant_left", room=self.info, participant=info)
        for track in tracks:
            self.emit_track("track_unpublished", info, track)
        self._on_left(self)

    @property
    def is_idle(self) -> bool:
        """True if nobody is in it who keeps it open."""
        return all(self._is_dependent(each.live_info) for each in self.participants.values())

    def _is_dependent(self, info: Any) -> bool:
        """Return True for a participant who is there for others: an agent, or a recorder."""
        kinds = self.state.messages.ParticipantInfo
        return info.permission.agent or info.permission.recorder or info.kind in (kinds.AGENT, kinds.EGRESS)


class FakeRooms:
    """All rooms, by name."""

    def __init__(self, state: FakeState) -> None:
        self.state = state
        self.rooms: dict[str, FakeRoom] = {}
        self.on_created: list[Callable[[FakeRoom, Any], None]] = []
        """Functions that are called with a new room and the configuration that it was made with."""
        self.on_finished: list[Callable[[FakeRoom], None]] = []
        """Functions that are called with a room that has ended."""

    def __iter__(self) -> Iterator[FakeRoom]:
        return iter(list(self.rooms.values()))

    def get(self, name: str) -> FakeRoom | None:
        """Return a room, None if there is none of that name."""
        return self.rooms.get(name)

    def participant(self, room: str, identity: str) -> FakeParticipant | None:
        """Return a participant, None if room or participant do not exist."""
        found = self.rooms.get(room)
        return None if found is None else found.participants.get(identity)

    def create(self, name: str, config: Any = None) -> FakeRoom:
        """Return the room of a name: the one that exists, unchanged, or a new one.

        Args:
            name: Its name.
            config: A ``livekit.CreateRoomRequest`` or ``livekit.RoomConfiguration``; None for the defaults.
        """
        if name in self.rooms:
            return self.rooms[name]
        state, settings = self.state, self.state.settings
        info = state.messages.Room(
            sid=state.new_id("RM"),
            name=name,
            empty_timeout=getattr(config, "empty_timeout", 0) or settings.empty_timeout,
            departure_timeout=getattr(config, "departure_timeout", 0) or settings.departure_timeout,
            max_participants=getattr(config, "max_participants", 0),
            metadata=getattr(config, "metadata", ""),
            creation_time=state.clock.seconds,
            creation_time_ms=state.clock.milliseconds,
            turn_password=state.new_secret(44),
            enabled_codecs=[{"mime": codec} for codec in settings.codecs],
        )
        room = self.rooms[name] = FakeRoom(state, info, self._somebody_left)
        state.emit("room_started", room=info)
        self._close_later(room, info.empty_timeout)
        for each in self.on_created:
            each(room, config)
        return room

    def delete(self, room: FakeRoom) -> None:
        """End a room, and take everybody out."""
        self._finish(room)
        for participant in list(room.participants.values()):
            room.remove(participant, "ROOM_DELETED")

    def join(self, name: str, config: Any, fields: Mapping[str, Any]) -> FakeParticipant:
        """Let a participant in. Whoever has its identity goes out.

        Args:
            name: The name of the room, which is made if it does not exist.
            config: The configuration of a room that is made.
            fields: Fields of ``livekit.ParticipantInfo``.

        Raises:
            JoinRefusedError: The room is full.
        """
        room = self.create(name, config)
        present = room.participants.get(fields["identity"])
        if present is not None:
            room.remove(present, "DUPLICATE_IDENTITY")
        if room.info.max_participants and room.info.num_participants >= room.info.max_participants:
            raise JoinRefusedError(f"the room {name!r} has its {room.info.max_participants} participants already")
        clock = self.state.clock
        info = self.state.messages.ParticipantInfo(
            sid=self.state.new_id("PA"),
            state="ACTIVE",
            joined_at=clock.seconds,
            joined_at_ms=clock.milliseconds,
            version=2,
            client_protocol=2,
            capabilities=_CAPABILITIES,
            **fields,
        )
        participant = room.participants[info.identity] = FakeParticipant(room, info)
        room.recount()
        if room.closing is not None and not room.is_idle:
            room.closing.cancelled = True
        self.state.emit("participant_joined", room=room.info, participant=info)
        return participant

    def _somebody_left(self, room: FakeRoom) -> None:
        if self.rooms.get(room.info.name) is room and room.is_idle:
            self._close_later(room, room.info.departure_timeout)

    def _close_later(self, room: FakeRoom, seconds: float) -> None:
        if room.closing is not None:
            room.closing.cancelled = True
        room.closing = self.state.clock.after(seconds, lambda: self._finish(room))

    def _finish(self, room: FakeRoom) -> None:
        del self.rooms[room.info.name]
        if room.closing is not None:
            room.closing.cancelled = True
        for each in self.on_finished:
            each(room)
        self.state.emit("room_finished", room=room.info)
