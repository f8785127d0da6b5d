"""What counts as a message in a 200 (rule A12)."""

from __future__ import annotations

from collections.abc import Iterator

from cases.case import ROOM, Case, twirp
from livekit_twirp import Room
from twirpkit import errors
from twirpkit.errors import Code

__all__ = ["CASES"]

GO_IGNORES_TYPES = "Go decodes a 200 of any type: a login page that happens to decode is a message to it"


def types_of_a_200() -> Iterator[Case]:
    body = ROOM.SerializeToString()
    types = (None, "", "application/octet-stream", "application/protobuf", "application/x-protobuf")
    types += ("APPLICATION/Protobuf", "application/protobuf; charset=utf-8", "application/protobuf;v=1", " ;x")
    types += ("Application/Octet-Stream ; a=b",)
    for each in types:
        headers = {} if each is None else {"content-type": each}
        yield Case(name=f"as-{each}", rule="A12", status=200, body=body, headers=headers, answer=ROOM)
    for each in ("application/protobuf", "application/x-protobuf", "Application/Protobuf; charset=utf-8"):
        yield Case(name=f"empty-as-{each}", rule="A12", status=200, headers={"content-type": each}, answer=Room())
    for name, content_type, kind in (
        ("empty-without-a-type", None, "without a Content-Type"),
        ("empty-of-an-empty-type", "", "without a Content-Type"),
        ("empty-octet-stream", "application/octet-stream", "of type 'application/octet-stream'"),
    ):
        yield Case(
            name=name,
            rule="A12",
            go="Go takes an empty 200 of any type for an empty message",
            status=200,
            headers={} if content_type is None else {"content-type": content_type},
            error=errors.DecodeError,
            code=Code.INTERNAL,
            message=f"an empty 200 {kind} was not written by a Twirp server: is something else at this URL?",
            meta={},
        )
    yield Case(
        name="empty-of-unknown-fields",
        rule="A12",
        status=200,
        body=b"\xc0\x3e\x01",
        answer=Room.FromString(b"\xc0\x3e\x01"),
    )

    def refused(name: str, content_type: str, shown: str, body: bytes, start: str, go: str = "") -> Case:
        words = f"a 200 of type {shown!r} where protobuf was asked for; it starts with {start!r}"
        return Case(
            name=name,
            rule="A12",
            go=go,
            status=200,
            body=body,
            headers={"content-type": content_type},
            error=errors.DecodeError,
            code=Code.INTERNAL,
            message=words,
            meta={},
        )

    page = b"<!doctype html><title>Sign in</title>"
    yield refused("html", "text/html; charset=utf-8", "text/html", page, page.decode())
    yield refused("html-in-capitals", "TEXT/HTML", "TEXT/HTML", page, page.decode())
    yield refused("json", "application/json", "application/json", b'{"name":"standup"}', '{"name":"standup"}')
    yield refused("text", "text/plain", "text/plain", body, body.decode(), go=GO_IGNORES_TYPES)
    yield refused("empty-html", "text/html", "text/html", b"", "", go=GO_IGNORES_TYPES)
    yield refused("protobuf-in-the-name", "application/protobuf+json", "application/protobuf+json", b"{}", "{}")
    yield refused("long", "text/plain", "text/plain", b"x" * 1000, "x" * 64, go=GO_IGNORES_TYPES)
    yield refused("long-type", "a/" + "b" * 1000, "a/" + "b" * 510, b"", "", go=GO_IGNORES_TYPES)
    yield refused("bytes", "image/gif", "image/gif", b"GIF\x80\xff", "GIF\\x80\\xff")

    def undecodable(name: str, body: bytes, start: str, content_type: str | None = "application/protobuf") -> Case:
        return Case(
            name=name,
            rule="A12",
            status=200,
            body=body,
            headers={} if content_type is None else {"content-type": content_type},
            error=errors.DecodeError,
            code=Code.INTERNAL,
            message=f"the body of a 200 is not a livekit.Room; it starts with {start!r}",
            meta={},
        )

    yield undecodable("undecodable-page", page, page.decode())
    yield undecodable("undecodable-page-without-type", page, page.decode(), None)
    yield undecodable("undecodable-bytes", page, page.decode(), "application/octet-stream")
    yield undecodable("cut-message", body[:-1], body[:-1].decode())
    yield undecodable("message-and-garbage", body + b"\xff", body.decode() + "\\xff")
    yield undecodable("text-that-is-no-utf-8", b"\x12\x01\xff", "\x12\x01\\xff")
    yield undecodable("twirp-error-as-a-message", twirp("not_found"), twirp("not_found").decode())


CASES = [
    *types_of_a_200(),
]
