"""The policy table: what each RPC's token may do, and what may happen to a request that got no answer."""

from typing import Any

import pytest
from google.protobuf.descriptor import MethodDescriptor

from livekit_twirp._methods.room import METHODS
from livekit_twirp.grants import GRANTS
from livekit_twirp.messages.livekit_room import DESCRIPTOR
from twirpkit import Method

SERVICE = "livekit.RoomService"

CREATE = {"roomCreate": True}
LIST = {"roomList": True}
ADMIN = {"roomAdmin": True, "room": "$room"}
TO_ANOTHER_ROOM = {"roomAdmin": True, "room": "$room", "destinationRoom": "$destination_room"}

POLICY: dict[str, tuple[str, dict[str, Any], str, str | None]] = {
    "CreateRoom": ("create_room", CREATE, "idempotent", None),
    "ListRooms": ("list_rooms", LIST, "read", None),
    "DeleteRoom": ("delete_room", CREATE, "idempotent", None),
    "ListParticipants": ("list_participants", ADMIN, "read", None),
    "GetParticipant": ("get_participant", ADMIN, "read", None),
    "RemoveParticipant": ("remove_participant", ADMIN, "idempotent", None),
    "MutePublishedTrack": ("mute_published_track", ADMIN, "idempotent", None),
    "UpdateParticipant": ("update_participant", ADMIN, "idempotent", None),
    "UpdateSubscriptions": ("update_subscriptions", ADMIN, "idempotent", None),
    "SendData": ("send_data", ADMIN, "keyed", "nonce"),
    "UpdateRoomMetadata": ("update_room_metadata", ADMIN, "idempotent", None),
    "ForwardParticipant": ("forward_participant", TO_ANOTHER_ROOM, "never", None),
    "MoveParticipant": ("move_participant", TO_ANOTHER_ROOM, "never", None),
    "PerformRpc": ("perform_rpc", ADMIN, "never", None),
}
"""By RPC: the method's name, the claims under `video`, the retry class, the field of the key."""


def test_grants_are_the_table() -> None:
    rows = {rpc: row for rpc, row in GRANTS.items() if rpc.startswith(f"{SERVICE}/")}
    assert {f"{SERVICE}/{rpc}": {"video": video} for rpc, (_, video, _, _) in POLICY.items()} == rows


def test_every_rpc_has_its_constant() -> None:
    assert [method.name for method in METHODS] == list(POLICY)


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_facts_of_the_rpc(method: Method[Any, Any]) -> None:
    py_name, video, retry, key = POLICY[method.name]
    rpc: MethodDescriptor = DESCRIPTOR.services_by_name["RoomService"].methods_by_name[method.name]
    assert method.path == f"{SERVICE}/{method.name}"
    assert (method.py_name, method.retry, method.key) == (py_name, retry, key)
    assert method.grants == {"video": video}
    assert method.request.DESCRIPTOR is rpc.input_type
    assert method.response.DESCRIPTOR is rpc.output_type
