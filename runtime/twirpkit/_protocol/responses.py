"""HTTP responses to messages and errors: the rules of Twirp's Go client, and ours (rules A3-A12, A18)."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn, TypeVar
from urllib.parse import quote

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
from twirpkit._protocol.headers import REDACTED, Secret
from twirpkit.errors import SHOWN_CHARACTERS, Code
from twirpkit.transports.base import HttpResponse

__all__ = ["ErrorResponse", "message_from_response", "read_error", "redact", "retry_after", "text_cleaner"]

Resp = TypeVar("Resp", bound=Message)

META_BYTES: Final = 64 * 1024
"""How much of a server's text, as UTF-8, an error keeps."""

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
"""Codes of answers that hold no Twirp error (rule A8); every other status is `Code.UNKNOWN`."""

_MESSAGE_TYPES: Final = frozenset(("", "application/octet-stream", PROTOBUF, "application/x-protobuf"))
"""Content types under which a message is looked for (rule A12)."""
_FIRST_CHARACTERS: Final = 64
_CONTENT_TYPE: Final = CONTENT_TYPE.lower()

_ROUTE_HINT: Final = "the server may be too old for this RPC, or the URL or its prefix is wrong"
_TOKEN_RUN: Final = re.compile(r"[A-Za-z0-9_.=-]{12,}")
_TOKEN_START: Final = re.compile(r"eyJ|eyA|ewo|ewk|ew0")
_UPPER: Final = re.compile(r"[A-Z]")


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

    def describe(self, clean: Callable[[str], str]) -> tuple[str, dict[str, str]]:
        """Return the message and metadata of the error that a caller sees.

        Args:
            clean: Makes a server's text fit to be kept, see `text_cleaner`.
        """
        if 300 <= self.response.status <= 399:
            return self._describe_redirect(clean)
        if self.intermediary:
            return self._describe_intermediary(clean)
        message = clean(self.message)
        meta = {clean(key): clean(value) for key, value in self.meta.items()}
        if self.unknown_code is not None:
            name = clean(self.unknown_code)[:SHOWN_CHARACTERS]
            message = f"the server sent the unknown error code {name!r}: {message}"
            meta[META_BODY] = clean(_text(self.response.body))
        if self.code is Code.BAD_ROUTE and "no handler for path" in message:
            message = f"{message} ({_ROUTE_HINT})"
        return message, meta

    def _describe_redirect(self, clean: Callable[[str], str]) -> tuple[str, dict[str, str]]:
        location = clean(self.response.headers.get(LOCATION.lower(), ""))
        shown = location[:SHOWN_CHARACTERS]
        message = f"unexpected redirect: HTTP {self.response.status} to {shown!r}; redirects are not followed"
        return message, {**self._intermediary_meta(), META_LOCATION: location}

    def _describe_intermediary(self, clean: Callable[[str], str]) -> tuple[str, dict[str, str]]:
        response = self.response
        body = clean(_text(response.body))
        # The reason before the body, which may be long.
        reason = "" if response.body_error is None else f" ({clean(response.body_error)})"
        message = f"HTTP {response.status} without a Twirp error{reason}: {body[:SHOWN_CHARACTERS]!r}"
        if response.status == 404 and body.strip() == "404 page not found":
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
    import email.utils  # here, because most programs never come this far

    try:
        moment = email.utils.parsedate_to_datetime(value)
        return max(0.0, moment.timestamp() - time.time())
    except (ValueError, OverflowError):
        return None


def message_from_response(cls: type[Resp], response: HttpResponse, *, secret: Secret | None = None) -> Resp | str:
    """Return the message in a complete 200, or a text that says why it does not hold one (rule A12).

    Args:
        cls: The message's class.
        response: A 200 without a `body_error`.
        secret: The Authorization header that was sent, which the text must not repeat.
    """
    content_type = response.headers.get(_CONTENT_TYPE, "").partition(";")[0].strip()
    problem = None
    if content_type.lower() in _MESSAGE_TYPES:
        try:
            return cls.FromString(response.body)
        except (google.protobuf.message.DecodeError, UnicodeDecodeError):  # the latter in protobuf's pure Python engine
            problem = f"the body of a 200 is not a {cls.DESCRIPTOR.full_name}"
    clean = text_cleaner(secret)  # only now: it costs more than a whole call does
    if problem is None:
        problem = f"a 200 of type {clean(content_type)[:SHOWN_CHARACTERS]!r} where protobuf was asked for"
    start = clean(response.body[:META_BYTES].decode(errors="backslashreplace"))[:_FIRST_CHARACTERS]
    return f"{problem}; it starts with {start!r}"


def redact(text: str, secret: Secret | None = None) -> str:
    """The text with the given secret, and whatever looks like a JWT, replaced (rules A8, E1)."""
    return _redactor(secret)(text)


def _redactor(secret: Secret | None, private: Iterable[str] = ()) -> Callable[[str], str]:
    replaced = dict.fromkeys(private, REDACTED)
    if secret is not None:
        replaced |= dict.fromkeys(_spellings(secret.reveal()), "<token>")
    if not replaced:
        return lambda text: _TOKEN_RUN.sub(_mask, text)
    # In this order a text comes before those that it starts with.
    known = re.compile("|".join(map(re.escape, sorted(replaced, reverse=True))))
    return lambda text: _TOKEN_RUN.sub(_mask, known.sub(lambda found: replaced[found.group()], text))


def text_cleaner(secret: Secret | None = None, private: Iterable[str] = ()) -> Callable[[str], str]:
    """Return a function that makes a server's text fit to be kept: no secret in it, at most `META_BYTES`, printable.

    Args:
        secret: The Authorization header that was sent: should a text repeat it, it is replaced.
        private: Texts of the request that must not show (rule E5): should a text repeat them, they are replaced.
    """
    redacted = _redactor(secret, private)

    def clean(text: str) -> str:
        # Redacted before it is cut: half a token is not known as one. Lone surrogates, which JSON can spell, cannot be
        # printed and become question marks.
        return redacted(text).encode(errors="replace")[:META_BYTES].decode(errors="ignore")

    return clean


def _spellings(authorization: str) -> list[str]:
    """The value and the credential in it as a server may repeat them: as they are, in a URL, in PHP's JSON."""
    credential = authorization.partition(" ")[2] or authorization
    forms = [(each, quote(each, safe=""), each.replace("/", r"\/")) for each in (authorization, credential)]
    return list(dict.fromkeys(spelling for form in forms for spelling in form))


def _mask(run: re.Match[str]) -> str:
    # A JWT starts with the base64 of '{"', or of '{' and white space, and has dots in it; its first part has capital
    # letters, unlike "viewonly.example.com". A run is looked at once, so a hostile text costs no more than its length.
    text = run.group()
    *before_dots, _ = text.split(".")
    position = 0
    for part in before_dots:
        start = _TOKEN_START.search(part)
        if start is not None and _UPPER.search(part, start.start()) is not None:
            return text[: position + start.start()] + "<token>"
        position += len(part) + 1
    return text


def _twirp_error(body: bytes) -> dict[str, Any] | None:
    """The error object with ``code``, ``msg`` and ``meta`` in the types they must have, or None if it is none."""
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
