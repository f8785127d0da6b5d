"""A LiveKit server for tests: `FakeLiveKit`, which a generated package binds to its messages.

The guide is `docs/testing.md`.
"""

from twirpkit.livekit.testing.fake_application import Call
from twirpkit.livekit.testing.fake_command import run_fake
from twirpkit.livekit.testing.fake_livekit import FakeLiveKit
from twirpkit.livekit.testing.fake_participant import FakeParticipant, ReceivedData, RpcFailure
from twirpkit.livekit.testing.fake_rooms import JoinRefusedError
from twirpkit.livekit.testing.fake_settings import FakeSettings
from twirpkit.livekit.testing.loopback_server import FakeServer

__all__ = [
    "Call",
    "FakeLiveKit",
    "FakeParticipant",
    "FakeServer",
    "FakeSettings",
    "JoinRefusedError",
    "ReceivedData",
    "RpcFailure",
    "run_fake",
]
