"""What is tried again: how an attempt ended x the class of its RPC (rules B1, B4, C1, C3, C5, C6).

`MATRIX` is the rule. Each of its cells gives two rows: the attempt fails once and the next one is answered, and it
fails every time.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from google.protobuf.message import Message

from cases.case import ROOM, Case, Step, by_status, from_proxy, from_redirect, head, http_answer, twirp
from livekit_twirp import ListRoomsResponse, MoveParticipantResponse, SendDataResponse
from twirpkit import RetryPolicy, errors
from twirpkit.errors import Code

__all__ = ["CASES"]

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
    """An answer of something between."""
    return End(Step(http_answer(status, b"no", headers), "keep"), by_status(status), status=status)


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

Follows = Literal["again", "once", "no"]
_ROWS: dict[tuple[str, ...], tuple[Follows, Follows, Follows, Follows]] = {
    ("refused",): ("again", "again", "again", "again"),
    ("stale",): ("again", "again", "again", "no"),
    ("no-answer", "reset", "cut-header", "cut-body", "garbage", "server-out-of-time"): ("again", "once", "again", "no"),
    ("502", "503", "504", "503-retry-after", "unavailable", "unavailable-as-500", "data-loss"): (
        "again",
        "again",
        "again",
        "no",
    ),
    ("500", "501", "520", "internal", "internal-as-400", "unknown"): ("again", "no", "no", "no"),
    ("429-retry-after", "resource-exhausted-retry-after"): ("again", "again", "again", "no"),
}
MATRIX: dict[str, dict[str, Follows]] = {
    end: dict(zip(RPCS, follows, strict=True)) for ends, follows in _ROWS.items() for end in ends
}
MATRIX |= {end: dict.fromkeys(RPCS, "no") for end in ENDS if end not in MATRIX}


def called(rpc: Rpc, steps: tuple[Step, ...], **more: Any) -> dict[str, Any]:
    """The columns of a row that calls this RPC."""
    known: dict[str, Any] = {"call": rpc.call, "fields": rpc.fields, "retry": AT_ONCE, "script": steps}
    return {**known, **more}


def answered(rpc: Rpc) -> Step:
    """The answer of the RPC."""
    return Step(http_answer(200, rpc.answer.SerializeToString()), "keep")


def cells() -> Iterator[Case]:
    for name, end in ENDS.items():
        for kind, follows in MATRIX[name].items():
            rpc, rule = RPCS[kind], rule_of(name)
            if follows == "no":
                yield failing(f"{kind}-after-{name}", rule, rpc, end, 1)
                continue
            yield Case(
                name=f"{kind}-after-{name}-then-answered",
                rule=rule,
                also=("C1",),
                answer=rpc.answer,
                attempts=2,
                refused=int(end.refused),
                warm=end.stale,
                **called(rpc, (*((end.step,) * (not end.refused)), answered(rpc))),
            )
            yield failing(f"{kind}-after-{name}-every-time", rule, rpc, end, 2 if follows == "once" else 3)


def rule_of(end: str) -> str:
    return {"no-response-from-servers": "C6", "server-out-of-time": "B4"}.get(end, "C1")


def failing(name: str, rule: str, rpc: Rpc, end: End, attempts: int) -> Case:
    """A call whose every attempt ends so."""
    return Case(
        name=name,
        rule=rule,
        also=("C1",),
        sent=end.sent,
        attempts=attempts,
        status=end.status,
        refused=99 if end.refused else 0,
        warm=end.stale,
        **called(rpc, (end.step,) * attempts, **end.error),
    )


def policies() -> Iterator[Case]:
    """`retry=` (rule C3)."""
    read, down = RPCS["read"], ENDS["503"]
    for name, retry, attempts in (
        ("False", False, 1),
        ("one-attempt", RetryPolicy(max_attempts=1, backoff=0.0), 1),
        ("two-attempts", RetryPolicy(max_attempts=2, backoff=0.0), 2),
        ("six-attempts", RetryPolicy(max_attempts=6, backoff=0.0), 6),
    ):
        row = failing(f"read-with-{name}", "C3", read, down, attempts)
        yield dataclasses.replace(row, also=("C1",), options={"retry": retry})
    for name in ("refused", "stale", "no-answer", "cut-body"):
        row = failing(f"read-after-{name}-with-False", "C3", read, ENDS[name], 1)
        yield dataclasses.replace(row, also=("C1",), options={"retry": False})


def doubts() -> Iterator[Case]:
    """What `sent` says after several attempts (rule C5)."""
    gone = ENDS["not-found"]
    idempotent = RPCS["idempotent"]
    for name, sent in {
        "refused": "yes",
        "stale": "maybe",
        "no-answer": "maybe",
        "cut-body": "maybe",
        "503": "yes",
        "server-out-of-time": "yes",
    }.items():
        end = ENDS[name]
        yield Case(
            name=f"not-found-after-{name}",
            rule="C5" if sent == "maybe" else "C1",
            also=("B4", "C1", "C5"),
            sent=sent,
            attempts=2,
            status=404,
            refused=int(end.refused),
            warm=end.stale,
            **called(idempotent, (*((end.step,) * (not end.refused)), gone.step), **gone.error),
        )
    # An idempotent request is in doubt once, whatever else happens to it.
    for name, steps, attempts in (
        ("no-answer-503-no-answer", ("no-answer", "503", "no-answer"), 3),
        ("503-no-answer-no-answer", ("503", "no-answer", "no-answer"), 3),
        ("no-answer-cut-header", ("no-answer", "cut-header"), 2),
        ("server-out-of-time-no-answer", ("server-out-of-time", "no-answer"), 2),
    ):
        yield Case(
            name=f"idempotent-{name}",
            rule="C1",
            also=("B4", "C5"),
            sent="maybe",
            attempts=attempts,
            **called(idempotent, tuple(closing(ENDS[step].step) for step in steps), **LOST),
        )


def closing(step: Step) -> Step:
    """The step, after which no connection is kept: what fails then fails on a fresh one."""
    return Step(step.data.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))


def times() -> Iterator[Case]:
    """A budget that ends (rule B1), and a server that gives up in time (rule B4)."""
    late: dict[str, Any] = {"error": errors.DeadlineExceededError, "code": Code.DEADLINE_EXCEEDED}
    limit = {"options": {"timeout": 0.3}}
    for name, data in {
        "header": b"",
        "status-line": b"HTTP/1.1 20",
        "header-line": b"HTTP/1.1 200 OK\r\nContent-Le",
        "body": head("Content-Length: 5"),
        "chunk": head("Transfer-Encoding: chunked") + b"5\r\n\x0a",
    }.items():
        yield Case(
            name=f"no-end-of-the-{name}",
            rule="B1",
            script=(Step(data, "hold"),),
            sent="maybe",
            says=("no answer within 0.3 s",),
            **limit,
            **late,
        )
    for timeout in (0, -1, -1e9):
        yield Case(
            name=f"timeout-of-{timeout:g}",
            rule="B1",
            script=(Step(),),
            options={"timeout": timeout},
            sent="no",
            attempts=0,
            says=(f"the timeout of {max(timeout, -1e8):g} s had passed before anything was sent",),
            **late,
        )
    yield Case(
        name="no-end-of-a-503",
        rule="A14",
        also=("A8", "B1"),
        status=503,
        script=(Step(head("Content-Length: 99", status="503 No") + b"no", "hold"),),
        says=("HTTP 503 without a Twirp error (the deadline passed", "): 'no'"),
        meta=from_proxy(503, "no"),
        **limit,
        **by_status(503),
    )
    canceled = http_answer(408, twirp("canceled"))
    never = RPCS["never"]
    known: dict[str, Any] = {"error": errors.CanceledError, "code": Code.CANCELED, "meta": {}, "message": "why"}
    yield Case(
        name="canceled-without-a-timeout",
        rule="A6",
        also=("B4",),
        status=408,
        **called(never, (Step(canceled, "keep"),), retry=False, options={"timeout": None}, **known),
    )
    yield Case(
        name="canceled-as-499",
        rule="A6",
        also=("B4",),
        status=499,
        **called(never, (Step(http_answer(499, twirp("canceled")), "keep"),), retry=False, **known),
    )


CASES = [
    *cells(),
    *policies(),
    *doubts(),
    *times(),
]
