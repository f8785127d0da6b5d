"""Bytes that are not clean, and JSON that is not kind (rules A9, A10)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cases.case import GO_WANTS_TEXTS, Case, by_status, from_proxy, twirp
from twirpkit import errors
from twirpkit.errors import Code

__all__ = ["CASES"]

GO_READS_UTF_8 = "Go reads UTF-8 alone, without a byte order mark"


def unclean_bytes() -> Iterator[Case]:
    def case(name: str, body: bytes, message: str = "why", go: str = "", **meta: str) -> Case:
        return Case(
            name=name,
            go=go,
            rule="A9",
            also=("A6",),
            status=500,
            body=body,
            error=errors.NotFoundError,
            code=Code.NOT_FOUND,
            message=message,
            meta=meta,
        )

    plain = b'{"code":"not_found","msg":"why"}'
    yield case("bom", b"\xef\xbb\xbf" + plain, go=GO_READS_UTF_8)
    yield case("latin-1", b'{"code":"not_found","msg":"gr\xfc\xdfe"}', "gr��e")
    yield case("latin-1-in-meta", b'{"code":"not_found","meta":{"\xfc":"\xdf"}}', "", **{"�": "�"})
    yield case("cut-utf-8", b'{"code":"not_found","msg":"\xe2\x82"}', "�")
    yield case("trailing-text", plain + b"garbage")
    yield case("trailing-object", plain + b'{"code":"internal"}')
    yield case("trailing-nul", plain + b"\0\0\0")
    yield case("trailing-bytes", plain + b"\xff\xfe\xfd")
    yield case("trailing-page", plain + b"\n<html></html>")
    for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"):
        yield case(encoding, plain.decode().encode(encoding), go=GO_READS_UTF_8)
    yield Case(
        name="binary",
        rule="A8",
        also=("A9",),
        status=503,
        body=b"\x80\x81\xff",
        error=errors.UnavailableError,
        code=Code.UNAVAILABLE,
        sent="maybe",
        meta=from_proxy(503, "���"),
    )
    for name, body in {"half-utf-16": b"\xff\xfea", "odd-utf-32": b"\0\0\0", "one-nul": b"\0"}.items():
        yield Case(
            name=name,
            rule="A8",
            also=("A9",),
            status=503,
            body=body,
            **by_status(503),
        )


def hostile_json() -> Iterator[Case]:
    def proxied(name: str, body: bytes, *, rule: str = "A10", status: int = 503, **more: Any) -> Case:
        return Case(
            name=name,
            rule=rule,
            also=("A8",) if rule == "A10" else ("A10",),
            status=status,
            body=body,
            says=(f"HTTP {status}, not from a Twirp server",),
            meta=from_proxy(status, body.decode()[:65536]),
            **by_status(status),
            **more,
        )

    def read(name: str, body: bytes, **more: Any) -> Case:
        return Case(
            name=name,
            rule="A6",
            also=("A9", "A10"),
            status=500,
            body=body,
            error=errors.NotFoundError,
            code=Code.NOT_FOUND,
            **more,
        )

    deep = b"[" * 200_000
    yield proxied("200,000-brackets", deep)
    yield proxied("200,000-objects", b'{"a":' * 200_000)
    yield proxied("200,000-brackets-in-a-400", deep, status=400)
    yield proxied("deep-meta", b'{"code":"not_found","meta":{"a":' + deep + b"}}")
    yield proxied("deep-extra-key", b'{"code":"not_found","x":' + deep)
    yield proxied("deep-code", b'{"code":' + deep)
    yield proxied("deep-behind-a-whole-one-of-another-kind", b'[{"code":"not_found"},' + deep)
    yield read("deep-behind-a-whole-one", b'{"code":"not_found","msg":"why"}' + deep, message="why", meta={})
    yield proxied("NaN", b'{"code":"not_found","meta":{"a":NaN}}', rule="A8")
    yield proxied("infinity", b'{"code":"not_found","meta":Infinity}', rule="A8")
    yield proxied("minus-infinity", b'{"code":"not_found","x":-Infinity}', rule="A8")
    yield proxied("huge-integer", b'{"code":"not_found","meta":{"a":' + b"9" * 100_000 + b"}}", rule="A8")
    yield read(
        "big-integer", b'{"code":"not_found","meta":{"a":' + b"9" * 30 + b"}}", meta={"a": "9" * 30}, go=GO_WANTS_TEXTS
    )
    yield read("1e999", b'{"code":"not_found","meta":{"a":1e999}}', meta={"a": "Infinity"}, go=GO_WANTS_TEXTS)
    yield read("repeated-keys", b'{"code":"internal","code":"not_found","msg":"a","msg":"b"}', message="b", meta={})
    yield read("long-message", twirp("not_found", "x" * 70_000), message="x" * 65536)
    yield read("1-MB-of-words", twirp("not_found", "eyJ ab.c " * 100_000))
    yield read("1-MB-of-almost-tokens", twirp("not_found", "ewoeyAewk" * 110_000))
    yield read("long-meta", twirp("not_found", meta={"k" * 70_000: "v" * 70_000}), meta={"k" * 65536: "v" * 65536})
    yield read("many-meta", twirp("not_found", meta={f"k{n}": "v" for n in range(20_000)}))


CASES = [
    *unclean_bytes(),
    *hostile_json(),
]
