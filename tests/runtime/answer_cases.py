"""What an answer means to the caller: one table, run over both clients, by the rules of `twirpkit.answers`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.message import Message

from livekit_twirp import Room
from twirpkit import errors
from twirpkit.errors import Code, TwirpError

__all__ = ["CASES", "HINT", "JWT", "OPAQUE", "Case"]

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJlLWNhbmFyeQ"
JWT_OF_INDENTED_JSON = "ewogICJhbGciOiAiSFMyNTYiCn0.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJlLWNhbmFyeQ"
JWT_OF_SPACED_JSON = "eyAiYWxnIjogIkhTMjU2IiB9.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJlLWNhbmFyeQ"
OPAQUE = "canary/of+an-opaque_token~that.is.no.jwt=="
OPAQUE_IN_A_URL = "canary%2Fof%2Ban-opaque_token~that.is.no.jwt%3D%3D"
OPAQUE_IN_PHP = OPAQUE.replace("/", r"\/")
HINT = " (the server may be too old for this RPC, or the URL or its prefix is wrong)"

ROOM = Room(name="standup", num_participants=3)
JSON = {"content-type": "application/json"}


@dataclass(frozen=True, kw_only=True)
class Case:
    """One answer to ``create_room``, and what comes of it."""

    name: str
    rule: str
    status: int
    body: bytes = field(default=b"", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    flaw: str | None = None
    """What the transport found wrong with the body. Such a case has a scripted transport only."""
    token: str = JWT
    """What the client sends as its bearer token. No text of the error holds it."""
    answer: Message | None = None
    """What the call returns; otherwise it raises."""
    error: type[TwirpError] = TwirpError
    code: Code = Code.UNKNOWN
    message: str | None = None
    """The whole message, where its words matter."""
    says: tuple[str, ...] = ()
    """Parts of ``str(error)``."""
    meta: Mapping[str, str] | None = None
    sent: str = "yes"
    scripted_only: bool = False
    """No server sends it, or a real transport cuts it first."""

    def __str__(self) -> str:
        return f"{self.rule}-{self.name}"


def twirp(code: Any, msg: Any = "why", **more: Any) -> bytes:
    return json.dumps({"code": code, "msg": msg, **more}).encode()


def from_proxy(status: int, body: str) -> dict[str, str]:
    return {"http_error_from_intermediary": "true", "status_code": str(status), "body": body}


def from_redirect(status: int, location: str) -> dict[str, str]:
    return {"http_error_from_intermediary": "true", "status_code": str(status), "location": location}


CLASS_OF_CODE: dict[str, tuple[int, type[TwirpError]]] = {
    # the status that the Go server sends with each
    "canceled": (499, errors.CanceledError),  # Go sends 408, which is a deadline here: rule B4 has rows of its own
    "unknown": (500, errors.UnknownError),
    "invalid_argument": (400, errors.InvalidArgumentError),
    "malformed": (400, errors.MalformedError),
    "deadline_exceeded": (408, errors.DeadlineExceededError),
    "not_found": (404, errors.NotFoundError),
    "bad_route": (404, errors.BadRouteError),
    "already_exists": (409, errors.AlreadyExistsError),
    "permission_denied": (403, errors.PermissionDeniedError),
    "unauthenticated": (401, errors.UnauthenticatedError),
    "resource_exhausted": (429, errors.ResourceExhaustedError),
    "failed_precondition": (412, errors.FailedPreconditionError),
    "aborted": (409, errors.AbortedError),
    "out_of_range": (400, errors.OutOfRangeError),
    "unimplemented": (501, errors.UnimplementedError),
    "internal": (500, errors.InternalError),
    "unavailable": (503, errors.UnavailableError),
    "data_loss": (503, errors.DataLossError),
}

CLASS_OF_STATUS: dict[int, tuple[Code, type[TwirpError]]] = {
    400: (Code.INTERNAL, errors.InternalError),
    401: (Code.UNAUTHENTICATED, errors.UnauthenticatedError),
    403: (Code.PERMISSION_DENIED, errors.PermissionDeniedError),
    404: (Code.BAD_ROUTE, errors.BadRouteError),
    429: (Code.RESOURCE_EXHAUSTED, errors.ResourceExhaustedError),
    502: (Code.UNAVAILABLE, errors.UnavailableError),
    503: (Code.UNAVAILABLE, errors.UnavailableError),
    504: (Code.UNAVAILABLE, errors.UnavailableError),
}
STATUSES_OF_NO_CODE = (402, 405, 406, 407, 408, 409, 410, 411, 413, 414, 415, 418, 421, 422, 425, 426, 428, 431, 451)
STATUSES_OF_NO_CODE += (499, 500, 501, 505, 507, 508, 511, 520, 521, 525, 530, 599)


def only_200_succeeds() -> Iterator[Case]:
    body = ROOM.SerializeToString()
    yield Case(name="200", rule="A3", status=200, body=body, answer=ROOM)
    for status in (201, 202, 203, 206, 207, 208, 226, 299):
        yield Case(
            name=f"{status}-with-a-message",
            rule="A3",
            status=status,
            body=body,
            headers={"content-type": "application/protobuf"},
            error=errors.UnknownError,
            meta=from_proxy(status, body.decode()),
            says=(f"HTTP {status} without a Twirp error",),
        )
    for status in (204, 205):
        yield Case(name=f"{status}", rule="A3", status=status, error=errors.UnknownError, meta=from_proxy(status, ""))
    yield Case(
        name="202-with-an-error",
        rule="A3",
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

    for status in (300, 301, 302, 303, 304, 305, 306, 307, 308, 399):
        yield case(f"{status}", status, "https://elsewhere.example.com/twirp")
    yield case("without-location", 302, None)
    yield case("relative", 307, "/login")
    yield case("twirp-json-is-not-read", 302, "/login", body=twirp("not_found"))
    yield case("proxy-page-is-not-read", 301, "/login", body=b"<html>moved</html>")
    yield case("jwt-in-location", 302, f"/login?token={JWT}&next=1", "/login?token=<token>&next=1")
    yield case("any-jwt-in-location", 302, f"/l?t={JWT}", "/l?t=<token>", token=OPAQUE)
    yield case("opaque-token-in-location", 302, f"/l?t={OPAQUE}", "/l?t=<token>", token=OPAQUE)
    yield case("opaque-token-quoted-in-location", 302, f"/l?t={OPAQUE_IN_A_URL}&x", "/l?t=<token>&x", token=OPAQUE)
    yield case("long-location", 302, "/" + "a" * 2000)
    yield case("token-across-the-cut", 302, "/" + "-" * 500 + f"?{OPAQUE}", "/" + "-" * 500 + "?<token>", token=OPAQUE)


def twirp_errors() -> Iterator[Case]:
    for code, (status, error) in CLASS_OF_CODE.items():
        yield Case(
            name=code,
            rule="A6",
            status=status,
            body=twirp(code, "why it failed", meta={"argument": "name"}),
            headers=JSON,
            error=error,
            code=Code(code),
            message="why it failed",
            meta={"argument": "name"},
        )
    for content_type in ("", "text/html", "text/plain; charset=utf-16", "application/protobuf", "nonsense"):
        yield Case(
            name=f"as-{content_type or 'nothing'}",
            rule="A6",
            status=404,
            body=twirp("not_found"),
            headers={"content-type": content_type} if content_type else {},
            error=errors.NotFoundError,
            code=Code.NOT_FOUND,
            message="why",
            meta={},
        )
    for status in (400, 418, 500, 503, 599):
        yield Case(
            name=f"not-found-with-status-{status}",
            rule="A6",
            status=status,
            body=twirp("not_found"),
            error=errors.NotFoundError,
            code=Code.NOT_FOUND,
            message="why",
        )


def shapes_of_twirp_errors() -> Iterator[Case]:
    def case(name: str, body: bytes | str, message: str = "why", **meta: str) -> Case:
        return Case(
            name=name,
            rule="A6",
            status=400,
            body=body if isinstance(body, bytes) else body.encode(),
            headers=JSON,
            error=errors.InvalidArgumentError,
            code=Code.INVALID_ARGUMENT,
            message=message,
            meta=meta,
        )

    code = "invalid_argument"
    yield case("without-msg", '{"code":"invalid_argument"}', "")
    yield case("msg-null", '{"code":"invalid_argument","msg":null}', "")
    yield case("msg-empty", twirp(code, ""), "")
    yield case("msg-not-ascii", twirp(code, "größer als 5 €"), "größer als 5 €")
    yield case("meta-null", twirp(code, meta=None))
    yield case("meta-empty", twirp(code, meta={}))
    yield case("meta-list", twirp(code, meta=["a"]))
    yield case("meta-string", twirp(code, meta="a"))
    yield case("meta-number", twirp(code, meta=7))
    yield case("meta-true", twirp(code, meta=True))
    yield case("meta-values", twirp(code, meta={"a": "x", "b": 5, "c": 1.5}), a="x", b="5", c="1.5")
    yield case("meta-words", twirp(code, meta={"a": True, "b": False, "c": None}), a="true", b="false", c="null")
    yield case("meta-nested", twirp(code, meta={"a": {"b": [1, "ü"]}, "c": []}), a='{"b":[1,"ü"]}', c="[]")
    yield case("meta-empty-texts", twirp(code, meta={"": "", "a": ""}), **{"": "", "a": ""})
    yield case("extra-keys", twirp(code, details=[1, 2], status=400, error={"code": "not_found"}))
    yield case("keys-in-another-case-are-others", twirp(code, CODE="not_found", Msg="no", Meta={"a": "b"}))
    yield case("white-space-around", b" \r\n\t" + twirp(code) + b"\n\n")
    yield case("lone-surrogate", b'{"code":"invalid_argument","msg":"a\\ud800b"}', "a?b")
    yield case("surrogate-pair", b'{"code":"invalid_argument","msg":"\\ud83d\\ude00"}', "😀")
    yield case("lone-surrogate-in-meta", b'{"code":"invalid_argument","meta":{"\\udc00":"\\udc00"}}', "", **{"?": "?"})


def unknown_codes() -> Iterator[Case]:
    def case(name: str, code: str, shown: str, **more: Any) -> Case:
        body = twirp(code, "why", meta={"a": "b", "body": "theirs"})
        return Case(
            name=name,
            rule="A7",
            status=500,
            body=body,
            error=errors.InternalError,
            code=Code.INTERNAL,
            message=f"the server sent the unknown error code {shown!r}: why",
            **{"meta": {"a": "b", "body": body.decode()}, **more},
        )

    yield case("unknown", "no_such_code", "no_such_code")
    yield case("upper-case", "NOT_FOUND", "NOT_FOUND")
    yield case("with-space", " not_found", " not_found")
    yield case("ok", "ok", "ok")
    yield case("with-quotes", 'it\'s "odd"', 'it\'s "odd"')
    yield case("long", "x" * 5000, "x" * 512)
    yield case("jwt", JWT, "<token>", meta=None)
    yield case("opaque-token", f"a {OPAQUE} b", "a <token> b", token=OPAQUE, meta=None)
    for code, name in (("dataloss", "spec-spelling"), ("data_loss", "go-spelling")):
        yield Case(
            name=f"data-loss-in-{name}",
            rule="A7",
            status=500,
            body=twirp(code),
            error=errors.DataLossError,
            code=Code.DATA_LOSS,
            message="why",
            meta={},
        )


NO_TWIRP_ERRORS = {
    "text": b"upstream connect error",
    "html": b"<html><body><h1>Bad Gateway</h1></body></html>",
    "empty": b"",
    "white-space": b" \n ",
    "array": b'[{"code":"not_found"}]',
    "string": b'"not_found"',
    "number": b"42",
    "null": b"null",
    "true": b"true",
    "empty-object": b"{}",
    "no-code": b'{"msg":"why"}',
    "code-null": b'{"code":null,"msg":"why"}',
    "code-number": b'{"code":5,"msg":"why"}',
    "code-list": b'{"code":["not_found"],"msg":"why"}',
    "code-object": b'{"code":{"a":1}}',
    "code-true": b'{"code":true}',
    "code-empty": b'{"code":"","msg":"why"}',
    "msg-number": b'{"code":"not_found","msg":5}',
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
    def case(name: str, status: int, body: bytes, error: type[TwirpError], code: Code) -> Case:
        return Case(
            name=name,
            rule="A8",
            status=status,
            body=body,
            error=error,
            code=code,
            message=f"HTTP {status} without a Twirp error: {body.decode()!r}",
            meta=from_proxy(status, body.decode()),
        )

    for status, (code, error) in CLASS_OF_STATUS.items():
        yield case(f"{status}-text", status, b"some proxy said no", error, code)
        yield case(f"{status}-empty", status, b"", error, code)
    for status in STATUSES_OF_NO_CODE:
        yield case(f"{status}-text", status, b"some proxy said no", errors.UnknownError, Code.UNKNOWN)
    for name, body in NO_TWIRP_ERRORS.items():
        yield case(f"{name}-in-503", 503, body, errors.UnavailableError, Code.UNAVAILABLE)
    yield Case(
        name="at-most-64-KiB",
        rule="A8",
        status=502,
        body=b"x" * 70000,
        error=errors.UnavailableError,
        code=Code.UNAVAILABLE,
        message=f"HTTP 502 without a Twirp error: {'x' * 512!r}",
        meta=from_proxy(502, "x" * 65536),
    )
    yield Case(
        name="at-most-64-KiB-of-UTF-8",
        rule="A8",
        status=502,
        body=b"x" + "ü".encode() * 40000,
        error=errors.UnavailableError,
        code=Code.UNAVAILABLE,
        message=f"HTTP 502 without a Twirp error: {'x' + 'ü' * 511!r}",
        meta=from_proxy(502, "x" + "ü" * 32767),
    )


def unclean_bytes() -> Iterator[Case]:
    def case(name: str, body: bytes, message: str = "why", **meta: str) -> Case:
        return Case(
            name=name,
            rule="A9",
            status=500,
            body=body,
            error=errors.NotFoundError,
            code=Code.NOT_FOUND,
            message=message,
            meta=meta,
        )

    plain = b'{"code":"not_found","msg":"why"}'
    yield case("bom", b"\xef\xbb\xbf" + plain)
    yield case("latin-1", b'{"code":"not_found","msg":"gr\xfc\xdfe"}', "gr��e")
    yield case("latin-1-in-meta", b'{"code":"not_found","meta":{"\xfc":"\xdf"}}', "", **{"�": "�"})
    yield case("cut-utf-8", b'{"code":"not_found","msg":"\xe2\x82"}', "�")
    yield case("trailing-text", plain + b"garbage")
    yield case("trailing-object", plain + b'{"code":"internal"}')
    yield case("trailing-nul", plain + b"\0\0\0")
    yield case("trailing-bytes", plain + b"\xff\xfe\xfd")
    yield case("trailing-page", plain + b"\n<html></html>")
    for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"):
        yield case(encoding, plain.decode().encode(encoding))
    yield Case(
        name="binary",
        rule="A9",
        status=503,
        body=b"\x80\x81\xff",
        error=errors.UnavailableError,
        code=Code.UNAVAILABLE,
        meta=from_proxy(503, "���"),
    )
    for name, body in {"half-utf-16": b"\xff\xfea", "odd-utf-32": b"\0\0\0", "one-nul": b"\0"}.items():
        yield Case(name=name, rule="A9", status=503, body=body, error=errors.UnavailableError, code=Code.UNAVAILABLE)


def hostile_json() -> Iterator[Case]:
    def proxied(name: str, body: bytes, **more: Any) -> Case:
        return Case(
            name=name,
            rule="A10",
            status=503,
            body=body,
            error=errors.UnavailableError,
            code=Code.UNAVAILABLE,
            says=("HTTP 503 without a Twirp error",),
            meta=from_proxy(503, body.decode()[:65536]),
            **more,
        )

    def read(name: str, body: bytes, **more: Any) -> Case:
        return Case(
            name=name,
            rule="A10",
            status=500,
            body=body,
            error=errors.NotFoundError,
            code=Code.NOT_FOUND,
            **more,
        )

    deep = b"[" * 200_000
    yield proxied("200,000-brackets", deep)
    yield proxied("200,000-objects", b'{"a":' * 200_000, scripted_only=True)
    yield proxied("deep-meta", b'{"code":"not_found","meta":{"a":' + deep + b"}}")
    yield proxied("deep-extra-key", b'{"code":"not_found","x":' + deep)
    yield proxied("NaN", b'{"code":"not_found","meta":{"a":NaN}}')
    yield proxied("minus-infinity", b'{"code":"not_found","x":-Infinity}')
    yield proxied("huge-integer", b'{"code":"not_found","meta":{"a":' + b"9" * 100_000 + b"}}")
    yield read("big-integer", b'{"code":"not_found","meta":{"a":' + b"9" * 30 + b"}}", meta={"a": "9" * 30})
    yield read("repeated-keys", b'{"code":"internal","code":"not_found","msg":"a","msg":"b"}', message="b", meta={})
    yield read("long-message", twirp("not_found", "x" * 70_000), message="x" * 65536)
    yield read("10-MB-message", twirp("not_found", "x" * 10_000_000), message="x" * 65536, scripted_only=True)
    yield read("2-MB-of-words", twirp("not_found", "eyJ ab.c " * 200_000), scripted_only=True)
    yield read("1-MB-of-almost-tokens", twirp("not_found", "ewoeyAewk" * 110_000), scripted_only=True)
    yield read("long-meta", twirp("not_found", meta={"k" * 70_000: "v" * 70_000}), meta={"k" * 65536: "v" * 65536})
    yield read("many-meta", twirp("not_found", meta={f"k{n}": "v" for n in range(20_000)}))


def tokens_repeated_by_the_server() -> Iterator[Case]:
    def case(name: str, body: str, shown: str, *, token: str = JWT, status: int = 401, **more: Any) -> Case:
        return Case(
            name=name,
            rule="E1",
            status=status,
            body=body.encode(),
            token=token,
            error=errors.UnauthenticatedError,
            code=Code.UNAUTHENTICATED,
            message=f"HTTP 401 without a Twirp error: {shown!r}",
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
    yield case("token-of-regex-signs", "a.b*c (x+", "a.b*c <token>", token="(x+")
    yield case("words-that-are-no-token", "viewonly.example.com eyJ a.b", "viewonly.example.com eyJ a.b")
    yield case("no-token-without-dots", "eyJhbGciOiJIUzI1NiJ9", "eyJhbGciOiJIUzI1NiJ9")

    far = "-" * 65530
    yield Case(
        name="opaque-across-64-KiB",
        rule="E1",
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
            status=200,
            headers={"content-type": f"text/{token}; x={token}"},
            token=token,
            error=errors.DecodeError,
            code=Code.INTERNAL,
            says=("a 200 of type 'text/<token>'",),
        )
        for status, sent in ((200, "maybe"), (401, "yes")):
            yield Case(
                name=f"{name}-in-a-flaw-of-{status}",
                rule="E1",
                status=status,
                flaw=f"Content-Encoding '{token}' is unknown",
                token=token,
                error=errors.TransportError if status == 200 else errors.UnauthenticatedError,
                code=Code.UNAVAILABLE if status == 200 else Code.UNAUTHENTICATED,
                says=("Content-Encoding '<token>' is unknown",),
                sent=sent,
            )


def types_of_a_200() -> Iterator[Case]:
    body = ROOM.SerializeToString()
    types = (None, "", "application/octet-stream", "application/protobuf", "application/x-protobuf")
    types += ("APPLICATION/Protobuf", "application/protobuf; charset=utf-8", "application/protobuf;v=1", " ;x")
    types += ("Application/Octet-Stream ; a=b",)
    for each in types:
        headers = {} if each is None else {"content-type": each}
        yield Case(name=f"as-{each}", rule="A12", status=200, body=body, headers=headers, answer=ROOM)
    yield Case(name="empty", rule="A12", status=200, answer=Room())
    yield Case(
        name="empty-of-unknown-fields",
        rule="A12",
        status=200,
        body=b"\xc0\x3e\x01",
        answer=Room.FromString(b"\xc0\x3e\x01"),
    )

    def refused(name: str, content_type: str, shown: str, body: bytes, start: str) -> Case:
        words = f"a 200 of type {shown!r} where protobuf was asked for; it starts with {start!r}"
        return Case(
            name=name,
            rule="A12",
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
    yield refused("text", "text/plain", "text/plain", body, body.decode())
    yield refused("empty-html", "text/html", "text/html", b"", "")
    yield refused("protobuf-in-the-name", "application/protobuf+json", "application/protobuf+json", b"{}", "{}")
    yield refused("long", "text/plain", "text/plain", b"x" * 1000, "x" * 64)
    yield refused("long-type", "a/" + "b" * 1000, "a/" + "b" * 510, b"", "")
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
            message=f"the body of a 200 is no livekit.Room; it starts with {start!r}",
            meta={},
        )

    yield undecodable("undecodable-page", page, page.decode())
    yield undecodable("undecodable-page-without-type", page, page.decode(), None)
    yield undecodable("undecodable-bytes", page, page.decode(), "application/octet-stream")
    yield undecodable("cut-message", body[:-1], body[:-1].decode())
    yield undecodable("message-and-garbage", body + b"\xff", body.decode() + "\\xff")
    yield undecodable("text-that-is-no-utf-8", b"\x12\x01\xff", "\x12\x01\\xff")
    yield undecodable("twirp-error-as-a-message", twirp("not_found"), twirp("not_found").decode())


def flaws() -> Iterator[Case]:
    flaw = "the answer was cut inside its body"
    whole = twirp("not_found", "why", meta={"a": "b"})
    yield Case(
        name="whole-error",
        rule="A14",
        status=404,
        body=whole,
        flaw=flaw,
        error=errors.NotFoundError,
        code=Code.NOT_FOUND,
        message="why",
        meta={"a": "b"},
    )
    for status, (code, error) in {**CLASS_OF_STATUS, 500: (Code.UNKNOWN, errors.UnknownError)}.items():
        yield Case(
            name=f"cut-error-{status}",
            rule="A14",
            status=status,
            body=whole[:12],
            flaw=flaw,
            error=error,
            code=code,
            message=f"HTTP {status} without a Twirp error: {whole[:12].decode()!r} ({flaw})",
            meta=from_proxy(status, whole[:12].decode()),
        )
    yield Case(name="cut-redirect", rule="A14", status=302, flaw=flaw, error=errors.InternalError, code=Code.INTERNAL)
    for name, body in {"nothing": b"", "all": ROOM.SerializeToString()}.items():
        yield Case(
            name=f"200-with-{name}",
            rule="A11",
            status=200,
            body=body,
            flaw=flaw,
            error=errors.TransportError,
            code=Code.UNAVAILABLE,
            message=f"livekit.RoomService/CreateRoom: the answer is not whole: {flaw}",
            meta={},
            sent="maybe",
        )


def routes() -> Iterator[Case]:
    no_handler = 'no handler for path "/twirp/livekit.RoomService/CreateRoom"'

    def case(name: str, body: bytes, message: str, status: int = 404, **more: Any) -> Case:
        known = {"error": errors.BadRouteError, "code": Code.BAD_ROUTE, **more}
        return Case(name=name, rule="A18", status=status, body=body, message=message, **known)

    plain = "HTTP 404 without a Twirp error: "
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
        "HTTP 500 without a Twirp error: '404 page not found'",
        500,
        error=errors.UnknownError,
        code=Code.UNKNOWN,
    )


CASES: list[Case] = [
    *only_200_succeeds(),
    *redirects(),
    *twirp_errors(),
    *shapes_of_twirp_errors(),
    *unknown_codes(),
    *no_twirp_errors(),
    *unclean_bytes(),
    *hostile_json(),
    *tokens_repeated_by_the_server(),
    *types_of_a_200(),
    *flaws(),
    *routes(),
]
