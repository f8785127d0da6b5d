"""HTTP responses to messages and errors: the rules of Twirp's Go client, and ours (rules A3-A12, A18)."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn, TypeVar

import google.protobuf.message
from google.protobuf.message import Message

from twirpkit._protocol.constants import (
    CONTENT_TYPE,
    INTERMEDIARY,
    LOCATION,
    META_BODY,
    META_LOCATION,
    PROTOBUF,
    RETRY_AFTER,
    STATUS_CODE,
)
from twirpkit._protocol.server_text import META_BYTES, text_cleaner
from twirpkit._secret import Secret
from twirpkit.errors import SHOWN_CHARACTERS, Code
from twirpkit.transports.base import HttpResponse

__all__ = ["ErrorResponse", "message_from_response", "read_error", "retry_after", "seconds_until"]

Resp = TypeVar("Resp", bound=Message)

_CODE_OF_STATUS: Final = {
    400: Code.INTERNAL,
    401: Code.UNAUTHENTICATED,
    403: Code.PERMISSION_DENIED,
    404: Code.BAD_ROUTE,
    429: Code.RESOURCE_EXHAUSTED,
    502: Code.UNAVAILABLE,
    503: Code.UNAVAILABLE,
    504: Code.UNAVAILABLE,
}
"""Codes of responses that do not hold a Twirp error (rule A8); every other status is `Code.UNKNOWN`."""

_PROTOBUF_TYPES: Final = frozenset((PROTOBUF, "application/x-protobuf"))
"""Content types of a message, also of an empty one (rule A12)."""
_UNTYPED: Final = frozenset(("", "application/octet-stream"))
"""Content types under which a body may be a message, if there is one (rule A12)."""
_FIRST_CHARACTERS: Final = 64
_CONTENT_TYPE: Final = CONTENT_TYPE.lower()

_ROUTE_HINT: Final = "the server may be too old for this RPC, or the URL or its prefix is wrong"


@dataclass(frozen=True, slots=True)
class ErrorResponse:
    """A response that is not a success, read but not redacted: decisions are made on it, and nothing of it is shown."""

    code: Code
    message: str = field(repr=False)
    """The server's own words, as they were received."""
    meta: Mapping[str, str] = field(repr=False)
    """A Twirp error's metadata."""
    response: HttpResponse = field(repr=False)
    unknown_code: str | None = field(default=None, repr=False)
    """The code that the server sent, where it is not one of Twirp's."""
    intermediary: bool = False
    """True if the response was not written by a Twirp server."""

    def describe(
        self, clean: Callable[[str], str], clean_key: Callable[[str], str], *, hints: bool = True
    ) -> tuple[str, dict[str, str]]:
        """Return the message and metadata of the error that a caller sees.

        Args:
            clean: Makes a server's text fit to be kept, see `text_cleaner`.
            clean_key: The same for a key of the metadata. Callers look for it, so no text of the request is replaced.
            hints: Add what a missing route usually means.
        """
        if 300 <= self.response.status <= 399:
            return self._describe_redirect(clean)
        if self.intermediary:
            return self._describe_intermediary(clean, hints)
        message = clean(self.message)
        meta = {clean_key(key): clean(value) for key, value in self.meta.items()}
        if self.unknown_code is not None:
            name = clean(self.unknown_code)[:SHOWN_CHARACTERS]
            message = f"the server sent the unknown error code {name!r}: {message}"
            meta[META_BODY] = clean(_text(self.response.body))
        if hints and self.code is Code.BAD_ROUTE and "no handler for path" in self.message:
            message = f"{message} ({_ROUTE_HINT})"
        return message, meta

    def _describe_redirect(self, clean: Callable[[str], str]) -> tuple[str, dict[str, str]]:
        location = clean(self.response.headers.get(LOCATION.lower(), ""))
        shown = location[:SHOWN_CHARACTERS]
        message = f"unexpected redirect: HTTP {self.response.status} to {shown!r}; redirects are not followed"
        return message, {**self._intermediary_meta(), META_LOCATION: location}

    def _describe_intermediary(self, clean: Callable[[str], str], hints: bool) -> tuple[str, dict[str, str]]:
        response = self.response
        text = _text(response.body)
        body = clean(text)
        # The reason before the body, which may be long.
        reason = "" if response.body_error is None else f" ({clean(response.body_error)})"
        said = f": {body[:SHOWN_CHARACTERS]!r}" if body else ""
        message = f"HTTP {response.status}, not from a Twirp server{reason}{said}"
        if hints and response.status == 404 and text.strip() == "404 page not found":
            message = f"{message} ({_ROUTE_HINT})"
        return message, {**self._intermediary_meta(), META_BODY: body}

    def _intermediary_meta(self) -> dict[str, str]:
        return {INTERMEDIARY: "true", STATUS_CODE: str(self.response.status)}


def read_error(response: HttpResponse) -> ErrorResponse:
    """Read a response that is not a success. What it says is neither redacted nor cut."""
    if 300 <= response.status <= 399:
        return ErrorResponse(Code.INTERNAL, "", {}, response, intermediary=True)
    twirp = _twirp_error(response.body)
    if twirp is None:
        code = _CODE_OF_STATUS.get(response.status, Code.UNKNOWN)
        return ErrorResponse(code, _text(response.body), {}, response, intermediary=True)
    name = "data_loss" if twirp["code"] == "dataloss" else twirp["code"]
    try:
        return ErrorResponse(Code(name), twirp["msg"], twirp["meta"], response)
    except ValueError:
        return ErrorResponse(Code.INTERNAL, twirp["msg"], twirp["meta"], response, unknown_code=twirp["code"])


def retry_after(response: HttpResponse) -> float | None:
    """Return the seconds that ``Retry-After`` asks for, from a number or a date (RFC 9110, 10.2.3); None for none."""
    value = response.headers.get(RETRY_AFTER.lower(), "").strip()
    if re.fullmatch("[0-9]{1,9}", value):
        return float(value)
    seconds = seconds_until(value)
    return None if seconds is None else max(0.0, seconds)


def seconds_until(date: str) -> float | None:
    """Return the seconds from now until a date of HTTP, negative for one in the past; None if it is not a date."""
    import email.utils  # here, because most programs never come this far

    try:
        return email.utils.parsedate_to_datetime(date).timestamp() - time.time()
    except (ValueError, OverflowError):
        return None


def message_from_response(cls: type[Resp], response: HttpResponse, *, secret: Secret | None = None) -> Resp | str:
    """Return the message in a complete 200, or a text that says why it does not hold one (rule A12).

    Args:
        cls: The message's class.
        response: A 200 without a `body_error`.
        secret: The Authorization header that was sent, which the text must not repeat.
    """
    given = response.headers.get(_CONTENT_TYPE, "")
    content_type = given if given == PROTOBUF else given.partition(";")[0].strip().lower()
    # An empty message is a valid response, but so is the empty page of a server that knows nothing of Twirp.
    if content_type in _PROTOBUF_TYPES or (content_type in _UNTYPED and response.body):
        try:
            return cls.FromString(response.body)
        except (google.protobuf.message.DecodeError, UnicodeDecodeError):  # the latter in protobuf's pure Python engine
            problem = f"the body of a 200 is not a {cls.DESCRIPTOR.full_name}"
    elif content_type in _UNTYPED:
        kind = f"of type {content_type!r}" if content_type else "without a Content-Type"
        return f"an empty 200 {kind} was not written by a Twirp server: is something else at this URL?"
    else:
        problem = ""
    clean = text_cleaner(secret)  # only now: it costs more than a whole call does
    if not problem:
        problem = (
            f"a 200 of type {clean(given.partition(';')[0].strip())[:SHOWN_CHARACTERS]!r} where protobuf was asked for"
        )
    start = clean(response.body[:META_BYTES].decode(errors="backslashreplace"))[:_FIRST_CHARACTERS]
    return f"{problem}; it starts with {start!r}"


def _twirp_error(body: bytes) -> dict[str, Any] | None:
    """Return the error object with ``code``, ``msg`` and ``meta`` of the right types; None if it is not one."""
    try:
        # Only the first JSON value counts, so that trailing garbage does not hide the code (rule A9).
        value, _ = json.JSONDecoder(parse_constant=_refuse_constant).raw_decode(_text(body).lstrip())
        meta = value.get("meta") if isinstance(value, dict) else None
        texts = {key: _meta_text(each) for key, each in meta.items()} if isinstance(meta, dict) else {}
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict):
        return None
    code, message = value.get("code"), value.get("msg")
    message = "" if message is None else message
    if not isinstance(code, str) or not code or not isinstance(message, str):
        return None
    return {"code": code, "msg": message, "meta": texts}


def _meta_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError  # which `_twirp_error` catches


def _text(body: bytes) -> str:
    return body.decode(json.detect_encoding(body), "replace")
