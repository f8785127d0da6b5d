"""``livekit.AgentDispatchService`` of a fake server."""

from __future__ import annotations

from typing import Any

from twirpkit.errors import InvalidArgumentError, NotFoundError
from twirpkit.livekit.testing.fake_limits import attributes_size
from twirpkit.livekit.testing.fake_rooms import FakeRoom, FakeRooms
from twirpkit.livekit.testing.fake_state import WRAPPED, FakeState, no_response
from twirpkit.server.request_context import RequestContext

__all__ = ["DispatchHandler"]

_COPIED = ("agent_name", "metadata", "restart_policy", "deployment")


class DispatchHandler:
    """Handler of ``livekit.AgentDispatchService``. Every room has one dispatch without a name."""

    _blocking = False

    def __init__(self, state: FakeState, rooms: FakeRooms) -> None:
        self._state = state
        self._rooms = rooms
        rooms.on_created.append(self._prepare)

    def create_dispatch(self, request: Any, context: RequestContext, /) -> Any:
        """Ask for an agent in a room, which is made if it does not exist."""
        settings = self._state.settings
        if "_" in request.deployment:
            raise InvalidArgumentError(f"{WRAPPED}deployment contains reserved character '_'")
        if attributes_size(request.attributes) > settings.max_attributes:
            raise InvalidArgumentError(f"{WRAPPED}attribute size exceeds limits")
        if len(request.metadata.encode()) > settings.max_metadata:
            raise InvalidArgumentError(f"{WRAPPED}metadata size exceeds limits")
        return self._add(self._rooms.create(request.room), request)

    def list_dispatch(self, request: Any, context: RequestContext, /) -> Any:
        """Return the dispatches of a room, or the one that is asked for."""
        found = self._room(request.room).dispatches
        if request.dispatch_id:
            found = [each for each in found if each.id == request.dispatch_id]
        return self._state.messages.ListAgentDispatchResponse(agent_dispatches=found)

    def delete_dispatch(self, request: Any, context: RequestContext, /) -> Any:
        """Remove a dispatch, and return it."""
        dispatches = self._room(request.room).dispatches
        for each in dispatches:
            if each.id == request.dispatch_id:
                dispatches.remove(each)
                return each
        raise NotFoundError(f"{WRAPPED}dispatch ID not found")

    def _prepare(self, room: FakeRoom, config: Any) -> None:
        self._add(room, self._state.messages.RoomAgentDispatch())
        for each in getattr(config, "agents", ()):
            self._add(room, each)

    def _add(self, room: FakeRoom, request: Any) -> Any:
        dispatch = self._state.messages.AgentDispatch(
            id=self._state.new_id("AD"),
            room=room.info.name,
            attributes=dict(request.attributes),
            state={"created_at": self._state.clock.nanoseconds},
            **{name: getattr(request, name) for name in _COPIED},
        )
        room.dispatches.append(dispatch)
        return dispatch

    def _room(self, name: str) -> FakeRoom:
        room = self._rooms.get(name)
        if room is None:
            raise no_response()
        return room
