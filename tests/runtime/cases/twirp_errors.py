"""Twirp errors, and what is nearly one (rules A6, A7)."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from cases.case import GO_WANTS_TEXTS, JSON, JWT, OPAQUE, Case, twirp
from twirpkit import errors
from twirpkit.errors import Code, TwirpError

__all__ = ["CASES"]


CLASS_OF_CODE: dict[str, tuple[int, type[TwirpError]]] = {
    # the status that the Go server sends with each
    "canceled": (499, errors.CanceledError),  # Go sends 408, which may be a deadline: rule B4 has rows of its own
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
    def case(name: str, body: bytes | str, message: str = "why", go: str = "", **meta: str) -> Case:
        return Case(
            name=name,
            rule="A6",
            go=go,
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
    yield case("meta-list", twirp(code, meta=["a"]), go=GO_WANTS_TEXTS)
    yield case("meta-string", twirp(code, meta="a"), go=GO_WANTS_TEXTS)
    yield case("meta-number", twirp(code, meta=7), go=GO_WANTS_TEXTS)
    yield case("meta-true", twirp(code, meta=True), go=GO_WANTS_TEXTS)
    yield case(
        "meta-values", twirp(code, meta={"a": "x", "b": 5, "c": 1.5}), "why", GO_WANTS_TEXTS, a="x", b="5", c="1.5"
    )
    yield case(
        "meta-words",
        twirp(code, meta={"a": True, "b": False, "c": None}),
        go=GO_WANTS_TEXTS,
        a="true",
        b="false",
        c="null",
    )
    yield case(
        "meta-nested",
        twirp(code, meta={"a": {"b": [1, "ü"]}, "c": []}),
        "why",
        GO_WANTS_TEXTS,
        a='{"b":[1,"ü"]}',
        c="[]",
    )
    yield case("meta-empty-texts", twirp(code, meta={"": "", "a": ""}), **{"": "", "a": ""})
    yield case(
        "extra-keys",
        twirp(code, details=[1, 2], status=400, error={"code": "not_found"}),
        go="Go takes an error with keys that it does not know for a proxy's answer",
    )
    yield case(
        "keys-in-another-case-are-others",
        twirp(code, CODE="not_found", Msg="no", Meta={"a": "b"}),
        go="Go's JSON reader ignores the case of keys",
    )
    yield case("white-space-around", b" \r\n\t" + twirp(code) + b"\n\n")
    yield case("lone-surrogate", b'{"code":"invalid_argument","msg":"a\\ud800b"}', "a?b")
    yield case("surrogate-pair", b'{"code":"invalid_argument","msg":"\\ud83d\\ude00"}', "😀")
    row = case("lone-surrogate-in-meta", b'{"code":"invalid_argument","meta":{"\\udc00":"\\udc00"}}', "", **{"?": "?"})
    yield dataclasses.replace(row, also=("E1",))  # by which keys are cleaned


def unknown_codes() -> Iterator[Case]:
    def case(name: str, code: str, shown: str, **more: Any) -> Case:
        body = twirp(code, "why", meta={"a": "b", "body": "theirs"})
        return Case(
            name=name,
            rule="A7",
            also=("A6", "E1") if "<token>" in shown else ("A6",),
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
            rule="A6" if code == "data_loss" else "A7",
            also=("A6", "A7"),
            go="" if code == "data_loss" else "Go knows data_loss alone",
            status=500,
            body=twirp(code),
            error=errors.DataLossError,
            code=Code.DATA_LOSS,
            message="why",
            meta={},
        )


CASES = [
    *twirp_errors(),
    *shapes_of_twirp_errors(),
    *unknown_codes(),
]
