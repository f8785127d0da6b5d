"""Errors of a participant's method: their number, message and data, over both clients (rule C6)."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from scripted_transport import Opened, every_text, failure_of

from twirpkit import Code, HttpResponse, InternalError
from twirpkit.livekit import RpcCallError

Livekit = Callable[..., Opened]

PREFIX = "twirp error unknown: "


def failed(livekit: Livekit, said: str, code: str = "internal", status: int = 500, **fields: Any) -> Any:
    body = json.dumps({"code": code, "msg": said}).encode()
    opened = livekit(HttpResponse(status, {}, body))
    call = {"room": "standup", "destination_identity": "ann", "method": "greet", **fields}
    return failure_of(lambda: opened.wait(opened.client.room.perform_rpc(**call)))


@pytest.mark.parametrize(
    ("said", "code", "status", "seen", "facts"),
    [
        ("RpcError 3001: not on weekends", "internal", 500, Code.INTERNAL, (3001, "not on weekends", "")),
        (
            'RpcError 3001: no: {"retry":"a: b"}',
            "internal",
            500,
            Code.INTERNAL,
            (3001, "no", '{"retry":"a: b"}'),
        ),
        ("RpcError 1400: Unknown", "invalid_argument", 400, Code.INVALID_ARGUMENT, (1400, "Unknown", "")),
        ("RpcError 1502: Response timeout", "canceled", 408, Code.DEADLINE_EXCEEDED, (1502, "Response timeout", "")),
        ("RpcError 0: ", "internal", 500, Code.INTERNAL, (0, "", "")),
        ("RpcError 7: two\nlines: and\ndata", "internal", 500, Code.INTERNAL, (7, "two\nlines", "and\ndata")),
    ],
)
def test_an_error_of_the_method_has_its_facts(
    livekit: Livekit, said: str, code: str, status: int, seen: Code, facts: tuple[int, str, str]
) -> None:
    error = failed(livekit, PREFIX + said, code, status)

    assert type(error) is RpcCallError
    assert not isinstance(error, InternalError)
    assert (error.rpc_code, error.rpc_message, error.rpc_data) == facts
    assert (error.code, error.message, error.status, error.sent) == (seen, said, status, "yes")
    assert error.rpc == "livekit.RoomService/PerformRpc"
    assert str(error).startswith(f"livekit.RoomService/PerformRpc: {seen}: RpcError ")


@pytest.mark.parametrize(
    "said", ["request canceled", "RpcError: x", "RpcError x: y", "an RpcError 1: x", "RpcError 12345678901: x", ""]
)
def test_other_errors_of_the_rpc_stay_as_they_are(livekit: Livekit, said: str) -> None:
    assert type(failed(livekit, said)) is InternalError


def test_an_error_of_another_rpc_is_not_one_of_a_method(livekit: Livekit) -> None:
    body = b'{"code":"internal","msg":"RpcError 3001: nope"}'

    assert type(failure_of(livekit(HttpResponse(500, {}, body)).room)) is InternalError


@pytest.mark.parametrize("payload", ["RpcError", "3001", "RpcError 3001", "nope"])
def test_what_it_is_does_not_depend_on_the_texts_of_the_request(livekit: Livekit, payload: str) -> None:
    error = failed(livekit, "RpcError 3001: nope: data", payload=payload, method=payload)

    assert type(error) is RpcCallError
    assert error.rpc_code == 3001


def test_the_payload_of_the_call_shows_nowhere(livekit: Livekit) -> None:
    error = failed(livekit, "RpcError 3001: cannot greet canary-1: was canary-1", payload="canary-1")

    assert not [text for text in every_text(error) if "canary" in text]
    assert (error.rpc_message, error.rpc_data) == ("cannot greet <redacted>", "was <redacted>")


@pytest.mark.parametrize("again", [lambda error: pickle.loads(pickle.dumps(error)), copy.copy, copy.deepcopy])
def test_pickles_and_copies_keep_the_facts(again: Any) -> None:
    error = RpcCallError(Code.INTERNAL, "RpcError 1: x: y", rpc_code=1, rpc_message="x", rpc_data="y", status=500)
    other = again(error)

    assert type(other) is RpcCallError
    assert vars(other) == vars(error)
    assert str(other) == "internal: RpcError 1: x: y"
