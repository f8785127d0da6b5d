"""Where an answer begins and ends, byte for byte (rules A4, A11, A14)."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from cases.case import GO_DROPS_THE_STATUS, GO_IS_INTERNAL, ROOM, Case, Ending, Step, by_status, from_proxy, head, twirp
from livekit_twirp import Room
from twirpkit import errors
from twirpkit.errors import Code

__all__ = ["CASES", "failed", "whole"]

BODY = ROOM.SerializeToString()
SIZE = len(BODY)
EMPTY = "Content-Type: application/protobuf"
"""The header line without which an empty 200 is not a message (rule A12)."""
LENGTH = f"Content-Length: {SIZE}"
CHUNKED = "Transfer-Encoding: chunked"
CHUNKS = b"%x\r\n%b\r\n0\r\n\r\n" % (SIZE, BODY)
METHOD = "livekit.RoomService/CreateRoom"
ERROR = twirp("not_found", "why", meta={"a": "b"})

GO_TAKES_WHAT_IT_GETS = "without a length Go reads to the end of the connection; a cut answer would look the same"
GO_READS_ON = "Go's reader is kinder here; what has two readings is an error"


def whole(name: str, rule: str, data: bytes, answer: Room = ROOM, then: Ending = "keep", **more: Any) -> Case:
    """Bytes that are an answer."""
    also = ("A12", *more.pop("also", ()))
    return Case(name=name, rule=rule, also=also, script=(Step(data, then),), answer=answer, **more)


def failed(name: str, rule: str, data: bytes, says: str, then: Ending = "close", **more: Any) -> Case:
    """Bytes that are no answer: no whole header block came."""
    known: dict[str, Any] = {
        "error": errors.TransportError,
        "code": Code.UNAVAILABLE,
        "sent": "maybe",
        "meta": {},
        "says": (f"{METHOD}: unavailable: {says}",),
        "go": GO_IS_INTERNAL,
    }
    return Case(name=name, rule=rule, script=(Step(data, then),), **{**known, **more})


def unwhole(name: str, rule: str, data: bytes, says: str, then: Ending = "close", **more: Any) -> Case:
    """A 200 whose body is not whole."""
    words = (f"{METHOD}: unavailable: the response is not complete: ", says)
    return dataclasses.replace(failed(name, rule, data, says, then, **more), status=200, says=words)


def interim_answers() -> Iterator[Case]:
    last = head(LENGTH) + BODY
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"
    yield whole("100", "A4", b"HTTP/1.1 100 Continue\r\n\r\n" + last)
    yield whole("102-three-times", "A4", b"HTTP/1.1 102 Processing\r\n\r\n" * 3 + last)
    yield whole("103", "A4", early + last)
    yield whole("103-with-a-length", "A4", b"HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\n" + last)
    yield whole("199", "A4", b"HTTP/1.1 199 Odd\r\nX: y\r\n\r\n" + last)
    yield whole("before-an-empty-message", "A4", early + head(EMPTY, "Content-Length: 0"), Room())
    yield Case(
        name="before-an-error",
        rule="A4",
        also=("A6",),
        status=404,
        script=(Step(early + head(f"Content-Length: {len(ERROR)}", status="404 No") + ERROR, "keep"),),
        error=errors.NotFoundError,
        code=Code.NOT_FOUND,
        message="why",
    )
    yield failed("nothing-after-it", "A4", early, "the connection was closed", also=("A11",))
    yield Case(
        name="101",
        rule="A8",
        also=("A3", "A4"),
        status=101,
        script=(Step(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"),),
        error=errors.UnknownError,
        meta=from_proxy(101, ""),
    )


def lengths() -> Iterator[Case]:
    def two_readings(name: str, *lines: str, **more: Any) -> Case:
        return failed(name, "A11", head(*lines) + BODY, "the response", **more)

    yield whole("length", "A12", head(LENGTH) + BODY, also=("A11",))
    yield whole("length-in-other-words", "A12", head(f"content-length:  00{SIZE} ") + BODY, also=("A11",))
    yield whole("length-in-http-1.0", "A12", head(LENGTH, version="HTTP/1.0") + BODY, also=("A11",))
    yield whole("bare-line-feeds", "A12", b"HTTP/1.1 200 OK\n" + LENGTH.encode() + b"\n\n" + BODY, also=("A11",))
    for cut in (0, 1, SIZE - 1):
        yield unwhole(f"cut-after-{cut}", "A11", head(LENGTH) + BODY[:cut], "cut")
    yield unwhole("reset-inside", "A11", head(LENGTH) + BODY[:3], "cut", "reset")
    # Each of these prefixes is a whole Room: only the framing tells.
    yield unwhole("cut-where-a-message-ends", "A11", head(LENGTH) + Room(name="standup").SerializeToString(), "cut")
    yield unwhole("cut-of-an-empty-look", "A11", head("Content-Length: 5"), "cut")
    yield unwhole("neither", "A11", head() + BODY, "Content-Length", go=GO_TAKES_WHAT_IT_GETS)
    yield unwhole("neither-and-empty", "A11", head(), "Content-Length", go=GO_TAKES_WHAT_IT_GETS)
    yield unwhole(
        "neither-but-closing", "A11", head("Connection: close") + BODY, "Content-Length", go=GO_TAKES_WHAT_IT_GETS
    )
    yield unwhole(
        "neither-in-http-1.0", "A11", head(version="HTTP/1.0") + BODY, "Content-Length", go=GO_TAKES_WHAT_IT_GETS
    )
    yield two_readings("two-lengths", LENGTH, "Content-Length: 3")
    yield two_readings("the-same-length-twice", LENGTH, LENGTH, go=GO_READS_ON)
    yield two_readings("a-list-of-lengths", f"Content-Length: {SIZE}, {SIZE}")
    yield two_readings("plus", f"Content-Length: +{SIZE}")
    yield two_readings("minus", "Content-Length: -1")
    yield two_readings("hexadecimal", f"Content-Length: {SIZE:#x}")
    yield two_readings("underscore", "Content-Length: 1_1")
    yield two_readings("decimal-point", f"Content-Length: {SIZE}.0")
    yield two_readings("two-numbers", f"Content-Length: {SIZE} {SIZE}")
    yield two_readings("empty-length", "Content-Length:", go=GO_TAKES_WHAT_IT_GETS)
    yield two_readings("a-word", "Content-Length: eleven")
    yield two_readings("other-digits", "Content-Length: \u0661\u0661")
    yield two_readings("overflowing", "Content-Length: 99999999999999999999")
    yield two_readings("length-and-chunks", LENGTH, CHUNKED)
    yield two_readings("chunks-and-length", CHUNKED, LENGTH)
    yield two_readings("identity", "Transfer-Encoding: identity")
    yield two_readings("gzip-and-chunked", "Transfer-Encoding: gzip, chunked")
    yield two_readings("chunked-twice", CHUNKED, CHUNKED)


def chunks() -> Iterator[Case]:
    def chunked(name: str, data: bytes, answer: Room = ROOM) -> Case:
        return whole(name, "A12", head(EMPTY, CHUNKED) + data, answer, also=("A11",))

    yield chunked("chunks", CHUNKS)
    yield chunked("no-chunk", b"0\r\n\r\n", Room())
    yield chunked("a-chunk-a-byte", b"".join(b"1\r\n%c\r\n" % byte for byte in BODY) + b"0\r\n\r\n")
    yield chunked("chunk-extensions", CHUNKS.replace(b"\r\n", b';a="b"\r\n', 1))
    yield chunked("zeros-before-a-size", b"0000" + CHUNKS)
    yield chunked("trailers", CHUNKS[:-2] + b"A: b\r\nC: d\r\n\r\n")
    yield whole("Chunked", "A12", head("Transfer-Encoding: Chunked") + CHUNKS, also=("A11",))
    for name, cut in {"size": 1, "chunk": 5, "last-chunk": -5, "last-line": -2, "last-byte": -1}.items():
        yield unwhole(f"chunks-cut-in-the-{name}", "A11", head(CHUNKED) + CHUNKS[:cut], "cut")
    yield unwhole("chunks-that-have-not-begun", "A11", head(CHUNKED), "cut")
    yield unwhole("chunks-cut-in-a-trailer", "A11", head(CHUNKED) + CHUNKS[:-2] + b"A: b\r\n", "cut")
    yield unwhole("chunks-reset", "A11", head(CHUNKED) + CHUNKS[:5], "cut", "reset")
    error = b"%x\r\n%b\r\n0\r\n\r\n" % (len(ERROR), ERROR)
    yield Case(
        name="chunked-error",
        rule="A6",
        also=("A11",),
        status=404,
        script=(Step(head(CHUNKED, status="404 No") + error, "keep"),),
        error=errors.NotFoundError,
        code=Code.NOT_FOUND,
        message="why",
        meta={"a": "b"},
    )
    # Of an answer in broken chunks one transport may keep the status, the other not: see test_framing. What both hold
    # is that it is no success, and that it may have run.
    for name, data in {
        "no-size": b"\r\n" + BODY,
        "a-size-that-is-none": b"zz\r\n" + BODY,
        "a-negative-size": b"-2\r\n" + BODY,
        "an-overflowing-size": b"11111111111111111\r\n" + BODY,
        "more-than-its-size": CHUNKS.replace(b"\r\n0", b"X\r\n0"),
        "another-end": CHUNKS.replace(b"\r\n0", b"XY0"),
    }.items():
        yield Case(
            name=f"chunk-with-{name}",
            rule="A11",
            script=(Step(head(CHUNKED) + data),),
            statuses=(None, 200),
            error=errors.TransportError,
            code=Code.UNAVAILABLE,
            sent="maybe",
            go=GO_IS_INTERNAL,
        )


def errors_cut() -> Iterator[Case]:
    """Error answers that cannot be read to their end (rule A14)."""

    def cut(name: str, data: bytes, status: int, kept: bytes, then: Ending = "close", says: str = "cut") -> Case:
        return Case(
            name=name,
            rule="A14",
            also=("A8", "A11"),
            status=status,
            script=(Step(head(*data.decode().split("\n"), status=f"{status} No") + kept, then),),
            says=(f"HTTP {status}, not from a Twirp server (", says),
            meta=from_proxy(status, kept.decode()),
            go="" if status == 400 else GO_DROPS_THE_STATUS,
            **by_status(status),
        )

    for status in (400, 401, 403, 404, 429, 500, 502, 503, 504):
        yield cut(f"cut-{status}", b"Content-Length: 99", status, ERROR[:20])
    yield cut("nothing-of-503", b"Content-Length: 99", 503, b"")
    yield cut("not-a-chunk-of-503", CHUNKED.encode(), 503, b"")
    yield Case(
        name="chunked-503",
        rule="A14",
        also=("A8", "A11"),
        status=503,
        script=(Step(head(CHUNKED, status="503 No") + b"99\r\nno"),),
        says=("HTTP 503, not from a Twirp server (the response was cut", "): 'no'"),
        meta=from_proxy(503, "no"),
        go=GO_DROPS_THE_STATUS,
        **by_status(503),
    )
    yield Case(
        name="whole-error-of-a-cut-body",
        rule="A14",
        also=("A6", "A11"),
        status=404,
        script=(Step(head("Content-Length: 999", status="404 No") + ERROR),),
        error=errors.NotFoundError,
        code=Code.NOT_FOUND,
        message="why",
        meta={"a": "b"},
        go=GO_DROPS_THE_STATUS,
    )
    yield Case(
        name="error-without-a-length",
        rule="A14",
        also=("A6", "A11"),
        status=404,
        script=(Step(head(status="404 No") + ERROR),),
        error=errors.NotFoundError,
        code=Code.NOT_FOUND,
        message="why",
        meta={"a": "b"},
    )
    yield Case(
        name="cut-redirect",
        rule="A5",
        also=("A14",),
        status=302,
        script=(Step(head("Content-Length: 99", "Location: /login", status="302 Found") + b"moved"),),
        error=errors.InternalError,
        code=Code.INTERNAL,
        meta={"http_error_from_intermediary": "true", "status_code": "302", "location": "/login"},
    )


CASES = [
    *interim_answers(),
    *lengths(),
    *chunks(),
    *errors_cut(),
]
