"""Servers that repeat the token (rule E1)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from cases.case import JWT, OPAQUE, Case, from_proxy, twirp
from twirpkit import errors
from twirpkit.errors import Code

__all__ = ["CASES"]

JWT_OF_INDENTED_JSON = "ewogICJhbGciOiAiSFMyNTYiCn0.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJlLWNhbmFyeQ"
JWT_OF_SPACED_JSON = "eyAiYWxnIjogIkhTMjU2IiB9.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJlLWNhbmFyeQ"
OPAQUE_IN_A_URL = quote(OPAQUE, safe="")
OPAQUE_IN_PHP = OPAQUE.replace("/", r"\/")


def tokens_repeated_by_the_server() -> Iterator[Case]:
    def case(name: str, body: str, shown: str, *, token: str = JWT, **more: Any) -> Case:
        return Case(
            name=name,
            rule="E1" if body != shown else "A8",
            also=("A8", "E1"),
            status=401,
            body=body.encode(),
            token=token,
            error=errors.UnauthenticatedError,
            code=Code.UNAUTHENTICATED,
            message=f"HTTP 401, not from a Twirp server: {shown!r}",
            meta=from_proxy(401, shown),
            **more,
        )

    yield case("livekit-text", f"invalid token: {JWT}, error: expired", "invalid token: <token>, error: expired")
    yield case("another-jwt", f"no {JWT}!", "no <token>!", token=OPAQUE)
    yield case("jwt-of-indented-json", f"<{JWT_OF_INDENTED_JSON}>", "<<token>>", token=JWT_OF_INDENTED_JSON)
    yield case("any-jwt-of-indented-json", f"<{JWT_OF_INDENTED_JSON}>", "<<token>>", token=OPAQUE)
    yield case("any-jwt-of-spaced-json", f"<{JWT_OF_SPACED_JSON}>", "<<token>>", token=OPAQUE)
    yield case("jwt-without-signature", f"got {JWT.rpartition('.')[0]}.", "got <token>")
    yield case("jwt-inside-a-word", f"host.name=viewonly.{JWT}", "host.name=viewonly.<token>")
    yield case("whole-header", f"Authorization: Bearer {OPAQUE}", "Authorization: <token>", token=OPAQUE)
    yield case("opaque", f"{OPAQUE} is {OPAQUE}", "<token> is <token>", token=OPAQUE)
    yield case("opaque-quoted", f"?t={OPAQUE_IN_A_URL};", "?t=<token>;", token=OPAQUE)
    yield case("opaque-by-php", f'"{OPAQUE_IN_PHP}"', '"<token>"', token=OPAQUE)
    yield case("opaque-across-512", "-" * 500 + OPAQUE, "-" * 500 + "<token>", token=OPAQUE)
    regex = "(x+)*[y]{2,}|z?^$"
    yield case("token-of-regex-signs", f"a.b*c {regex}", "a.b*c <token>", token=regex)
    yield case("token-of-15-characters-is-a-word", "in-the-mornings", "in-the-mornings", token="in-the-mornings")
    yield case("token-of-16-characters", "no in-the-afternoon", "no <token>", token="in-the-afternoon")
    yield case("short-token", "too many rooms for any company", "too many rooms for any company", token="any")
    yield case("words-that-are-no-token", "viewonly.example.com eyJ a.b", "viewonly.example.com eyJ a.b")
    yield case("no-token-without-dots", "eyJhbGciOiJIUzI1NiJ9", "eyJhbGciOiJIUzI1NiJ9")

    far = "-" * 65530
    yield Case(
        name="opaque-across-64-KiB",
        rule="E1",
        also=("A8",),
        status=401,
        body=(far + OPAQUE).encode(),
        token=OPAQUE,
        error=errors.UnauthenticatedError,
        code=Code.UNAUTHENTICATED,
        meta=from_proxy(401, far + "<token"),
    )
    for name, token in {"jwt": JWT, "opaque": OPAQUE}.items():
        yield Case(
            name=f"{name}-in-json",
            rule="E1",
            also=("A6",),
            status=401,
            body=twirp("unauthenticated", f"bad {token}", meta={f"k {token}": f"v {token}", "n": {"x": [token]}}),
            token=token,
            error=errors.UnauthenticatedError,
            code=Code.UNAUTHENTICATED,
            message="bad <token>",
            meta={"k <token>": "v <token>", "n": '{"x":["<token>"]}'},
        )
        yield Case(
            name=f"{name}-in-a-page-as-a-message",
            rule="E1",
            also=("A12",),
            status=200,
            body=f"<p>{token}</p>".encode(),
            headers={"content-type": "text/html"},
            token=token,
            error=errors.DecodeError,
            code=Code.INTERNAL,
            message="a 200 of type 'text/html' where protobuf was asked for; it starts with '<p><token></p>'",
            meta={},
        )
        yield Case(
            name=f"{name}-across-the-first-bytes",
            rule="E1",
            also=("A12",),
            status=200,
            body=("-" * 50 + token).encode(),
            headers={"content-type": "text/plain"},
            token=token,
            error=errors.DecodeError,
            code=Code.INTERNAL,
            says=("-" * 50 + "<token>'",),
        )
        yield Case(
            name=f"{name}-as-a-type",
            rule="E1",
            go="Go decodes a 200 of any type",
            also=("A12",),
            status=200,
            headers={"content-type": f"text/{token}; x={token}"},
            token=token,
            error=errors.DecodeError,
            code=Code.INTERNAL,
            says=("a 200 of type 'text/<token>'",),
        )


CASES = [
    *tokens_repeated_by_the_server(),
]
