"""Helpers of RoomService and AgentDispatchService, as people call them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from callers import Caller
from livekit_server import Target
from name_registry import NameRegistry

from livekit_twirp import DeadlineExceededError, LiveKitAPI, NotFoundError, ParticipantInfo

if TYPE_CHECKING:
    from occupied_room import OccupiedRoom


def test_waits_for_a_participant_who_is_there(world: Caller, occupied_room: OccupiedRoom) -> None:
    room = occupied_room.room
    found = world.help("room", "wait_until_active", room=room, identity=occupied_room.ann.identity, timeout=20)
    assert (found.identity, found.state) == (occupied_room.ann.identity, ParticipantInfo.ACTIVE)


def test_waits_in_vain(world: Caller, registry: NameRegistry) -> None:
    with pytest.raises(DeadlineExceededError, match="it is not in the room"):
        world.help("room", "wait_until_active", room=registry.name(), identity="nobody", timeout=0.5)


@pytest.mark.slow
def test_changes_one_permission_and_keeps_the_rest(
    world: Caller, open_occupied_room: Callable[[], OccupiedRoom]
) -> None:
    occupied = open_occupied_room()
    who = {"room": occupied.room, "identity": occupied.bob.identity}
    before = world.call("livekit.RoomService/GetParticipant", who).permission
    after = world.help("room", "change_permissions", **who, can_publish=False).permission
    assert (before.can_publish, after.can_publish) == (True, False)
    assert (after.can_subscribe, after.can_publish_data) == (before.can_subscribe, before.can_publish_data)


def test_changes_nobodys_permissions(world: Caller, registry: NameRegistry) -> None:
    with pytest.raises(NotFoundError):
        world.help("room", "change_permissions", room=registry.name(), identity="nobody", hidden=True)


def test_dispatches_once(world: Caller, api: LiveKitAPI, registry: NameRegistry) -> None:
    room = api.room.create_room(name=registry.name()).name
    first = world.help("agent_dispatch", "dispatch_once", room=room, agent_name="scribe", metadata="{}")
    assert world.help("agent_dispatch", "dispatch_once", room=room, agent_name="scribe").id == first.id


def test_many_callers_at_the_same_moment_keep_one(target: Target, registry: NameRegistry) -> None:
    with LiveKitAPI(target.url, target.key, target.secret) as lk:
        room = lk.room.create_room(name=registry.name()).name
        with ThreadPoolExecutor(8) as pool:
            calls = [pool.submit(lk.agent_dispatch.dispatch_once, room=room, agent_name="scribe") for _ in range(8)]
            ids = {call.result().id for call in calls}
        listed = lk.agent_dispatch.list_dispatch(room=room).agent_dispatches
    left = {each.id for each in listed if each.agent_name == "scribe" and not each.state.deleted_at}
    assert len(left) == 1
    assert left <= ids
