"""Every RPC of RoomService, as people call it: the cases of `room_cases`."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from callers import METHODS, Caller, failure_of
from name_registry import NameRegistry

from livekit_twirp import FailedPreconditionError

if TYPE_CHECKING:
    from occupied_room import OccupiedRoom

pytest.importorskip("livekit.rtc", reason="no participants without the dependency group 'live'")

from occupied_room import Scene
from participants import SOON
from room_cases import CASES, Case, Refused

SERVICE = "livekit.RoomService"


@pytest.fixture
def play(world: Caller, registry: NameRegistry) -> Callable[[Case, OccupiedRoom], None]:
    """Plays a case on a stage."""

    def make_calls(case: Case, occupied_room: OccupiedRoom) -> None:
        scene = Scene(occupied_room, registry.name())
        for step in case.steps:
            rpc, fields = f"{SERVICE}/{step.rpc}", step.fields(scene)
            if not isinstance(step.outcome, Refused):
                step.outcome(scene, world.call(rpc, fields))
                continue
            error = failure_of(world.call, rpc, fields)
            assert (type(error), error.status) == (step.outcome.error, step.outcome.status)
            assert step.outcome.text in str(error)

    return make_calls


@pytest.mark.parametrize("case", [case for case in CASES if not case.alone], ids=str)
def test_call_does_what_it_says(
    case: Case, occupied_room: OccupiedRoom, play: Callable[[Case, OccupiedRoom], None]
) -> None:
    play(case, occupied_room)


@pytest.mark.parametrize("case", [case for case in CASES if case.alone], ids=str)
def test_call_that_changes_the_room(
    case: Case, open_occupied_room: Callable[[], OccupiedRoom], play: Callable[[Case, OccupiedRoom], None]
) -> None:
    play(case, open_occupied_room())


def test_track_is_unmuted_where_the_server_allows_it(
    world: Caller, open_occupied_room: Callable[[], OccupiedRoom]
) -> None:
    occupied_room = open_occupied_room()
    track = {"room": occupied_room.room, "identity": "ann", "track_sid": occupied_room.track}
    world.call(f"{SERVICE}/MutePublishedTrack", {**track, "muted": True})
    end = time.monotonic() + SOON
    muted = True
    while muted and time.monotonic() < end:  # Ann's confirmation that she is muted may cross our unmuting
        try:
            answer = world.call(f"{SERVICE}/MutePublishedTrack", {**track, "muted": False})
        except FailedPreconditionError as error:
            assert "remote unmute not enabled" in str(error)
            return
        assert answer.track.sid == occupied_room.track
        muted = answer.track.muted
    assert not muted


def test_every_rpc_has_a_case() -> None:
    rpcs = {path.partition("/")[2] for path in METHODS if path.startswith(f"{SERVICE}/")}
    assert {step.rpc for case in CASES for step in case.steps} == rpcs
