"""Participants of a fake room, as a test plays them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from twirpkit.livekit.testing.fake_rooms import FakeRoom

__all__ = ["FakeParticipant", "ReceivedData", "RpcFailure", "RpcMethod"]

Source: TypeAlias = Literal["microphone", "camera", "screen_share", "screen_share_audio"]
RpcMethod: TypeAlias = Callable[[str], str]
"""A method of a participant: it takes the payload and returns the response, or raises `RpcFailure`."""

_SHORT_IDS = {"microphone": "AM", "camera": "VC", "screen_share": "VS", "screen_share_audio": "AS"}


class RpcFailure(Exception):
    """The failure of a participant's method, with a code of its own.

    Args:
        code: A number, from 1 on; LiveKit's own are 1400 to 1999.
        message: Its text.
        data: More of it, often JSON.
    """

    def __init__(self, code: int, message: str, data: str = "") -> None:
        super().__init__(code, message, data)
        self.code = code
        self.message = message
        self.data = data


@dataclass(frozen=True, slots=True)
class ReceivedData:
    """A data message that a participant received."""

    data: bytes
    topic: str = ""
    reliable: bool = True
    nonce: bytes = field(default=b"", repr=False)


class FakeParticipant:
    """A participant in a room. `FakeLiveKit.join` makes it.

    Args:
        room: Its room.
        info: Its ``livekit.ParticipantInfo``, as calls return it.
    """

    def __init__(self, room: FakeRoom, info: Any) -> None:
        self._room = room
        self._state = room.state
        self._info = info
        self._methods: dict[str, tuple[RpcMethod, float]] = {}
        self._nonces: set[bytes] = set()
        self.data: list[ReceivedData] = []
        """Data messages that it received, in their order."""
        self.subscriptions: dict[str, bool] = {}
        """By the sid of a track: whether a call made it subscribe, or unsubscribe."""

    @property
    def identity(self) -> str:
        """Its identity."""
        return str(self._info.identity)

    @property
    def sid(self) -> str:
        """Its id in this room, ``PA_…``."""
        return str(self._info.sid)

    @property
    def room_name(self) -> str:
        """The name of its room."""
        return str(self._room.info.name)

    @property
    def info(self) -> Any:
        """A copy of its ``livekit.ParticipantInfo``."""
        copy = type(self._info)()
        copy.CopyFrom(self._info)
        return copy

    @property
    def connected(self) -> bool:
        """True while it is in its room."""
        return self._room.participants.get(self.identity) is self

    @property
    def disconnect_reason(self) -> str:
        """The name of the reason why it left, such as ``PARTICIPANT_REMOVED``; empty while it is connected."""
        number = self._info.disconnect_reason
        enum = type(self._info).DESCRIPTOR.fields_by_name["disconnect_reason"].enum_type
        return str(enum.values_by_number[number].name) if number else ""

    def publish(self, name: str = "", *, source: Source = "microphone", **fields: Any) -> Any:
        """Publish a track, and return its ``livekit.TrackInfo``.

        Args:
            name: The track's name.
            source: Where it comes from.
            fields: Other fields of ``livekit.TrackInfo``: ``width``, ``height``, ``muted``.

        Raises:
            RuntimeError: The participant has left.
            ValueError: The source is unknown.
        """
        with self._state.changing():
            self._need_connection()
            if source not in _SHORT_IDS:
                raise ValueError(f"a source is one of {', '.join(_SHORT_IDS)}, not {source!r}")
            is_video = source in ("camera", "screen_share")
            facts = {"type": "VIDEO" if is_video else "AUDIO", "mime_type": "video/VP8" if is_video else "audio/opus"}
            sid = f"TR_{_SHORT_IDS[source]}{self._state.new_id('')[1:]}"
            self._info.tracks.add().CopyFrom(
                self._state.messages.TrackInfo(
                    **{**facts, "sid": sid, "name": name, "source": source.upper(), **fields}
                )
            )
            self._info.is_publisher = True
            self.changed()
            self._room.recount()
            self._room.emit_track("track_published", self._info, self._info.tracks[-1])
            return self.info.tracks[-1]

    def unpublish(self, sid: str) -> None:
        """Take a track back.

        Raises:
            ValueError: It has no such track.
        """
        with self._state.changing():
            for index, track in enumerate(self._info.tracks):
                if track.sid == sid:
                    gone = self.info.tracks[index]
                    del self._info.tracks[index]
                    self.changed()
                    self._room.emit_track("track_unpublished", self._info, gone)
                    return
        raise ValueError(f"{self.identity} has no track {sid!r}")

    def on_rpc(self, method: str, function: RpcMethod, *, seconds: float = 0.0) -> None:
        """Serve a method, which `perform_rpc` calls.

        Args:
            method: Its name.
            function: A function of the payload that returns the response. It may raise `RpcFailure`; any other
                exception is an application error (1500) for the caller.
            seconds: How long it takes by the caller's clock: more than ``response_timeout_ms`` is a timeout (1502).
        """
        self._methods[method] = function, seconds

    def rpc_method(self, method: str) -> tuple[RpcMethod, float] | None:
        """Return a method and the seconds that it takes; None if there is none."""
        return self._methods.get(method)

    def update(
        self, *, name: str | None = None, metadata: str | None = None, attributes: Mapping[str, str] | None = None
    ) -> None:
        """Change the participant's own name, metadata or attributes; an empty attribute is removed."""
        with self._state.changing():
            self._need_connection()
            if name is not None:
                self._info.name = name
            if metadata is not None:
                self._info.metadata = metadata
            self.set_attributes(attributes or {})
            self.changed()

    def leave(self) -> None:
        """Leave the room. Twice is fine."""
        with self._state.changing():
            self.disconnect("CLIENT_INITIATED")

    def disconnect(self, reason: str) -> None:
        """Go out of the room, for a reason that is the name of a ``DisconnectReason``."""
        self._room.remove(self, reason)

    def receive(self, message: ReceivedData) -> None:
        """Add a data message, unless one with the same nonce came before."""
        if message.nonce and message.nonce in self._nonces:
            return
        self._nonces.add(message.nonce)
        self.data.append(message)

    def set_attributes(self, attributes: Mapping[str, str]) -> None:
        """Merge attributes into those that are there."""
        for key, value in attributes.items():
            if value:
                self._info.attributes[key] = value
            else:
                self._info.attributes.pop(key, None)

    def changed(self) -> None:
        """Count a change of the participant."""
        self._info.version += 1

    @property
    def live_info(self) -> Any:
        """Its ``livekit.ParticipantInfo`` itself, for the parts of the fake."""
        return self._info

    def _need_connection(self) -> None:
        if not self.connected:
            raise RuntimeError(f"{self.identity} is not in the room {self.room_name!r} any more")

    def __repr__(self) -> str:
        return f"FakeParticipant(identity={self.identity!r}, room={self.room_name!r}, connected={self.connected})"
