"""The table of cases read backwards: what a client reads in a row's response, a handler gives as that response."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cases import CASES
from cases.case import Case
from gateways_under_test import GATEWAYS

from livekit_twirp import CreateRoomRequest, Room, TwirpError
from livekit_twirp.server import RequestContext, RoomServiceBase, TwirpApp
from twirpkit import Code
from twirpkit._protocol.twirp_responses import read_error

TYPED = {"Content-Type": "application/protobuf"}


class Answering(RoomServiceBase):
    """A handler with one outcome."""

    def __init__(self, outcome: Room | TwirpError) -> None:
        self.outcome = outcome

    def create_room(self, request: CreateRoomRequest, context: RequestContext, /) -> Room:
        if isinstance(self.outcome, TwirpError):
            raise self.outcome
        return self.outcome


def written(case: Case) -> dict[str, Any] | None:
    """The Twirp error of a row's response, if it is one that a server of Twirp's specification writes."""
    try:
        value = json.loads(case.body)
    except (ValueError, RecursionError):
        return None
    if case.script or not isinstance(value, dict) or value.keys() - {"code", "msg", "meta"}:
        return None
    meta = value.get("meta", {"": ""})
    texts = isinstance(meta, dict) and meta and all(isinstance(each, str) for each in meta.values())
    return value if texts and value.get("code") in list(Code) and isinstance(value.get("msg"), str) else None


ERRORS = [case for case in CASES if written(case) is not None]
SUCCESSES = [
    case
    for case in CASES
    if isinstance(case.answer, Room) and not case.script and case.headers == {"content-type": "application/protobuf"}
]


def ask(outcome: Room | TwirpError) -> Any:
    return GATEWAYS["wsgi"](TwirpApp([Answering(outcome)]), "/twirp/livekit.RoomService/CreateRoom", b"", TYPED)


@pytest.mark.parametrize("case", ERRORS, ids=str)
def test_an_error_of_a_row_is_written_as_it_is_read(case: Case) -> None:
    value = written(case)
    assert value is not None
    response = ask(TwirpError(value["code"], value["msg"], meta=value.get("meta")))
    assert json.loads(response.body) == value
    read = read_error(response)
    assert (read.code, read.message, dict(read.meta), read.intermediary) == (
        value["code"],
        value["msg"],
        value.get("meta", {}),
        False,
    )


@pytest.mark.parametrize("case", SUCCESSES, ids=str)
def test_a_message_of_a_row_is_written_as_it_is_read(case: Case) -> None:
    assert isinstance(case.answer, Room)
    response = ask(case.answer)
    assert (response.status, Room.FromString(response.body)) == (200, Room.FromString(case.body))


def test_many_rows_are_read_backwards() -> None:
    assert len(ERRORS) >= 30
    assert len(SUCCESSES) >= 1
