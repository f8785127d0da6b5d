"""One filled request for each RPC of LiveKit's RoomService: field by field, as a user would write it."""

from typing import Any

ROOM = {"room": "standup"}
PARTICIPANT = {**ROOM, "identity": "ann"}
REVOKED = {**PARTICIPANT, "revoke_token_ts": 1_700_000_000}

SAMPLES: dict[str, dict[str, Any]] = {
    "create_room": {
        "name": "standup",
        "room_preset": "small",
        "empty_timeout": 300,
        "departure_timeout": 20,
        "max_participants": 12,
        "node_id": "ND_1",
        "metadata": '{"team": "ü"}',
        "tags": {"team": "core"},
        "egress": {"room": {"layout": "grid", "file_outputs": [{"filepath": "standup.mp4"}]}},
        "min_playout_delay": 100,
        "max_playout_delay": 2000,
        "sync_streams": True,
        "replay_enabled": True,
        "agents": [{"agent_name": "notes", "metadata": "{}"}],
    },
    "list_rooms": {"names": ["standup", "retro"]},
    "delete_room": ROOM,
    "list_participants": ROOM,
    "get_participant": REVOKED,
    "remove_participant": REVOKED,
    "mute_published_track": {**PARTICIPANT, "track_sid": "TR_1", "muted": True},
    "update_participant": {
        **PARTICIPANT,
        "metadata": "{}",
        "permission": {"can_subscribe": True, "can_publish_sources": [1, 2]},
        "name": "Ann",
        "attributes": {"role": "host"},
    },
    "update_subscriptions": {
        **PARTICIPANT,
        "track_sids": ["TR_1", "TR_2"],
        "subscribe": True,
        "participant_tracks": [{"participant_sid": "PA_1", "track_sids": ["TR_3"]}],
    },
    "send_data": {
        **ROOM,
        "data": b"\x00\xff",
        "kind": 1,
        "destination_sids": ["PA_1"],
        "destination_identities": ["ann", "bob"],
        "topic": "chat",
        "nonce": b"0123456789abcdef",
    },
    "update_room_metadata": {**ROOM, "metadata": "{}"},
    "forward_participant": {**PARTICIPANT, "destination_room": "retro"},
    "move_participant": {**PARTICIPANT, "destination_room": "retro"},
    "perform_rpc": {
        **ROOM,
        "destination_identity": "ann",
        "method": "ping",
        "payload": "{}",
        "response_timeout_ms": 500,
    },
}
"""By the method's name; every field of every request is set."""
