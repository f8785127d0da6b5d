"""How an attempt may end, and an RPC of each retry class: what rows of several attempts are made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import Message

from cases.case import PROTOBUF, ROOM, Step, by_status, from_redirect, head, http_answer, twirp
from livekit_twirp import ListRoomsResponse, MoveParticipantResponse, SendDataResponse
from twirpkit import RetryPolicy, errors
from twirpkit.errors import Code

__all__ = ["AT_ONCE", "ENDS", "LOST", "RPCS", "End", "Rpc", "answered", "called", "touched"]

AT_ONCE = RetryPolicy(backoff=0.0)


@dataclass(frozen=True)
class Rpc:
    """A method of each class, and an answer of it."""

    call: str
    fields: Mapping[str, Any]
    answer: Message


RPCS = {
    "read": Rpc("list_rooms", {}, ListRoomsResponse(rooms=[ROOM])),
    "idempotent": Rpc("create_room", {"name": "standup"}, ROOM),
    "keyed": Rpc("send_data", {"room": "standup", "data": b"hello"}, SendDataResponse()),
    "never": Rpc("move_participant", {"room": "standup", "identity": "a"}, MoveParticipantResponse()),
}


@dataclass(frozen=True)
class End:
    """How an attempt ends, and the error that a call has where nothing follows."""

    step: Step
    error: Mapping[str, Any]
    sent: str = "yes"
    status: int | None = None
    refused: bool = False
    """Nobody listens: the server sees nothing of it."""
    stale: bool = False
    """The connection had served another call before. Attempts after it have fresh ones, and get no answer."""


def plain(status: int, headers: Mapping[str, str] | None = None) -> End:
    """A response of something in between."""
    error = by_status(status)
    return End(Step(http_answer(status, b"no", headers), "keep"), error, error.pop("sent"), status)


def error(status: int, code: str, kind: type[errors.TwirpError], **more: Any) -> End:
    """A Twirp error."""
    data = http_answer(status, twirp(code, **more))
    return End(Step(data, "keep"), {"error": kind, "code": Code(code)}, status=status)


LOST: Mapping[str, Any] = {"error": errors.TransportError, "code": Code.UNAVAILABLE}
ENDS = {
    "refused": End(Step(), LOST, sent="no", refused=True),
    "stale": End(Step(), LOST, sent="maybe", stale=True),
    "no-answer": End(Step(), LOST, sent="maybe"),
    "reset": End(Step(b"", "reset"), LOST, sent="maybe"),
    "cut-header": End(Step(b"HTTP/1.1 200 OK\r\nConte"), LOST, sent="maybe"),
    "cut-body": End(Step(head("Content-Length: 5") + b"\x0a"), LOST, sent="maybe", status=200),
    "garbage": End(Step(b"SSH-2.0-OpenSSH_9.6\r\n"), LOST, sent="maybe"),
    "502": plain(502),
    "503": plain(503),
    "504": plain(504),
    "503-retry-after": plain(503, {"retry-after": "0"}),
    "unavailable": error(503, "unavailable", errors.UnavailableError),
    "unavailable-as-500": error(500, "unavailable", errors.UnavailableError),
    "500": plain(500),
    "501": plain(501),
    "520": plain(520),
    "internal": error(500, "internal", errors.InternalError),
    "internal-as-400": error(400, "internal", errors.InternalError),
    "unknown": error(500, "unknown", errors.UnknownError),
    "429-retry-after": plain(429, {"retry-after": "0"}),
    "resource-exhausted-retry-after": End(
        Step(http_answer(429, twirp("resource_exhausted"), {"retry-after": "0"}), "keep"),
        {"error": errors.ResourceExhaustedError, "code": Code.RESOURCE_EXHAUSTED},
        status=429,
    ),
    "server-out-of-time": End(
        Step(http_answer(408, twirp("canceled")), "keep"),
        {
            "error": errors.DeadlineExceededError,
            "code": Code.DEADLINE_EXCEEDED,
            "message": "why",
            "meta": {"server_code": "canceled"},
        },
        sent="yes",
        status=408,
    ),
    # What is never tried again.
    "429": plain(429),
    "429-retry-after-the-deadline": plain(429, {"retry-after": "3600"}),
    "503-retry-after-the-deadline": plain(503, {"retry-after": "3600"}),
    "resource-exhausted": error(429, "resource_exhausted", errors.ResourceExhaustedError),
    "302": End(
        Step(http_answer(302, b"", {"location": "/login"}), "keep"),
        {"error": errors.InternalError, "code": Code.INTERNAL, "meta": from_redirect(302, "/login")},
        status=302,
    ),
    "201": plain(201),
    "400": plain(400),
    "404": plain(404),
    "405": plain(405),
    "408": plain(408),
    "451": plain(451),
    "not-found": error(404, "not_found", errors.NotFoundError),
    "aborted": error(409, "aborted", errors.AbortedError),
    "unauthenticated": error(401, "unauthenticated", errors.UnauthenticatedError),
    "deadline-exceeded": error(408, "deadline_exceeded", errors.DeadlineExceededError),
    "data-loss": error(503, "data_loss", errors.DataLossError),
    "page-as-200": End(
        Step(http_answer(200, b"<html>", {"content-type": "text/html"}), "keep"),
        {"error": errors.DecodeError, "code": Code.INTERNAL},
        status=200,
    ),
    "no-response-from-servers": End(
        Step(http_answer(503, twirp("unavailable", "no response from servers")), "keep"),
        {
            "error": errors.UnavailableError,
            "code": Code.UNAVAILABLE,
            "says": ("no response from servers (usually no such room or participant is connected",),
        },
        status=503,
    ),
}
"""Ends of an attempt. A 503 that is `data_loss` is tried again: the status says that the server is not there."""


def touched(steps: Iterable[Step]) -> tuple[str, ...]:
    """The rules by which the answers of several attempts are read: a row turns red with these too."""
    found = {"A12"}  # the answer in the end, and those of the calls around
    for step in steps:
        status = int(step.data[9:12] or 0) if step.then == "keep" else 0
        found |= {"A3", "A8"} if 200 < status < 300 else {"A5"} if 300 <= status < 400 else set()
        if status >= 400:
            found.add("A6" if b'"code"' in step.data else "A8")
        if step.then != "keep":
            found.add("A11")
    return tuple(sorted(found))


def called(rpc: Rpc, steps: tuple[Step, ...], **more: Any) -> dict[str, Any]:
    """The columns of a row that calls this RPC."""
    known: dict[str, Any] = {"call": rpc.call, "fields": rpc.fields, "retry": AT_ONCE, "script": steps}
    return {**known, **more}


def answered(rpc: Rpc) -> Step:
    """The answer of the RPC."""
    return Step(http_answer(200, rpc.answer.SerializeToString(), PROTOBUF), "keep")
