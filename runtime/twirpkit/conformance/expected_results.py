"""The results that a caller must get for recorded responses, by the rules of Twirp's Go client (rules A3-A8).

The rules are implemented here a second time: only the names of headers and metadata keys come from the runtime under
test, and none of its tables, which could not be compared with themselves.
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from twirpkit._protocol.constants import (
    CONTENT_ENCODING,
    CONTENT_LENGTH,
    CONTENT_TYPE,
    INTERMEDIARY,
    JSON,
    LOCATION,
    META_BODY,
    META_LOCATION,
    PROTOBUF,
    SERVER_CODE,
    STATUS_CODE,
    TRANSFER_ENCODING,
)
from twirpkit.conformance.exchange import RecordedResponse
from twirpkit.errors import Sent

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
"""The codes for responses without a Twirp error, by status; all other statuses are unknown (rule A8)."""
MESSAGE_TYPES: Final = frozenset(("", PROTOBUF, "application/x-protobuf", "application/octet-stream"))
"""The content types of a 200 that is read as a message (rule A12)."""
SHOWN: Final = 512
"""Number of characters of a body without a Twirp error that the error's text must contain."""

_JWT: Final = re.compile(r"eyJ[A-Za-z0-9_=-]*\.[A-Za-z0-9_=.-]*")


@dataclass(frozen=True, slots=True)
class ExpectedError:
    """The error that a caller must get."""

    code: str
    texts: tuple[str, ...] = field(repr=False)
    """The texts that its message must contain."""
    meta: Mapping[str, Any] = field(repr=False)
    sent: Sent = "yes"
    """Its `sent`: ``"maybe"`` if a gateway failed in place of the server, which may have executed the request."""

    @property
    def class_name(self) -> str:
        """The name of the error class: ``NotFoundError`` for ``not_found``."""
        return "".join(part.title() for part in self.code.split("_")) + "Error"


def expected_error(response: RecordedResponse, prefixes: Iterable[str] = ()) -> ExpectedError:
    """Return the error that a caller must get for a response that is not a success.

    Args:
        response: The recorded response.
        prefixes: Prefixes of a Twirp error's message that the package removes.
    """
    foreign = {INTERMEDIARY: "true", STATUS_CODE: str(response.status)}
    if 300 <= response.status <= 399:
        location = response.header(LOCATION) or ""
        return ExpectedError("internal", (str(response.status), location), {**foreign, META_LOCATION: masked(location)})
    value = response.message
    if isinstance(value, dict) and _is_twirp_error(value):
        code = "data_loss" if value["code"] == "dataloss" else value["code"]
        meta, text = value.get("meta"), value.get("msg") or ""
        for prefix in prefixes:
            text = text.removeprefix(prefix)
        text = masked(text)
        meta = {name: _masked(each) for name, each in meta.items()} if isinstance(meta, dict) else {}
        if (response.status, code) == (408, "canceled"):  # the client sent its timeout (rule B4)
            return ExpectedError("deadline_exceeded", (text,), {**meta, SERVER_CODE: code})
        if code in CODES:
            return ExpectedError(code, (text,), meta)
        return ExpectedError(
            "internal", (text, code), {**meta, META_BODY: masked(response.body.decode("utf-8", "replace"))}
        )
    body = masked(response.body.decode("utf-8", "replace"))
    code = CODE_OF_STATUS.get(response.status, "unknown")
    sent: Sent = "maybe" if response.status >= 500 else "yes"
    return ExpectedError(code, (str(response.status), body[:SHOWN]), {**foreign, META_BODY: body}, sent)


def _is_twirp_error(value: Mapping[str, Any]) -> bool:
    code, text = value.get("code"), value.get("msg")
    return isinstance(code, str) and code != "" and (text is None or isinstance(text, str))


def masked(text: str) -> str:
    """Replace the JWTs in a text, which no error may show (rule E1)."""
    return _JWT.sub("<token>", text)


def _masked(value: Any) -> Any:
    return masked(value) if isinstance(value, str) else json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def decoded_body(response: RecordedResponse) -> bytes:
    """Decode the content encoding of a body. Raises ValueError if it is not supported."""
    match (response.header(CONTENT_ENCODING) or "identity").lower():
        case "identity":
            return response.body
        case "gzip":
            return gzip.decompress(response.body)
        case "deflate":
            return zlib.decompress(response.body)
        case encoding:
            raise ValueError(f"the content encoding {encoding!r} is not supported")


def framed(response: RecordedResponse) -> bool:
    """Return True if a response defines its own end."""
    lengths = response.header(CONTENT_LENGTH), response.header(TRANSFER_ENCODING)
    return lengths != (None, None) or response.status in (204, 304)


def holds_message(response: RecordedResponse) -> bool:
    """Return True for a success with a protobuf message."""
    return response.status == 200 and _type(response) in MESSAGE_TYPES


def is_json(response: RecordedResponse) -> bool:
    """Return True for a response with the content type of JSON."""
    return _type(response) == JSON


def _type(response: RecordedResponse) -> str:
    return (response.header(CONTENT_TYPE) or "").partition(";")[0].strip().lower()


def differences(expected: Any, got: Any, path: str) -> Iterator[str]:
    """Compare two protojson values; yield a line for each path at which they differ."""
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
