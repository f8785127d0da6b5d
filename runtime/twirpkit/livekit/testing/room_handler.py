"""``livekit.RoomService`` of a fake server."""

from __future__ import annotations

from typing import Any, Final

from twirpkit.errors import (
    CanceledError,
    Code,
    FailedPreconditionError,
    InternalError,
    InvalidArgumentError,
    NotFoundError,
    TwirpError,
)
from twirpkit.livekit.testing.fake_limits import check_attributes, check_metadata, check_name
from twirpkit.livekit.testing.fake_participant import FakeParticipant, ReceivedData, RpcFailure
from twirpkit.livekit.testing.fake_rooms import FakeRoom, FakeRooms
from twirpkit.livekit.testing.fake_state import WRAPPED, FakeState, no_response, no_such_room
from twirpkit.server.request_context import RequestContext

__all__ = ["RoomHandler"]

_NONCE: Final = 16
_MAX_PAYLOAD: Final = 15 * 1024
_RPC_TIMEOUT: Final = 10.0
"""Seconds that a participant's method may take if the request does not say."""


class RoomHandler:
    """Handler of ``livekit.RoomService``.

    A method ``check_<rpc>`` looks at a request before its grants, as livekit-server does.
    """

    _blocking = False

    def __init__(self, state: FakeState, rooms: FakeRooms) -> None:
        self._state = state
        self._rooms = rooms

    def check_create_room(self, request: Any) -> None:
        """Refuse what exceeds a limit."""
        settings = self._state.settings
        check_metadata(settings, request.metadata)
        for agent in request.agents:
            check_attributes(settings, agent.attributes)

    def create_room(self, request: Any, context: RequestContext, /) -> Any:
        """Make a room, or return the one that exists."""
        if len(request.name.encode()) > self._state.settings.max_room_name:
            limit = self._state.settings.max_room_name
            raise InvalidArgumentError(f"{WRAPPED}room name length exceeds limits: max length {limit}")
        if request.room_preset:
            raise InvalidArgumentError(f"{WRAPPED}unknown room configuration in create room request")
        return self._rooms.create(request.name, request).info

    def list_rooms(self, request: Any, context: RequestContext, /) -> Any:
        """Return all rooms, or those that are named, as often as they are."""
        names = request.names
        found = [self._rooms.get(name) for name in names] if names else list(self._rooms)
        return self._state.messages.ListRoomsResponse(rooms=[room.info for room in found if room is not None])

    def delete_room(self, request: Any, context: RequestContext, /) -> Any:
        """End a room."""
        self._rooms.delete(self._room(request.room))
        return self._state.messages.DeleteRoomResponse()

    def list_participants(self, request: Any, context: RequestContext, /) -> Any:
        """Return those who are in a room; nobody is in a room that does not exist."""
        room = self._rooms.get(request.room)
        infos = [] if room is None else [each.live_info for each in room.participants.values()]
        return self._state.messages.ListParticipantsResponse(participants=infos)

    def get_participant(self, request: Any, context: RequestContext, /) -> Any:
        """Return a participant."""
        return self._participant(request).live_info

    def remove_participant(self, request: Any, context: RequestContext, /) -> Any:
        """Put a participant out."""
        self._participant(request).disconnect("PARTICIPANT_REMOVED")
        return self._state.messages.RemoveParticipantResponse()

    def mute_published_track(self, request: Any, context: RequestContext, /) -> Any:
        """Mute a track; a sid that the participant does not have changes nothing."""
        info = self._reached(request.room, request.identity).live_info
        if not request.muted and not self._state.settings.remote_unmute:
            raise FailedPreconditionError(f"{WRAPPED}remote unmute not enabled")
        for track in info.tracks:
            if track.sid == request.track_sid:
                track.muted = request.muted
                return self._state.messages.MuteRoomTrackResponse(track=track)
        return self._state.messages.MuteRoomTrackResponse()

    def check_update_participant(self, request: Any) -> None:
        """Refuse what exceeds a limit."""
        settings = self._state.settings
        check_name(settings, request.name)
        check_metadata(settings, request.metadata)
        check_attributes(settings, request.attributes)

    def update_participant(self, request: Any, context: RequestContext, /) -> Any:
        """Change what the request sets; a permission is replaced as a whole."""
        participant = self._participant(request)
        info = participant.live_info
        if request.name:
            info.name = request.name
        if request.metadata:
            info.metadata = request.metadata
        participant.set_attributes(request.attributes)
        if request.HasField("permission"):
            info.permission.CopyFrom(request.permission)
        participant.changed()
        return info

    def update_subscriptions(self, request: Any, context: RequestContext, /) -> Any:
        """Note which tracks a participant receives."""
        participant = self._reached(request.room, request.identity)
        sids = [*request.track_sids, *(sid for each in request.participant_tracks for sid in each.track_sids)]
        participant.subscriptions.update(dict.fromkeys(sids, request.subscribe))
        return self._state.messages.UpdateSubscriptionsResponse()

    def send_data(self, request: Any, context: RequestContext, /) -> Any:
        """Give data to those that it is for."""
        if request.nonce and len(request.nonce) != _NONCE:
            raise InvalidArgumentError(f"nonce should be 16-bytes or not present, got: {len(request.nonce)} bytes")
        room = self._rooms.get(request.room)
        if room is None:
            raise no_response()
        message = ReceivedData(request.data, request.topic, request.kind == 0, request.nonce)
        for participant in _receivers(room, request):
            participant.receive(message)
        return self._state.messages.SendDataResponse()

    def check_update_room_metadata(self, request: Any) -> None:
        """Refuse what exceeds a limit."""
        check_metadata(self._state.settings, request.metadata)

    def update_room_metadata(self, request: Any, context: RequestContext, /) -> Any:
        """Replace the metadata of a room."""
        room = self._room(request.room)
        room.info.metadata = request.metadata
        return room.info

    def forward_participant(self, request: Any, context: RequestContext, /) -> Any:
        """Refuse: only LiveKit Cloud has it."""
        self._refuse_moving(request)

    def move_participant(self, request: Any, context: RequestContext, /) -> Any:
        """Refuse: only LiveKit Cloud has it."""
        self._refuse_moving(request)

    def perform_rpc(self, request: Any, context: RequestContext, /) -> Any:
        """Call a method of a participant."""
        if not request.destination_identity:
            raise InvalidArgumentError(f"{WRAPPED}destination identity is required")
        participant = self._reached(request.room, request.destination_identity)
        if not participant.live_info.permission.can_publish_data:
            raise _rpc_error(CanceledError, 1501, "Connection timeout")
        if len(request.payload.encode()) > _MAX_PAYLOAD:
            raise _rpc_error(InvalidArgumentError, 1402, "Request payload too large")
        found = participant.rpc_method(request.method)
        if found is None:
            raise _rpc_error(InvalidArgumentError, 1400, "Method not supported at destination")
        function, seconds = found
        left = context.time_left()
        if left is not None and left < seconds:
            raise CanceledError(f"{WRAPPED}request canceled")
        if seconds > (request.response_timeout_ms / 1000 or _RPC_TIMEOUT):
            raise _rpc_error(CanceledError, 1502, "Response timeout")
        try:
            payload = function(request.payload)
        except RpcFailure as failure:
            data = f": {failure.data}" if failure.data else ""
            refused = _rpc_error(InternalError, failure.code, f"{failure.message}{data}")
        except Exception:  # of the participant's code: the caller learns no more
            refused = _rpc_error(InternalError, 1500, "Application error in method handler")
        else:
            if len(payload.encode()) > _MAX_PAYLOAD:
                raise _rpc_error(InternalError, 1504, "Response payload too large")
            return self._state.messages.PerformRpcResponse(payload=payload)
        raise refused

    def _refuse_moving(self, request: Any) -> None:
        if request.room == request.destination_room:
            text = "destination room cannot be the same as source room"
            raise InvalidArgumentError(f"{text} ", meta={"argument": text})
        self._reached(request.room, request.identity)
        raise TwirpError(Code.UNKNOWN, f"{WRAPPED}not implemented")

    def _room(self, name: str) -> FakeRoom:
        room = self._rooms.get(name)
        if room is None:
            raise no_such_room()
        return room

    def _participant(self, request: Any) -> FakeParticipant:
        participant = self._rooms.participant(request.room, request.identity)
        if participant is None:
            raise NotFoundError(f"{WRAPPED}participant does not exist")
        return participant

    def _reached(self, room: str, identity: str) -> FakeParticipant:
        """Return a participant to whom a request is passed on: nobody answers for one who is not there."""
        participant = self._rooms.participant(room, identity)
        if participant is None:
            raise no_response()
        return participant


def _receivers(room: FakeRoom, request: Any) -> list[FakeParticipant]:
    participants = list(room.participants.values())
    if not request.destination_identities and not request.destination_sids:
        return participants
    identities, sids = set(request.destination_identities), set(request.destination_sids)
    return [each for each in participants if each.identity in identities or each.sid in sids]


def _rpc_error(kind: type[TwirpError], code: int, text: str) -> TwirpError:
    assert kind.default_code is not None  # noqa: S101  # for the type checker
    return kind(kind.default_code, f"{WRAPPED}RpcError {code}: {text}")
