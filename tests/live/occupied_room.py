"""What the room tests play in: a room, two participants, and a track of silence."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from livekit import rtc
from livekit_server import Target
from name_registry import NameRegistry
from participants import Participant, Participants

from livekit_twirp import LiveKitAPI

__all__ = ["NOBODY", "REFUSAL", "OccupiedRoom", "Scene", "occupy_room"]

NOBODY = "nobody"
"""An identity that is in no room."""
REFUSAL = rtc.RpcError(3001, "not on weekends")


@dataclass(frozen=True)
class OccupiedRoom:
    """A room with Ann, who publishes, and Bob, who listens and answers."""

    room: str
    ann: Participant
    bob: Participant
    track: str
    """The sid of Ann's track."""


@dataclass(frozen=True)
class Scene:
    """One test's view of a stage, with names and texts that no other test has."""

    occupied_room: OccupiedRoom
    other: str
    """The name of a room that does not exist yet."""
    text: str = field(default_factory=lambda: secrets.token_hex(4))
    """A short text: the smallest of the recorded servers takes 64 bytes."""
    kept: dict[str, str] = field(default_factory=dict)
    """What one step keeps for the next."""


def occupy_room(api: LiveKitAPI, target: Target, registry: NameRegistry, participants: Participants) -> OccupiedRoom:
    """Make a room, let both join, and wait until Bob hears Ann."""
    room = api.room.create_room(name=registry.name()).name
    ann, bob = participants.join(target, room, "ann"), participants.join(target, room, "bob")
    ann.notices("participant_connected")
    bob.answers("greet", lambda call: f"hello, {call.payload}")
    bob.answers("refuse", _refuse)
    track = ann.publishes_silence()
    bob.hears(True)
    return OccupiedRoom(room, ann, bob, track)


def _refuse(call: rtc.RpcInvocationData) -> str:
    raise REFUSAL
