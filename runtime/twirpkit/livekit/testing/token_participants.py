"""Participants out of access tokens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twirpkit._schema.json_reader import from_dict
from twirpkit.livekit.frozen_json import thaw
from twirpkit.livekit.testing.fake_state import FakeState
from twirpkit.livekit.token_grants import VideoGrants
from twirpkit.livekit.token_verifier import TokenError, TokenVerifier

__all__ = ["participant_of_token"]


def participant_of_token(state: FakeState, keys: Mapping[str, str], token: str) -> tuple[Any, str, dict[str, Any]]:
    """Return the room's configuration, its name, and the fields of a participant, from an access token.

    Raises:
        TokenError: The token is not valid at the time of the fake's clock, or does not allow to join a room.
    """
    claims = TokenVerifier(keys=keys).verify(token, at=state.clock.now())
    video = claims.video or VideoGrants()
    if not video.room_join or not video.room or not claims.identity:
        raise TokenError("the token does not allow to join a room: it needs an identity, roomJoin and room")
    config = None
    if claims.room_config is not None:
        config = from_dict(state.messages.RoomConfiguration, thaw(claims.room_config))
    fields = {
        "identity": claims.identity,
        "name": claims.name or "",
        "metadata": claims.metadata or "",
        "attributes": dict(claims.attributes or {}),
        "kind": (claims.kind or "standard").upper(),
        "permission": _permission(video),
    }
    if claims.kind_details:
        fields["kind_details"] = [each.upper() for each in claims.kind_details]
    return config, video.room, fields


def _permission(video: VideoGrants) -> dict[str, Any]:
    """Return the permission that grants give; what they do not say is LiveKit's default."""
    can_publish = video.can_publish is not False
    return {
        "can_publish": can_publish,
        "can_subscribe": video.can_subscribe is not False,
        "can_publish_data": can_publish if video.can_publish_data is None else video.can_publish_data,
        "can_publish_sources": [str(each).upper() for each in video.can_publish_sources or ()],
        "can_update_metadata": bool(video.can_update_own_metadata),
        "hidden": bool(video.hidden),
        "recorder": bool(video.recorder),
        "agent": bool(video.agent),
        "can_subscribe_metrics": bool(video.can_subscribe_metrics),
        "can_manage_agent_session": bool(video.can_manage_agent_session),
    }
