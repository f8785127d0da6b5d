"""Answers as bytes: messages, Twirp errors, whatever a proxy may say, and framing that is wrong."""

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

from twirpkit.errors import Code
from twirpkit.testing.http_parsing import split_interim, status_of

__all__ = ["Answer", "Encoding", "error", "framing_faults", "http", "regions", "reply", "retry_after"]

Encoding = Literal["gzip", "deflate"]

STATUS_OF_CODE: Final[Mapping[Code, int]] = {
    Code.CANCELED: 408,
    Code.UNKNOWN: 500,
    Code.INVALID_ARGUMENT: 400,
    Code.MALFORMED: 400,
    Code.DEADLINE_EXCEEDED: 408,
    Code.NOT_FOUND: 404,
    Code.BAD_ROUTE: 404,
    Code.ALREADY_EXISTS: 409,
    Code.PERMISSION_DENIED: 403,
    Code.UNAUTHENTICATED: 401,
    Code.RESOURCE_EXHAUSTED: 429,
    Code.FAILED_PRECONDITION: 412,
    Code.ABORTED: 409,
    Code.OUT_OF_RANGE: 400,
    Code.UNIMPLEMENTED: 501,
    Code.INTERNAL: 500,
    Code.UNAVAILABLE: 503,
    Code.DATA_LOSS: 503,
}
"""The status under which a Twirp v7 server sends each code."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server writes: exactly these bytes. `len` counts them, and cuts and drips are positions in them."""

    raw: bytes = field(repr=False)
    """Interim (1xx) answers, header block and body, as they go on the wire."""
    content: bytes | None = field(default=None, repr=False)
    """The message in it, serialized: what a client must make of the whole answer. None: it stands for no success."""
    pours: Callable[[], Iterable[bytes]] | None = field(default=None, repr=False)
    """Makes what follows `raw`, anew for each request: a body too large to be held, or without an end."""
    status: int | None = field(init=False)
    """None: these bytes are no HTTP."""
    head_length: int = field(init=False, repr=False)
    """Bytes of header blocks, the blank line included; all of `raw` where that is missing."""

    def __post_init__(self) -> None:
        interim, final = split_interim(self.raw)
        end = final.find(b"\r\n\r\n")
        object.__setattr__(self, "status", status_of(final))
        object.__setattr__(self, "head_length", len(self.raw) if end < 0 else len(interim) + end + 4)

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
) -> Answer:
    """Any answer.

    Args:
        status: The HTTP status.
        body: Its bytes on the wire.
        headers: Header lines, several of one name as pairs.
        framed: Whether to add the Content-Length. False: the headers say where the body ends, or nothing does.
        interim: Statuses of interim answers that come before it, such as 103.
        content: The message in it, see `Answer.content`.
    """
    lines = list(headers.items() if isinstance(headers, Mapping) else headers)
    if framed:
        lines.append(("Content-Length", str(len(body))))
    before = b"".join(f"HTTP/1.1 {each} {_phrase(each)}\r\n\r\n".encode() for each in interim)
    head = "\r\n".join([f"HTTP/1.1 {status} {_phrase(status)}", *(f"{name}: {value}" for name, value in lines), "", ""])
    return Answer(before + head.encode("latin-1") + body, content)


def reply(
    message: Message | bytes,
    *,
    headers: Mapping[str, str] | None = None,
    encoding: Encoding | None = None,
    chunks: int | None = None,
    interim: Sequence[int] = (),
) -> Answer:
    """A success.

    Args:
        message: The message, or its bytes.
        headers: Beside ``Content-Type: application/protobuf``; a header of the same name replaces it.
        encoding: Compress the body.
        chunks: Send it chunked, this many bytes a chunk, rather than with a Content-Length.
        interim: Statuses of interim answers that come before it.
    """
    content = message if isinstance(message, bytes) else message.SerializeToString(deterministic=True)
    lines = {"Content-Type": "application/protobuf", **(headers or {})}
    body = content
    if encoding is not None:
        lines["Content-Encoding"] = encoding
        body = gzip.compress(content, mtime=0) if encoding == "gzip" else zlib.compress(content)
    if chunks is not None:
        lines["Transfer-Encoding"] = "chunked"
        body = _chunked(body, chunks)
    return http(200, body, headers=lines, framed=chunks is None, interim=interim, content=content)


def error(
    code: Code | str,
    message: str = "",
    *,
    meta: Mapping[str, str] | None = None,
    status: int | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """A Twirp error.

    Args:
        code: Its code; a string may be one that Twirp does not know.
        message: Its text.
        meta: Its metadata.
        status: Default: the code's own, 500 for unknown codes.
        headers: Beside ``Content-Type: application/json``, for example `retry_after`'s.
    """
    told: dict[str, Any] = {"code": str(code), "msg": message}
    if meta is not None:
        told["meta"] = dict(meta)
    if status is None:
        status = STATUS_OF_CODE.get(Code(code), 500) if code in Code.__members__.values() else 500
    return http(status, json.dumps(told).encode(), headers={"Content-Type": "application/json", **(headers or {})})


def retry_after(seconds: float, *, date: bool = False) -> dict[str, str]:
    """The header that asks to wait (RFC 9110, 10.2.3): in whole seconds, or (`date`) until a moment."""
    moment = email.utils.formatdate(time.time() + seconds, usegmt=True)
    return {"Retry-After": moment if date else f"{seconds:.0f}"}


def regions(urls: Mapping[str, str] | Iterable[str], *, max_age: int | None = None) -> Answer:
    """The list of regions that a discovery request asks for (rule D2).

    Args:
        urls: Where each region is, nearest first; without names, they are called ``region-1`` and so on.
        max_age: Seconds that the list may be kept, None for no such header.
    """
    named = urls if isinstance(urls, Mapping) else {f"region-{n}": url for n, url in enumerate(urls, 1)}
    told = [{"region": name, "url": url, "distance": str(far)} for far, (name, url) in enumerate(named.items())]
    headers = {"Content-Type": "application/json"}
    if max_age is not None:
        headers["Cache-Control"] = f"max-age={max_age}"
    return http(200, json.dumps({"regions": told}).encode(), headers=headers)


def framing_faults(message: Message | bytes) -> dict[str, Answer]:
    """Answers that hold a whole message and yet must not be taken for a success (rules A11, A13, A15), by name."""
    body = message if isinstance(message, bytes) else message.SerializeToString(deterministic=True)
    kind = ("Content-Type", "application/protobuf")
    length = ("Content-Length", str(len(body)))
    chunked = ("Transfer-Encoding", "chunked")
    whole = _chunked(body, max(1, len(body)))

    def framed(body: bytes, *headers: tuple[str, str]) -> Answer:
        return http(200, body, headers=[kind, *headers], framed=False)

    return {
        "no length": framed(body),
        "two lengths": framed(body, length, ("Content-Length", str(len(body) + 1))),
        "a length that is no number": framed(body, ("Content-Length", "many")),
        "a negative length": framed(body, ("Content-Length", "-1")),
        "a length too large": framed(body, ("Content-Length", str(len(body) + 1))),
        "a length and chunks": framed(whole, length, chunked),
        "an unknown transfer coding": framed(whole, ("Transfer-Encoding", "gzip, chunked")),
        "a chunk without a size": framed(b"\r\n" + whole, chunked),
        "a chunk with a bad size": framed(b"zz\r\n" + whole, chunked),
        "a chunk longer than its size": framed(b"1\r\nxx\r\n0\r\n\r\n", chunked),
        "chunks without an end": framed(whole.removesuffix(b"0\r\n\r\n"), chunked),
        "chunks without the last line": framed(whole.removesuffix(b"\r\n"), chunked),
        "an encoding that is not there": framed(body or b"x", length if body else ("Content-Length", "1"), _GZIP),
        "an unknown encoding": framed(body, length, ("Content-Encoding", "zstd")),
        "no HTTP": Answer(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"),
        "HTTP/0.9": Answer(body or b"hello"),
        "TLS": Answer(b"\x15\x03\x01\x00\x02\x02\x46"),
        "nothing": Answer(b""),
    }


_GZIP: Final = ("Content-Encoding", "gzip")


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


def _chunked(body: bytes, size: int) -> bytes:
    parts = (body[start : start + size] for start in range(0, len(body), size))
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
