"""Reading recordings: what is there, and what a bad line is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from recordings import BY_ID, EXCHANGES

from twirpkit.conformance import load


def line(**changes: Any) -> dict[str, Any]:
    request: dict[str, Any] = {"method": "POST", "target": "/", "headers": [], "body_b64": "", "message": None}
    return {"id": "a", "rpc": None, "request": request, "response": None, **changes}


def test_fields() -> None:
    exchange = BY_ID["room/list_rooms/none"]
    assert str(exchange) == exchange.id
    assert exchange.rpc == "livekit.RoomService/ListRooms"
    assert exchange.claims is not None
    assert exchange.request.header("HOST") == "127.0.0.1"
    assert exchange.response is not None
    assert exchange.response.header("nothing") is None
    assert exchange.raw_response == exchange.response.raw


DROPPED = [each.id for each in EXCHANGES if each.id.startswith("mock/fail/drop")]


def test_recordings_agree_with_themselves() -> None:
    """The fixtures are what the suite trusts: each answer's raw bytes end with the body that was taken from them."""
    for exchange in EXCHANGES:
        if exchange.response is None:
            assert exchange.id in DROPPED
            continue
        assert exchange.response.raw.endswith(b"\r\n\r\n" + exchange.response.body)
        assert f" {exchange.response.status} ".encode() in exchange.response.raw


def test_empty_lines_are_skipped(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(
        "\n".join(["", json.dumps(line()), "", json.dumps(line(id="b", note="\u2028")), ""]), encoding="utf-8"
    )
    assert [(each.id, each.note, each.raw_response) for each in load(path)] == [("a", "", None), ("b", "\u2028", None)]


RESPONSE = {"raw_b64": "", "status": 200, "headers": [], "body_b64": "", "message": None}
BAD = {
    "no JSON": ("{", "line 2: not a recorded exchange: Expecting"),
    "no object": ("[]", "line 2: not a recorded exchange: list indices"),
    "no id": (json.dumps({key: value for key, value in line().items() if key != "id"}), "has no key 'id'"),
    "id": (json.dumps(line(id=1)), "id is not a string"),
    "rpc": (json.dumps(line(rpc=1)), "rpc is not a string"),
    "base64": (json.dumps(line(response={**RESPONSE, "raw_b64": "?"})), "line 2: not a recorded exchange: "),
    "status": (json.dumps(line(response={**RESPONSE, "status": "200"})), "response.status is not an integer"),
    "header": (json.dumps(line(response={**RESPONSE, "headers": [["a"]]})), "not enough values"),
    "header value": (json.dumps(line(response={**RESPONSE, "headers": [["a", 1]]})), "a header value is not a string"),
    "twice": (json.dumps(line(id="first")), "line 2: the id 'first' is already used in an earlier line"),
}


@pytest.mark.parametrize(("text", "problem"), BAD.values(), ids=BAD)
def test_bad_line_is_named(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "hats.jsonl"
    path.write_text(json.dumps(line(id="first")) + "\n" + text + "\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"^hats\.jsonl, line 2: ") as caught:
        load(path)
    assert problem in str(caught.value)
