"""Responses as bytes: messages, Twirp errors, pages of proxies, and responses with wrong framing."""

from __future__ import annotations

import email.utils
import gzip
import json
import time
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final, Literal

from google.protobuf.message import Message

from twirpkit._protocol.constants import (
    CONTENT_ENCODING,
    CONTENT_LENGTH,
    CONTENT_TYPE,
    JSON,
    PROTOBUF,
    RETRY_AFTER,
    TRANSFER_ENCODING,
)
from twirpkit._protocol.error_statuses import STATUS_OF_CODE
from twirpkit.errors import Code
from twirpkit.testing.http_parsing import split_interim, status_of

__all__ = ["Encoding", "ScriptedResponse", "error", "framing_faults", "http", "regions", "reply", "retry_after"]

Encoding = Literal["gzip", "deflate"]


@dataclass(frozen=True, slots=True)
class ScriptedResponse:
    """The exact bytes that a server writes. `len` counts them; cuts and drips are positions in them."""

    raw: bytes = field(repr=False)
    """Interim (1xx) responses, header block and body, as they are sent."""
    content: bytes | None = field(default=None, repr=False)
    """The serialized message that a client must read from the complete response; None if it is not a success."""
    stream: Callable[[], Iterable[bytes]] | None = field(default=None, repr=False)
    """Makes the parts sent after `raw`, for each request: a body that is endless or too large for memory."""
    status: int | None = field(init=False)
    """The HTTP status; None if the bytes are not HTTP."""
    head_length: int = field(init=False, repr=False)
    """Length of the header blocks in bytes, with the blank line; all of `raw` if there is no blank line."""

    def __post_init__(self) -> None:
        interim, final = split_interim(self.raw)
        end = final.find(b"\r\n\r\n")
        object.__setattr__(self, "status", status_of(final))
        object.__setattr__(self, "head_length", len(self.raw) if end < 0 else len(interim) + end + 4)

    @property
    def is_gateway_error(self) -> bool:
        """True for a 5xx without a Twirp error: a gateway sends it, and the server may have run the request."""
        return self.status is not None and self.status >= 500 and b'"code"' not in self.raw[self.head_length :]

    def __len__(self) -> int:
        return len(self.raw)


def http(
    status: int = 200,
    body: bytes = b"",
    *,
    headers: Mapping[str, str] | Sequence[tuple[str, str]] = (),
    framed: bool = True,
    interim: Sequence[int] = (),
    content: bytes | None = None,
) -> ScriptedResponse:
    """Make any response.

    Args:
        status: The HTTP status.
        body: Its bytes on the wire.
        headers: Header lines; pairs if a name occurs several times.
        framed: False adds no Content-Length: the given headers tell the end of the body, or nothing does.
        interim: Statuses of interim responses sent before it, such as 103.
        content: The message in it, see `ScriptedResponse.content`.
    """
    lines = list(headers.items() if isinstance(headers, Mapping) else headers)
    if framed:
        lines.append((CONTENT_LENGTH, str(len(body))))
    interim_heads = b"".join(f"HTTP/1.1 {each} {_phrase(each)}\r\n\r\n".encode() for each in interim)
    head = "\r\n".join([f"HTTP/1.1 {status} {_phrase(status)}", *(f"{name}: {value}" for name, value in lines), "", ""])
    return ScriptedResponse(interim_heads + head.encode("latin-1") + body, content)


def reply(
    message: Message | bytes,
    *,
    headers: Mapping[str, str] | None = None,
    encoding: Encoding | None = None,
    chunks: int | None = None,
    interim: Sequence[int] = (),
) -> ScriptedResponse:
    """Make a successful response.

    Args:
        message: The message, or its bytes.
        headers: Added to ``Content-Type: application/protobuf``; a header of that name replaces it.
        encoding: The content encoding to compress the body with.
        chunks: Bytes per chunk of a chunked body; None sends a Content-Length.
        interim: Statuses of interim responses sent before it.
    """
    content = message if isinstance(message, bytes) else message.SerializeToString(deterministic=True)
    lines = {CONTENT_TYPE: PROTOBUF, **(headers or {})}
    body = content
    if encoding is not None:
        lines[CONTENT_ENCODING] = encoding
        body = gzip.compress(content, mtime=0) if encoding == "gzip" else zlib.compress(content)
    if chunks is not None:
        lines[TRANSFER_ENCODING] = "chunked"
        body = _chunked(body, chunks)
    return http(200, body, headers=lines, framed=chunks is None, interim=interim, content=content)


def error(
    code: Code | str,
    message: str = "",
    *,
    meta: Mapping[str, str] | None = None,
    status: int | None = None,
    headers: Mapping[str, str] | None = None,
) -> ScriptedResponse:
    """Make a response with a Twirp error.

    Args:
        code: The error code; a string may be one that Twirp does not define.
        message: The error message.
        meta: The error's metadata.
        status: The HTTP status; by default the one Twirp assigns to the code, 500 for unknown codes.
        headers: Added to ``Content-Type: application/json``, for example those of `retry_after`.
    """
    fields: dict[str, Any] = {"code": str(code), "msg": message}
    if meta is not None:
        fields["meta"] = dict(meta)
    if status is None:
        status = STATUS_OF_CODE.get(Code(code), 500) if code in Code.__members__.values() else 500
    return http(status, json.dumps(fields).encode(), headers={CONTENT_TYPE: JSON, **(headers or {})})


def retry_after(seconds: float, *, date: bool = False) -> dict[str, str]:
    """Return a Retry-After header (RFC 9110, section 10.2.3): whole seconds, or an HTTP date if `date` is true."""
    moment = email.utils.formatdate(time.time() + seconds, usegmt=True)
    return {RETRY_AFTER: moment if date else f"{seconds:.0f}"}


def regions(urls: Mapping[str, str] | Iterable[str], *, max_age: int | None = None) -> ScriptedResponse:
    """Make the response to a discovery request: a list of regions (rule D2).

    Args:
        urls: The URL of each region by name, nearest first. URLs without names are called ``region-1`` and so on.
        max_age: Seconds for which the list may be cached; None sends no such header.
    """
    named = urls if isinstance(urls, Mapping) else {f"region-{n}": url for n, url in enumerate(urls, 1)}
    listed = [{"region": name, "url": url, "distance": str(far)} for far, (name, url) in enumerate(named.items())]
    headers = {CONTENT_TYPE: JSON}
    if max_age is not None:
        headers["Cache-Control"] = f"max-age={max_age}"
    return http(200, json.dumps({"regions": listed}).encode(), headers=headers)


def framing_faults(message: Message | bytes) -> dict[str, ScriptedResponse]:
    """Return, by name, responses that contain the whole message but must not be read as a success.

    The rules are A11, A13 and A15.
    """
    body = message if isinstance(message, bytes) else message.SerializeToString(deterministic=True)
    kind = (CONTENT_TYPE, PROTOBUF)
    length = (CONTENT_LENGTH, str(len(body)))
    chunked = (TRANSFER_ENCODING, "chunked")
    whole = _chunked(body, max(1, len(body)))

    def framed(body: bytes, *headers: tuple[str, str]) -> ScriptedResponse:
        return http(200, body, headers=[kind, *headers], framed=False)

    return {
        "no length": framed(body),
        "two lengths": framed(body, length, (CONTENT_LENGTH, str(len(body) + 1))),
        "a length that is not a number": framed(body, (CONTENT_LENGTH, "many")),
        "a negative length": framed(body, (CONTENT_LENGTH, "-1")),
        "a length too large": framed(body, (CONTENT_LENGTH, str(len(body) + 1))),
        "a length and chunks": framed(whole, length, chunked),
        "an unknown transfer coding": framed(whole, (TRANSFER_ENCODING, "gzip, chunked")),
        "a chunk without a size": framed(b"\r\n" + whole, chunked),
        "a chunk with a bad size": framed(b"zz\r\n" + whole, chunked),
        "a chunk longer than its size": framed(b"1\r\nxx\r\n0\r\n\r\n", chunked),
        "chunks without an end": framed(whole.removesuffix(b"0\r\n\r\n"), chunked),
        "chunks without the last line": framed(whole.removesuffix(b"\r\n"), chunked),
        "an encoding that is not there": framed(body or b"x", length if body else (CONTENT_LENGTH, "1"), _GZIP),
        "an unknown encoding": framed(body, length, (CONTENT_ENCODING, "zstd")),
        "not HTTP": ScriptedResponse(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"),
        "HTTP/0.9": ScriptedResponse(body or b"hello"),
        "TLS": ScriptedResponse(b"\x15\x03\x01\x00\x02\x02\x46"),
        "nothing": ScriptedResponse(b""),
    }


_GZIP: Final = (CONTENT_ENCODING, "gzip")


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


def _chunked(body: bytes, size: int) -> bytes:
    parts = (body[start : start + size] for start in range(0, len(body), size))
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
