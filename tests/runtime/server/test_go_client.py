"""The server against Go's generated clients: their recorded requests get the responses that they understood."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from gateways_under_test import GATEWAYS, Gateway
from rooms_handler import new_app

CALLS: list[dict[str, Any]] = json.loads((Path(__file__).parent / "go" / "calls.json").read_text("utf-8"))
UNDERSTOOD = {
    "CreateRoom hall": {"name": "hall", "emptyTimeout": 60, "creationTimeMs": str(2**53 + 1)},
    "CreateRoom ": {"emptyTimeout": 60, "creationTimeMs": str(2**53 + 1)},
    "CreateRoom missing": "not_found: no such room",
    "CreateRoom busy": "resource_exhausted: slow down",
    "CreateRoom crash": "internal: internal error",
    "CreateRoom upstream": "internal: internal error",
    "CreateRoom wrong": "internal: internal error",
    "DeleteRoom": {},
    "ListRooms": "unimplemented: livekit.RoomService/ListRooms is not implemented",
    "MutePublishedTrack": "unimplemented: livekit.RoomService/MutePublishedTrack is not implemented",
}


@pytest.mark.parametrize("gateway", GATEWAYS.values(), ids=GATEWAYS)
@pytest.mark.parametrize("call", CALLS, ids=lambda call: call["go"]["call"])
def test_requests_of_go_get_the_same_responses(call: dict[str, Any], gateway: Gateway) -> None:
    headers = {"Content-Type": call["content_type"], "Twirp-Version": call["twirp_version"]}
    response = gateway(new_app(), call["path"], base64.b64decode(call["body"]), headers)
    assert (response.status, response.body) == (call["status"], base64.b64decode(call["response"]))


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call["go"]["call"])
def test_go_understood_the_responses(call: dict[str, Any]) -> None:
    kind, _, name = call["go"]["call"].partition(" ")
    assert call["content_type"] == f"application/{kind}"
    outcome = call["go"]
    understood = outcome["message"] if "message" in outcome else f"{outcome['code']}: {outcome['msg']}"
    assert understood == UNDERSTOOD[name]
    if name == "CreateRoom missing":
        assert outcome["meta"] == {"room": "missing", "ü": "\ufffd"}


def test_every_call_was_made_with_both_clients() -> None:
    assert len(CALLS) == 2 * len(UNDERSTOOD)
