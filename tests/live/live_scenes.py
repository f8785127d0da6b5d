"""What the room tests play in: a room, two participants, and a track of silence."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from livekit import rtc
from livekit_server import Target
from ours import Ours
from people import Participant, People

from livekit_twirp import LiveKitAPI

__all__ = ["NOBODY", "REFUSAL", "Scene", "Stage", "set_stage"]

NOBODY = "nobody"
"""An identity that is in no room."""
REFUSAL = rtc.RpcError(3001, "not on weekends")


@dataclass(frozen=True)
class Stage:
    """A room with Ann, who publishes, and Bob, who listens and answers."""

    room: str
    ann: Participant
    bob: Participant
    track: str
    """The sid of Ann's track."""


@dataclass(frozen=True)
class Scene:
    """One test's view of a stage, with names and texts that no other test has."""

    stage: Stage
    other: str
    """The name of a room that does not exist yet."""
    text: str = field(default_factory=lambda: secrets.token_hex(4))
    """A short text: the smallest of the recorded servers takes 64 bytes."""
    kept: dict[str, str] = field(default_factory=dict)
    """What one step keeps for the next."""


def set_stage(api: LiveKitAPI, target: Target, ours: Ours, people: People) -> Stage:
    """Make a room, let both join, and wait until Bob hears Ann."""
    room = api.room.create_room(name=ours.name()).name
    ann, bob = people.join(target, room, "ann"), people.join(target, room, "bob")
    ann.notices("participant_connected")
    bob.answers("greet", lambda call: f"hello, {call.payload}")
    bob.answers("refuse", _refuse)
    track = ann.publishes_silence()
    bob.hears(True)
    return Stage(room, ann, bob, track)


def _refuse(call: rtc.RpcInvocationData) -> str:
    raise REFUSAL
