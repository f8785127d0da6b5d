"""Encoded and oversized bodies (rule A13)."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from typing import Any

from cases.case import (
    GO_DROPS_THE_STATUS,
    GO_IS_INTERNAL,
    JWT,
    OPAQUE,
    PROTOBUF,
    ROOM,
    Case,
    Step,
    by_status,
    from_proxy,
    head,
    twirp,
)
from livekit_twirp import Room
from twirpkit import errors
from twirpkit.errors import Code

__all__ = ["CASES"]

BODY = ROOM.SerializeToString()

GO_ASKS_FOR_GZIP_ALONE = "Go asks for gzip and for nothing else, so it undoes nothing else"
GO_HAS_NO_LIMIT = "Go reads whatever comes"
GO_TAKES_IT_AS_IT_IS = "Go takes the bytes of an encoding that it does not know for the message"


def raw_deflate(data: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-15)
    return stream.compress(data) + stream.flush()


def undone() -> Iterator[Case]:
    def case(name: str, coding: str, body: bytes, answer: Room = ROOM, **more: Any) -> Case:
        headers = {**PROTOBUF, "content-encoding": coding}
        return Case(name=name, rule="A13", also=("A12",), status=200, headers=headers, body=body, answer=answer, **more)

    yield case("gzip", "gzip", gzip.compress(BODY))
    yield case("gzip-in-capitals", " GZip ", gzip.compress(BODY))
    yield case("x-gzip", "x-gzip", gzip.compress(BODY), go=GO_ASKS_FOR_GZIP_ALONE)
    yield case("gzip-in-two-members", "gzip", gzip.compress(BODY[:5]) + gzip.compress(BODY[5:]))
    yield case("gzip-of-nothing", "gzip", gzip.compress(b""), Room())
    yield case("deflate", "deflate", zlib.compress(BODY), go=GO_ASKS_FOR_GZIP_ALONE)
    yield case("raw-deflate", "deflate", raw_deflate(BODY), go=GO_ASKS_FOR_GZIP_ALONE)
    yield case("deflate-of-nothing", "deflate", zlib.compress(b""), Room(), go=GO_ASKS_FOR_GZIP_ALONE)
    for name, coding, body in (
        ("gzip-not-a-byte", "gzip", b""),
        ("deflate-not-a-byte", "deflate", b""),
        ("br-not-a-byte", "br", b""),
    ):
        known: dict[str, Any] = {"status": 200, "headers": {**PROTOBUF, "content-encoding": coding}, "body": body}
        yield Case(name=name, rule="A12", also=("A13",), answer=Room(), **known)
    yield Case(
        name="identity",
        rule="A12",
        also=("A13",),
        status=200,
        headers={"content-encoding": "identity"},
        body=BODY,
        answer=ROOM,
    )
    for coding, encode in {"gzip": gzip.compress, "deflate": zlib.compress}.items():
        yield Case(
            name=f"error-in-{coding}",
            rule="A13",
            also=("A6",),
            status=404,
            headers={"content-encoding": coding, "content-type": "application/json"},
            body=encode(twirp("not_found", meta={"a": "b"})),
            error=errors.NotFoundError,
            code=Code.NOT_FOUND,
            message="why",
            meta={"a": "b"},
            go="" if coding == "gzip" else GO_ASKS_FOR_GZIP_ALONE,
        )
        yield Case(
            name=f"page-in-{coding}",
            rule="A13",
            also=("A8",),
            status=503,
            headers={"content-encoding": coding},
            body=encode(b"<html>no</html>"),
            message="HTTP 503, not from a Twirp server: '<html>no</html>'",
            meta=from_proxy(503, "<html>no</html>"),
            **by_status(503),
        )


BROKEN = {
    "gzip-cut": ("gzip", gzip.compress(BODY)[:-1], "the gzip body ends too early"),
    "gzip-cut-in-its-header": ("gzip", gzip.compress(BODY)[:5], "the gzip body ends too early"),
    "gzip-with-a-wrong-checksum": ("gzip", gzip.compress(BODY)[:-8] + b"\0" * 8, "the gzip body is corrupt"),
    "gzip-that-is-none": ("gzip", BODY, "the gzip body is corrupt"),
    "gzip-and-junk": ("gzip", gzip.compress(BODY) + b"junk", "the gzip body is corrupt"),
    "gzip-with-a-cut-second-member": (
        "gzip",
        gzip.compress(BODY) + gzip.compress(b"")[:-3],
        "the gzip body ends too early",
    ),
    "deflate-cut": ("deflate", zlib.compress(BODY)[:-1], "the deflate body ends too early"),
    "deflate-of-one-byte": ("deflate", b"\x78", "the deflate body ends too early"),
    "deflate-with-a-wrong-checksum": ("deflate", zlib.compress(BODY)[:-4] + b"\0" * 4, "the deflate body is corrupt"),
    "deflate-that-is-none": ("deflate", b"\xff" * 4, "the deflate body is corrupt"),
    "deflate-and-junk": ("deflate", zlib.compress(BODY) + b"junk", "bytes follow the deflate body"),
    "br": ("br", b"\x0b\x02\x80hello\x03", "Content-Encoding 'br' is unknown"),
    "zstd": ("zstd", b"\x28\xb5\x2f\xfd", "Content-Encoding 'zstd' is unknown"),
    "an-unknown-coding-of-a-message": ("rot13", BODY, "Content-Encoding 'rot13' is unknown"),
    "two-codings": ("gzip, gzip", gzip.compress(gzip.compress(BODY)), "Content-Encoding 'gzip, gzip' is unknown"),
}


def broken() -> Iterator[Case]:
    for name, (coding, body, flaw) in BROKEN.items():
        yield Case(
            name=name,
            rule="A13",
            go=GO_TAKES_IT_AS_IT_IS if coding == "rot13" else GO_IS_INTERNAL,
            status=200,
            headers={"content-encoding": coding},
            body=body,
            error=errors.TransportError,
            code=Code.UNAVAILABLE,
            message=f"the response is not complete: {flaw}",
            meta={},
            sent="maybe",
        )
        yield Case(
            name=f"error-of-{name}",
            rule="A13",
            also=("A8", "A14"),
            go=GO_DROPS_THE_STATUS if coding == "gzip" else "",
            status=503,
            headers={"content-encoding": coding},
            body=body,
            says=(f"HTTP 503, not from a Twirp server ({flaw})",),
            **by_status(503),
        )


LIMIT, LIMIT_OF_ERRORS = 64 << 20, 1 << 20


def oversized() -> Iterator[Case]:
    """What is larger than it may be: a message never is one, and an error is still one."""
    too_large = f"the response is too large: the response's body is larger than {LIMIT} bytes"
    for name, headers, data in (
        ("announced", (f"Content-Length: {LIMIT + 1}",), b""),
        ("of-gzip", ("Content-Encoding: gzip",), gzip.compress(b"\0" * (LIMIT + 1), 1)),
        ("of-deflate", ("Content-Encoding: deflate",), zlib.compress(b"\0" * (LIMIT + 1), 1)),
    ):
        framed = headers if name == "announced" else (*headers, f"Content-Length: {len(data)}")
        yield Case(
            name=f"64-MiB-and-a-byte-{name}",
            rule="A13",
            status=200,
            script=(Step(head(*framed) + data, "hold"),),
            error=errors.DecodeError,
            code=Code.INTERNAL,
            message=too_large,
            meta={},
        )
    flaw = f"the response's body is larger than {LIMIT_OF_ERRORS} bytes"
    body = twirp("not_found", "x" * 2_000_000)
    for name, data, coding in (
        ("of-gzip", gzip.compress(body), {"content-encoding": "gzip"}),
        ("of-deflate", zlib.compress(body), {"content-encoding": "deflate"}),
        ("as-it-is", body, {}),
    ):
        yield Case(
            name=f"error-of-2-MB-{name}",
            rule="A13",
            also=("A8", "A10", "A14"),
            status=404,
            headers=coding,
            body=data,
            says=(f"HTTP 404, not from a Twirp server ({flaw}): ",),
            go=GO_HAS_NO_LIMIT if name != "of-deflate" else "",
            **by_status(404),
        )


def tokens_as_codings() -> Iterator[Case]:
    """A server that repeats the token where our text quotes it (rule E1)."""
    for name, token in {"jwt": JWT, "opaque": OPAQUE}.items():
        for status in (200, 401):
            known: dict[str, Any] = {"error": errors.TransportError, "code": Code.UNAVAILABLE, "sent": "maybe"}
            yield Case(
                name=f"{name}-as-the-coding-of-a-{status}",
                rule="E1",
                also=("A8", "A13", "A14"),
                go=GO_IS_INTERNAL if status == 200 else "",
                status=status,
                headers={"content-encoding": token},
                body=b"x",
                token=token,
                says=("Content-Encoding '<token>' is unknown",),
                **(known if status == 200 else by_status(status)),
            )


CASES = [
    *undone(),
    *broken(),
    *oversized(),
    *tokens_as_codings(),
]
