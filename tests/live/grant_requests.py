"""One request for each RPC of the services that the open-source server has: well formed, quick, and without trace.

Grants are checked before anything is looked up, so most name what does not exist. What the others make has a name of
ours. A recording of the same RPC with "a valid token without any grant" shows that each form is refused for its grants
and for nothing else: some servers check sizes and kinds first.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from typing import Any, Final

from callers import METHODS

from livekit_twirp.grants import GRANTS
from livekit_twirp.messages.livekit_ingress import IngressInput

__all__ = ["RPCS", "request_for"]

SERVICES: Final = ("RoomService", "Egress", "Ingress", "SIP", "AgentDispatchService")
RPCS: Final = [rpc for rpc in GRANTS if rpc.partition("/")[0] in {f"livekit.{name}" for name in SERVICES}]
"""Every row of the policy table that an open-source server can judge."""

TRUNK: Final = "ST_twirpkit"
RULE: Final = "SDR_twirpkit"
EGRESS: Final = "EG_twirpkit"
INGRESS: Final = "IN_twirpkit"
NOBODY: Final = "nobody"


def _number() -> str:
    """A telephone number that no trunk has."""
    return f"+999{secrets.randbelow(10**9):09}"


_REQUESTS: Final[dict[str, Callable[[str, str], Mapping[str, Any]]]] = {
    # By a room that is there, and a name that is not used yet.
    "RoomService/CreateRoom": lambda room, name: {"name": name},
    "RoomService/ListRooms": lambda room, name: {"names": [room]},
    "RoomService/DeleteRoom": lambda room, name: {"room": name},
    "RoomService/MutePublishedTrack": lambda room, name: {
        "room": room,
        "identity": NOBODY,
        "track_sid": "TR_twirpkit",
        "muted": True,
    },
    "RoomService/UpdateParticipant": lambda room, name: {"room": room, "identity": NOBODY, "name": "n"},
    "RoomService/UpdateSubscriptions": lambda room, name: {
        "room": room,
        "identity": NOBODY,
        "track_sids": ["TR_twirpkit"],
        "subscribe": True,
    },
    "RoomService/SendData": lambda room, name: {"room": room, "data": b"d", "destination_identities": [NOBODY]},
    "RoomService/ForwardParticipant": lambda room, name: {"room": room, "identity": NOBODY, "destination_room": name},
    "RoomService/MoveParticipant": lambda room, name: {"room": room, "identity": NOBODY, "destination_room": name},
    "RoomService/PerformRpc": lambda room, name: {
        "room": room,
        "destination_identity": NOBODY,
        "method": "m",
        "payload": "p",
    },
    "Egress/StartEgress": lambda room, name: {"room_name": name, "template": {"layout": "grid"}},
    "Egress/StartRoomCompositeEgress": lambda room, name: {"room_name": name, "layout": "grid"},
    "Egress/StartWebEgress": lambda room, name: {"url": "https://example.com"},  # without outputs no worker takes it
    "Egress/StartParticipantEgress": lambda room, name: {"room_name": name, "identity": NOBODY},
    "Egress/StartTrackCompositeEgress": lambda room, name: {"room_name": name, "audio_track_id": "TR_twirpkit"},
    "Egress/StartTrackEgress": lambda room, name: {"room_name": name, "track_id": "TR_twirpkit"},
    "Egress/UpdateLayout": lambda room, name: {"egress_id": EGRESS, "layout": "speaker"},
    "Egress/UpdateStream": lambda room, name: {"egress_id": EGRESS, "add_output_urls": ["rtmp://example.com/x"]},
    "Egress/ListEgress": lambda room, name: {"egress_id": EGRESS},
    "Egress/StopEgress": lambda room, name: {"egress_id": EGRESS},
    "Ingress/CreateIngress": lambda room, name: {
        "name": name,
        "input_type": IngressInput.WHIP_INPUT,
        "participant_identity": NOBODY,
    },
    "Ingress/UpdateIngress": lambda room, name: {"ingress_id": INGRESS, "name": "n"},
    "Ingress/ListIngress": lambda room, name: {"room_name": name},
    "Ingress/DeleteIngress": lambda room, name: {"ingress_id": INGRESS},
    "SIP/CreateSIPInboundTrunk": lambda room, name: {"trunk": {"name": name, "numbers": [_number()]}},
    "SIP/CreateSIPOutboundTrunk": lambda room, name: {
        "trunk": {"name": name, "address": "sip.example.com", "numbers": [_number()]}
    },
    "SIP/UpdateSIPInboundTrunk": lambda room, name: {"sip_trunk_id": TRUNK, "update": {"name": "n"}},
    "SIP/UpdateSIPOutboundTrunk": lambda room, name: {"sip_trunk_id": TRUNK, "update": {"name": "n"}},
    "SIP/GetSIPInboundTrunk": lambda room, name: {"sip_trunk_id": TRUNK},
    "SIP/GetSIPOutboundTrunk": lambda room, name: {"sip_trunk_id": TRUNK},
    "SIP/ListSIPInboundTrunk": lambda room, name: {"trunk_ids": [TRUNK]},
    "SIP/ListSIPOutboundTrunk": lambda room, name: {"trunk_ids": [TRUNK]},
    "SIP/DeleteSIPTrunk": lambda room, name: {"sip_trunk_id": TRUNK},
    "SIP/CreateSIPDispatchRule": lambda room, name: {
        "dispatch_rule": {
            "name": name,
            "rule": {"dispatch_rule_direct": {"room_name": name, "pin": _number()[1:]}},
            "trunk_ids": [TRUNK],
        }
    },
    "SIP/UpdateSIPDispatchRule": lambda room, name: {"sip_dispatch_rule_id": RULE, "update": {"name": "n"}},
    "SIP/ListSIPDispatchRule": lambda room, name: {"dispatch_rule_ids": [RULE]},
    "SIP/DeleteSIPDispatchRule": lambda room, name: {"sip_dispatch_rule_id": RULE},
    "SIP/CreateSIPParticipant": lambda room, name: {
        "sip_trunk_id": TRUNK,
        "sip_call_to": _number(),
        "room_name": room,
        "participant_identity": NOBODY,
    },
    "SIP/TransferSIPParticipant": lambda room, name: {
        "room_name": room,
        "participant_identity": NOBODY,
        "transfer_to": f"tel:{_number()}",
    },
    "AgentDispatchService/CreateDispatch": lambda room, name: {"room": room, "agent_name": name},
    "AgentDispatchService/DeleteDispatch": lambda room, name: {"room": room, "dispatch_id": "AD_twirpkit"},
}


def request_for(rpc: str, room: str, name: str) -> Mapping[str, Any]:
    """The request of an RPC.

    One that is not listed above gets the fields that its policy row copies, the room in the first of them, and
    somebody who does not exist where it asks for an identity.
    """
    if (make := _REQUESTS.get(rpc.removeprefix("livekit."))) is not None:
        return make(room, name)
    method = METHODS[rpc][1]
    fields = dict(zip(_copied(GRANTS[rpc]), (room, name), strict=False))
    identity = {"identity": NOBODY} if "identity" in method.request.DESCRIPTOR.fields_by_name else {}
    return {**fields, **identity}


def _copied(template: Any) -> list[str]:
    """The request's fields that a policy row copies."""
    if isinstance(template, Mapping):
        return [name for value in template.values() for name in _copied(value)]
    return [template[1:]] if isinstance(template, str) and template.startswith("$") else []
