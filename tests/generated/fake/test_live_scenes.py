"""The live suite's scenes over FakeLiveKit, in both modes: what holds for a real server holds for the fake."""

from __future__ import annotations

import asyncio
import importlib
import os
import re
import subprocess
import sys
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from livekit_twirp import TwirpError
from livekit_twirp.testing import FakeLiveKit, FakeParticipant, RpcFailure

LIVE = Path(__file__).parents[2] / "live"
NOBODY = "nobody"
REFUSAL = RpcFailure(3001, "not on weekends")
UNSEEN = (
    "participant_attributes_changed",
    "participant_metadata_changed",
    "participant_name_changed",
    "room_metadata_changed",
    "track_muted",
)
"""Events that only participants with a connection see: the fake's have the new state, and are not told."""


@pytest.mark.slow
def test_every_scene_that_needs_no_media_passes_over_a_socket() -> None:
    """Grants, tokens and deadlines: those of rooms need participants, and are played below."""
    with FakeLiveKit() as fake, fake.serve() as server:
        names = ("TWIRPKIT_TEST_URL", "TWIRPKIT_TEST_KEY", "TWIRPKIT_TEST_SECRET")
        env = os.environ | dict(zip(names, (server.url, server.api_key, server.api_secret), strict=True))
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", str(LIVE)]
        ran = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode == 0, ran.stdout
    passed = re.search(r"(\d+) passed", ran.stdout)
    assert passed is not None
    assert int(passed[1]) >= 500


class Played:
    """A participant of the fake, asked as those of the live suite are."""

    def __init__(self, participant: FakeParticipant, track: str = "") -> None:
        self.participant = participant
        self.identity, self.sid = participant.identity, participant.sid
        self._track = track

    def notices(self, event: str, matches: Callable[..., bool] = lambda *about: True) -> tuple[Any, ...]:
        if event == "disconnected":
            assert not self.participant.connected
            return ()
        if event == "data_received":
            found = self.participant.data.pop(0)
            return (types.SimpleNamespace(data=found.data, topic=found.topic, participant=None),)
        assert event in UNSEEN
        return ()

    def hears(self, something: bool) -> None:
        assert self.participant.subscriptions.get(self._track, True) is something


@dataclass
class Room:
    room: str
    ann: Played
    bob: Played
    track: str


@dataclass
class Scene:
    occupied_room: Room
    other: str = "other"
    text: str = "text"
    kept: dict[str, str] = field(default_factory=dict)


@pytest.fixture(scope="module")
def cases() -> Iterator[Any]:
    """The table of the live suite, without LiveKit's client library, which its own participants need."""
    stand_in = types.ModuleType("occupied_room")
    vars(stand_in).update(NOBODY=NOBODY, REFUSAL=REFUSAL, Scene=Scene)
    sys.modules["occupied_room"] = stand_in
    sys.path.insert(0, str(LIVE))
    try:
        yield importlib.import_module("room_cases")
    finally:
        sys.path.remove(str(LIVE))
        del sys.modules["occupied_room"], sys.modules["room_cases"]


def refuse(payload: str) -> str:
    raise REFUSAL


def occupy(fake: FakeLiveKit) -> Room:
    ann, bob = fake.join("room", "ann"), fake.join("room", "bob")
    bob.on_rpc("greet", lambda payload: f"hello, {payload}")
    bob.on_rpc("refuse", refuse)
    track = ann.publish("mic").sid
    return Room("room", Played(ann, track), Played(bob, track), track)


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_scenes_of_rooms_pass_in_process(mode: str, cases: Any) -> None:
    methods = importlib.import_module("livekit_twirp._methods.room").METHODS
    names = {method.name: method.py_name for method in methods}
    for case in cases.CASES:
        with FakeLiveKit() as fake:
            scene = Scene(occupy(fake))
            api: Any = fake.api() if mode == "sync" else fake.async_api()

            def call(rpc: str, fields: Any, api: Any = api) -> Any:
                result = getattr(api.room, names[rpc])(fields)
                return asyncio.run(result) if mode == "async" else result

            for step in case.steps:
                if isinstance(step.outcome, cases.Refused):
                    with pytest.raises(step.outcome.error) as caught:
                        call(step.rpc, step.fields(scene))
                    error: TwirpError = caught.value
                    assert error.status == step.outcome.status, case
                    assert step.outcome.text in str(error), case
                else:
                    step.outcome(scene, call(step.rpc, step.fields(scene)))
