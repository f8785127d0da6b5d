"""An HTTP answer becomes a message or a `TwirpError`: the rules of Twirp's Go client, and ours (rules A3-A12, A18)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from typing import Any, Final, NoReturn, TypeVar
from urllib.parse import quote

import google.protobuf.message
from google.protobuf.message import Message

from twirpkit.errors import SHOWN_CHARACTERS, Code, DecodeError, TwirpError, error_class
from twirpkit.headers import REDACTED, Secret
from twirpkit.transport import HttpResponse

__all__ = ["error_from_response", "message_from_response", "redact"]

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

_MESSAGE_TYPES: Final = frozenset(("", "application/octet-stream", "application/protobuf", "application/x-protobuf"))
"""Content types under which a message is looked for (rule A12)."""
_FIRST_CHARACTERS: Final = 64

_ROUTE_HINT: Final = "the server may be too old for this RPC, or the URL or its prefix is wrong"
_TOKEN_RUN: Final = re.compile(r"[A-Za-z0-9_.=-]{12,}")
_TOKEN_START: Final = re.compile(r"eyJ|eyA|ewo|ewk|ew0")
_UPPER: Final = re.compile(r"[A-Z]")


def error_from_response(
    response: HttpResponse, *, secret: Secret | None = None, private: Iterable[str] = ()
) -> TwirpError:
    """The error that an answer stands for.

    Args:
        response: Any answer that is not a success.
        secret: The Authorization value that was sent: should the answer repeat it, it is replaced.
        private: Texts of the request that must not show (rule E5): should the answer repeat them, they are replaced.

    Returns:
        The error, without ``attempts``, ``sent`` and ``request_id``, which the call knows.
    """
    clean = _cleaner(secret, private)
    if 300 <= response.status <= 399:
        return _redirect(response, clean)
    twirp = _twirp_error(response.body)
    if twirp is None:
        return _intermediary(response, clean)
    meta = {clean(key): clean(value) for key, value in twirp["meta"].items()}
    message = clean(twirp["msg"])
    try:
        code = Code("data_loss" if twirp["code"] == "dataloss" else twirp["code"])
    except ValueError:
        code = Code.INTERNAL
        name = clean(twirp["code"])[:SHOWN_CHARACTERS]
        message = f"the server sent the unknown error code {name!r}: {message}"
        meta["body"] = clean(_text(response.body))
    if code is Code.BAD_ROUTE and "no handler for path" in message:
        message = f"{message} ({_ROUTE_HINT})"
    return error_class(code)(code, message, meta=meta, status=response.status)


def message_from_response(
    cls: type[Resp], response: HttpResponse, *, secret: Secret | None = None
) -> Resp | DecodeError:
    """The message in a whole 200, or the error that it holds none (rule A12).

    Args:
        cls: The message's class.
        response: A 200 without a flaw.
        secret: As for `error_from_response`.

    Returns:
        The message; or the error, which lacks what that of `error_from_response` lacks.
    """
    content_type = response.headers.get("content-type", "").partition(";")[0].strip()
    problem = None
    if content_type.lower() in _MESSAGE_TYPES:
        try:
            return cls.FromString(response.body)
        except (google.protobuf.message.DecodeError, UnicodeDecodeError):  # the latter in protobuf's pure Python engine
            problem = f"the body of a 200 is no {cls.DESCRIPTOR.full_name}"
    clean = _cleaner(secret)  # only now: it costs more than a whole call does
    if problem is None:
        problem = f"a 200 of type {clean(content_type)[:SHOWN_CHARACTERS]!r} where protobuf was asked for"
    start = clean(response.body[:META_BYTES].decode(errors="backslashreplace"))[:_FIRST_CHARACTERS]
    return DecodeError(Code.INTERNAL, f"{problem}; it starts with {start!r}", status=200)


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


def _cleaner(secret: Secret | None, private: Iterable[str] = ()) -> Callable[[str], str]:
    """What makes a server's text fit to be kept: no token in it, at most `META_BYTES` long, printable."""
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


def _redirect(response: HttpResponse, clean: Callable[[str], str]) -> TwirpError:
    location = clean(response.headers.get("location", ""))
    return error_class(Code.INTERNAL)(
        Code.INTERNAL,
        f"unexpected redirect: HTTP {response.status} to {location[:SHOWN_CHARACTERS]!r}; redirects are not followed",
        meta={**_intermediary_meta(response), "location": location},
        status=response.status,
    )


def _intermediary(response: HttpResponse, clean: Callable[[str], str]) -> TwirpError:
    body = clean(_text(response.body))
    code = _CODE_OF_STATUS.get(response.status, Code.UNKNOWN)
    flaw = "" if response.flaw is None else f" ({clean(response.flaw)})"  # before the body, which may be long
    message = f"HTTP {response.status} without a Twirp error{flaw}: {body[:SHOWN_CHARACTERS]!r}"
    if response.status == 404 and body.strip() == "404 page not found":
        message = f"{message} ({_ROUTE_HINT})"
    return error_class(code)(code, message, meta={**_intermediary_meta(response), "body": body}, status=response.status)


def _intermediary_meta(response: HttpResponse) -> dict[str, str]:
    # The names are those of Twirp's Go client, so that alerts and dashboards can be shared.
    return {"http_error_from_intermediary": "true", "status_code": str(response.status)}


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
