"""What a status means where no Twirp error says more (rules A3, A5, A8, A18)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from cases.case import HINT, JSON, JWT, OPAQUE, ROOM, Case, by_status, from_proxy, from_redirect, twirp
from twirpkit import errors
from twirpkit.errors import Code

__all__ = ["CASES"]

STATUSES = (201, 400, 401, 403, 404, 405, 408, 409, 410, 413, 429, 451, 500, 501, 502, 503, 504, 505, 520)
"""Statuses of interest, each with every body of interest."""
OTHER_STATUSES = (402, 406, 407, 411, 412, 414, 415, 416, 417, 418, 421, 422, 423, 424, 425, 426, 428, 431, 444, 499)
OTHER_STATUSES += (506, 507, 508, 511, 521, 522, 523, 524, 525, 530, 599)

BODIES = {
    "text": b"some proxy said no",
    "html": b"<!doctype html><title>Sorry</title>",
    "empty": b"",
    "array": b'["code","not_found"]',
    "string": b'"not_found"',
    "number": b"404",
    "null": b"null",
    "true": b"true",
    "no-code": b'{"msg":"why"}',
    "code-number": b'{"code":5,"msg":"why"}',
    "msg-number": b'{"code":"not_found","msg":5}',
}
"""What is no Twirp error."""


def only_200_succeeds() -> Iterator[Case]:
    body = ROOM.SerializeToString()
    yield Case(name="200", rule="A12", also=("A3",), status=200, body=body, answer=ROOM)
    for status in (201, 202, 203, 206, 207, 208, 226, 299):
        yield Case(
            name=f"{status}-with-a-message",
            rule="A3",
            also=("A8",),
            status=status,
            body=body,
            headers={"content-type": "application/protobuf"},
            error=errors.UnknownError,
            meta=from_proxy(status, body.decode()),
            says=(f"HTTP {status}, not from a Twirp server",),
        )
    for status in (204, 205):
        yield Case(
            name=f"{status}",
            rule="A3",
            also=("A8",),
            status=status,
            error=errors.UnknownError,
            meta=from_proxy(status, ""),
        )
    yield Case(
        name="202-with-an-error",
        rule="A3",
        also=("A6",),
        status=202,
        body=twirp("not_found"),
        error=errors.NotFoundError,
        code=Code.NOT_FOUND,
    )


def redirects() -> Iterator[Case]:
    def case(name: str, status: int, location: str | None, shown: str | None = None, **more: Any) -> Case:
        shown = (location or "") if shown is None else shown
        words = f"unexpected redirect: HTTP {status} to {shown[:512]!r}; redirects are not followed"
        return Case(
            name=name,
            rule="A5",
            status=status,
            headers={} if location is None else {"location": location},
            error=errors.InternalError,
            code=Code.INTERNAL,
            message=words,
            meta=from_redirect(status, shown),
            **more,
        )

    opaque: dict[str, Any] = {"token": OPAQUE, "also": ("E1",)}
    for status in (300, 301, 302, 303, 304, 305, 306, 307, 308, 399):
        yield case(f"{status}", status, "https://elsewhere.example.com/twirp")
    yield case("without-location", 302, None)
    yield case("relative", 307, "/login")
    yield case("twirp-json-is-not-read", 302, "/login", body=twirp("not_found"))
    yield case("proxy-page-is-not-read", 301, "/login", body=b"<html>moved</html>")
    yield case("jwt-in-location", 302, f"/login?token={JWT}&next=1", "/login?token=<token>&next=1", also=("E1",))
    yield case("any-jwt-in-location", 302, f"/l?t={JWT}", "/l?t=<token>", **opaque)
    yield case("opaque-token-in-location", 302, f"/l?t={OPAQUE}", "/l?t=<token>", **opaque)
    yield case("opaque-token-quoted-in-location", 302, f"/l?t={quote(OPAQUE, safe='')}&x", "/l?t=<token>&x", **opaque)
    yield case("long-location", 302, "/" + "a" * 2000)
    yield case("token-across-the-cut", 302, "/" + "-" * 500 + f"?{OPAQUE}", "/" + "-" * 500 + "?<token>", **opaque)


MORE_BODIES = {
    "white-space": b" \n ",
    "empty-object": b"{}",
    "code-null": b'{"code":null,"msg":"why"}',
    "code-list": b'{"code":["not_found"],"msg":"why"}',
    "code-object": b'{"code":{"a":1}}',
    "code-true": b'{"code":true}',
    "code-empty": b'{"code":"","msg":"why"}',
    "msg-list": b'{"code":"not_found","msg":["why"]}',
    "msg-object": b'{"code":"not_found","msg":{}}',
    "msg-false": b'{"code":"not_found","msg":false}',
    "msg-zero": b'{"code":"not_found","msg":0}',
    "cut-json": b'{"code":"not_found","msg":"wh',
    "json-after-text": b'error: {"code":"not_found"}',
    "single-quotes": b"{'code':'not_found'}",
    "grpc-style": b'{"error":{"code":5,"message":"why"}}',
}


def no_twirp_errors() -> Iterator[Case]:
    def case(name: str, status: int, body: bytes, go: str = "") -> Case:
        return Case(
            name=f"{status}-{name}",
            rule="A3" if status < 300 else "A8",
            also=("A8",) if status < 300 else (),
            status=status,
            body=body,
            message=f"HTTP {status}, not from a Twirp server" + (f": {body.decode()!r}" if body else ""),
            meta=from_proxy(status, body.decode()),
            go=go,
            **by_status(status),
        )

    for status in STATUSES:
        for name, body in BODIES.items():
            yield case(name, status, body)
    for status in OTHER_STATUSES:
        yield case("text", status, BODIES["text"])
    for name, body in MORE_BODIES.items():
        yield case(name, 503, body)
    for name, body, kept in (
        ("at-most-64-KiB", "x" * 70_000, "x" * 65_536),
        ("at-most-64-KiB-of-UTF-8", "x" + "ü" * 40_000, "x" + "ü" * 32_767),
    ):
        yield Case(
            name=name,
            rule="A8",
            status=502,
            body=body.encode(),
            error=errors.UnavailableError,
            code=Code.UNAVAILABLE,
            sent="maybe",
            message=f"HTTP 502, not from a Twirp server: {body[:512]!r}",
            meta=from_proxy(502, kept),
        )


def errors_of_every_status() -> Iterator[Case]:
    for status in STATUSES:
        yield Case(
            name=f"{status}-with-a-twirp-error",
            rule="A3" if status < 300 else "A6",
            also=("A6",) if status < 300 else (),
            status=status,
            body=twirp("failed_precondition", meta={"at": "noon"}),
            headers=JSON,
            error=errors.FailedPreconditionError,
            code=Code.FAILED_PRECONDITION,
            message="why",
            meta={"at": "noon"},
        )


def routes() -> Iterator[Case]:
    no_handler = 'no handler for path "/twirp/livekit.RoomService/CreateRoom"'

    def case(name: str, body: bytes, message: str, status: int = 404, **more: Any) -> Case:
        known = {"error": errors.BadRouteError, "code": Code.BAD_ROUTE, **more}
        rule = "A6" if body.startswith(b"{") else "A8"
        hinted = message.endswith(HINT)
        also = (rule if hinted else "A18",)
        return Case(
            name=name, rule="A18" if hinted else rule, also=also, status=status, body=body, message=message, **known
        )

    plain = "HTTP 404, not from a Twirp server: "
    yield case("no-handler", twirp("bad_route", no_handler), no_handler + HINT)
    yield case("other-bad-route", twirp("bad_route", "unsupported method"), "unsupported method")
    yield case(
        "no-handler-as-another-code",
        twirp("internal", no_handler),
        no_handler,
        error=errors.InternalError,
        code=Code.INTERNAL,
    )
    yield case("404-page", b"404 page not found", f"{plain}'404 page not found'{HINT}")
    yield case("404-page-with-line-end", b"404 page not found\n", f"{plain}'404 page not found\\n'{HINT}")
    yield case("other-404-page", b"nothing here", f"{plain}'nothing here'")
    yield case(
        "404-page-as-500",
        b"404 page not found",
        "HTTP 500, not from a Twirp server: '404 page not found'",
        500,
        **by_status(500),
    )


CASES = [
    *only_200_succeeds(),
    *redirects(),
    *no_twirp_errors(),
    *errors_of_every_status(),
    *routes(),
]
