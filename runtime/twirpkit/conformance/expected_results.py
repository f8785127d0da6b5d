"""What a caller must get for a recorded answer: the rules of Twirp's reference client, told again (rules A3-A8).

On purpose nothing here is imported from the runtime under test: an oracle that shares a table with what it checks
cannot disagree with it.
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from twirpkit.conformance.exchange import RecordedResponse

__all__ = [
    "ExpectedError",
    "decoded_body",
    "differences",
    "expected_error",
    "framed",
    "holds_message",
    "is_json",
    "masked",
]

CODES: Final = frozenset(
    (
        "canceled",
        "unknown",
        "invalid_argument",
        "malformed",
        "deadline_exceeded",
        "not_found",
        "bad_route",
        "already_exists",
        "permission_denied",
        "unauthenticated",
        "resource_exhausted",
        "failed_precondition",
        "aborted",
        "out_of_range",
        "unimplemented",
        "internal",
        "unavailable",
        "data_loss",
    )
)
"""The codes of Twirp v7."""
CODE_OF_STATUS: Final = {
    400: "internal",
    401: "unauthenticated",
    403: "permission_denied",
    404: "bad_route",
    429: "resource_exhausted",
    502: "unavailable",
    503: "unavailable",
    504: "unavailable",
}
"""Of an answer that holds no Twirp error; all others are unknown (rule A8)."""
MESSAGE_TYPES: Final = frozenset(("", "application/protobuf", "application/x-protobuf", "application/octet-stream"))
"""Content types of a 200 that is read as a message (rule A12)."""
SHOWN: Final = 512
"""Characters of a foreign body that must be in the error's text."""

_JWT: Final = re.compile(r"eyJ[A-Za-z0-9_=-]*\.[A-Za-z0-9_=.-]*")


@dataclass(frozen=True, slots=True)
class ExpectedError:
    """The error that an answer stands for."""

    code: str
    texts: tuple[str, ...] = field(repr=False)
    """What its message must hold."""
    meta: Mapping[str, Any] = field(repr=False)

    @property
    def class_name(self) -> str:
        """``NotFoundError`` for ``not_found``."""
        return "".join(part.title() for part in self.code.split("_")) + "Error"


def expected_error(response: RecordedResponse) -> ExpectedError:
    """The error that a caller must get for any answer but a success."""
    foreign = {"http_error_from_intermediary": "true", "status_code": str(response.status)}
    if 300 <= response.status <= 399:
        location = response.header("location") or ""
        return ExpectedError("internal", (str(response.status), location), {**foreign, "location": masked(location)})
    value = response.message
    if isinstance(value, dict) and _is_twirp_error(value):
        code = "data_loss" if value["code"] == "dataloss" else value["code"]
        meta, text = value.get("meta"), masked(value.get("msg") or "")
        meta = {name: _masked(each) for name, each in meta.items()} if isinstance(meta, dict) else {}
        if (response.status, code) == (408, "canceled"):  # the client said how long it waits (rule B4)
            return ExpectedError("deadline_exceeded", (text,), {**meta, "server_code": code})
        if code in CODES:
            return ExpectedError(code, (text,), meta)
        return ExpectedError(
            "internal", (text, code), {**meta, "body": masked(response.body.decode("utf-8", "replace"))}
        )
    body = masked(response.body.decode("utf-8", "replace"))
    code = CODE_OF_STATUS.get(response.status, "unknown")
    return ExpectedError(code, (str(response.status), body[:SHOWN]), {**foreign, "body": body})


def _is_twirp_error(value: Mapping[str, Any]) -> bool:
    code, text = value.get("code"), value.get("msg")
    return isinstance(code, str) and code != "" and (text is None or isinstance(text, str))


def masked(text: str) -> str:
    """The text as an error may show it: without JWTs (rule E1)."""
    return _JWT.sub("<token>", text)


def _masked(value: Any) -> Any:
    return masked(value) if isinstance(value, str) else json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def decoded_body(response: RecordedResponse) -> bytes:
    """The body with its content encoding undone. Raises ValueError for one that this suite does not know."""
    match (response.header("content-encoding") or "identity").lower():
        case "identity":
            return response.body
        case "gzip":
            return gzip.decompress(response.body)
        case "deflate":
            return zlib.decompress(response.body)
        case encoding:
            raise ValueError(f"content encoding {encoding!r}")


def framed(response: RecordedResponse) -> bool:
    """Whether an answer says where it ends."""
    lengths = response.header("content-length"), response.header("transfer-encoding")
    return lengths != (None, None) or response.status in (204, 304)


def holds_message(response: RecordedResponse) -> bool:
    """Whether an answer is a success with a protobuf message in it."""
    return response.status == 200 and _type(response) in MESSAGE_TYPES


def is_json(response: RecordedResponse) -> bool:
    """Whether an answer says that it is JSON."""
    return _type(response) == "application/json"


def _type(response: RecordedResponse) -> str:
    return (response.header("content-type") or "").partition(";")[0].strip().lower()


def differences(expected: Any, got: Any, path: str) -> Iterator[str]:
    """The fields in which two protojson values differ, by their paths."""
    if isinstance(expected, dict) and isinstance(got, dict):
        for name in sorted(expected.keys() | got.keys()):
            yield from differences(expected.get(name, _ABSENT), got.get(name, _ABSENT), f"{path}.{name}")
    elif isinstance(expected, list) and isinstance(got, list) and len(expected) == len(got):
        for index, (one, other) in enumerate(zip(expected, got, strict=True)):
            yield from differences(one, other, f"{path}[{index}]")
    elif type(expected) is not type(got) or expected != got:
        yield f"{path}: expected {expected!r}, got {got!r}"


class _Absent:
    def __repr__(self) -> str:
        return "nothing"


_ABSENT: Final = _Absent()
