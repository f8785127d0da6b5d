"""A handler whose outcomes are asked for by the name of a room."""

from __future__ import annotations

from livekit_twirp import CreateRoomRequest, DeleteRoomRequest, DeleteRoomResponse, Room, TwirpError
from livekit_twirp.server import RequestContext, RoomServiceBase, TwirpApp
from twirpkit import Code, NotFoundError, PermissionDeniedError

__all__ = ["Rooms", "new_app"]


class Rooms(RoomServiceBase):
    """A handler whose outcomes are asked for by the name of the room."""

    def __init__(self) -> None:
        self.contexts: list[RequestContext] = []

    def create_room(self, request: CreateRoomRequest, context: RequestContext, /) -> Room:
        self.contexts.append(context)
        match request.name:
            case "missing":
                raise NotFoundError("no such room", meta={"room": "missing", "ü": "\ud800"})
            case "busy":
                context.response_headers["Retry-After"] = "7"
                raise TwirpError(Code.RESOURCE_EXHAUSTED, "slow down")
            case "split":
                context.response_headers["X-Note"] = "a\r\nSet-Cookie: b"
            case "split error":
                context.response_headers["X Note"] = "a"
                raise NotFoundError("no such room")
            case "crash":
                raise KeyError("a secret")
            case "upstream":
                raise PermissionDeniedError("not yours", rpc="acme.Other/Call")
            case "wrong":
                return DeleteRoomResponse()  # type: ignore[return-value]  # what a handler must not do
        return Room(name=request.name, empty_timeout=request.empty_timeout, creation_time_ms=2**53 + 1)

    def delete_room(self, request: DeleteRoomRequest, context: RequestContext, /) -> DeleteRoomResponse:
        return DeleteRoomResponse()


def new_app() -> TwirpApp:
    return TwirpApp([Rooms()], on_error=lambda context, error: None)
