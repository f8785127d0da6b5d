"""What both transports must agree on: the bytes asked, the framing demanded of an answer, the words of a failure.

Rule A11 is kept here as far as an answer's header block decides it, so that a framing one transport refuses is refused
by the other.
"""

from __future__ import annotations

import os
import re
import selectors
import socket
import ssl
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from twirpkit.transports._content import Body, Flawed, Oversized
from twirpkit.transports.base import HttpRequest, HttpResponse, Phase, TransportFailure

__all__ = [
    "IDLE",
    "LATE",
    "MAX_HEAD",
    "MAX_LINES",
    "NO_LENGTH",
    "TOO_LONG",
    "Framing",
    "Lines",
    "Malformed",
    "Target",
    "answer",
    "check_announced",
    "earliest",
    "failure",
    "framing",
    "headers_of",
    "late",
    "merged",
    "new_body",
    "readable",
    "target",
    "too_slow",
    "unconnected",
]

MAX_HEAD = 1 << 20
"""Bytes of a header block, and of one line in it (rule A15)."""
MAX_LINES = 1000
"""Header lines of an answer (rule A15)."""

MAX_ERROR = 1 << 20
"""Decoded bytes of an answer that is no 200 (rule A13)."""
IDLE = 4.0
"""Seconds after which a kept connection is not used again; Node and uvicorn close theirs after 5 (rule C7)."""

NO_LENGTH = "the answer has neither a Content-Length nor a chunked body"
TOO_LONG = "the answer's header block is too long"
LATE = "the deadline passed"

_DEFAULT_PORT = {"http": 80, "https": 443}
_Selector = getattr(selectors, "PollSelector", selectors.SelectSelector)  # the first needs no descriptor of its own
_BODILESS = {"GET", "HEAD", "OPTIONS", "TRACE"}  # an empty body of these has no Content-Length
_URL = re.compile(
    r"(https?)://((?:\[[0-9A-Fa-f:.]+\]|[^]\[/?#@:\s\\]+)(?::(\d+))?)((?:[/?][^#\x00- \x7f]*)?)", re.ASCII
)
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_NAME_BYTES = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_LENGTH = re.compile("[0-9]{1,18}")
_CONTROL = re.compile(rb"[\0\r\n]")
_BREAKING = re.compile("[\r\n\0]")


class Malformed(Exception):
    """A header block that cannot be taken. Internal to the transports: its text becomes a `TransportFailure`'s."""


class Target(NamedTuple):
    """A URL as a request needs it."""

    origin: str
    """Scheme, host and port, as given."""
    scheme: str
    name: str
    """The host alone, an IPv6 address without brackets."""
    port: int
    host: str
    """For the Host header: without the scheme's default port."""
    path: str
    """Path and query, as given."""


class Framing(NamedTuple):
    """How an answer says where its body ends: at a length, in chunks, or (both unset) not at all."""

    length: int | None
    chunked: bool


def target(url: str) -> Target:
    """Split a URL without touching its path. Raises ValueError for what cannot stand in a request."""
    match = _URL.fullmatch(url)
    if match is None or not url.isascii():
        raise ValueError("the URL of a request must be http or https, in ASCII, without userinfo and fragment")
    scheme, host, digits, path = match.groups()
    port = int(digits or _DEFAULT_PORT[scheme])
    bare = host.removesuffix(f":{digits}")
    return Target(
        origin=f"{scheme}://{host}",
        scheme=scheme,
        name=bare.strip("[]"),
        port=port,
        host=bare if port == _DEFAULT_PORT[scheme] else host,
        path=path if path.startswith("/") else "/" + path,
    )


class Lines(list[tuple[str, str]]):
    """Header lines of a request; a traceback with local variables does not show them (rule E1)."""

    def __repr__(self) -> str:
        return f"<{len(self)} header lines>"


def headers_of(request: HttpRequest, host: str) -> Lines:
    """All headers that go on the wire: those given, Host and Content-Length. Raises ValueError for a line break."""
    given = Lines(request.headers.items())
    for name, value in given:
        if _NAME.fullmatch(name) is None or _BREAKING.search(value) is not None:
            raise ValueError(f"header {name!r} cannot be sent: a bad name, or a line break or NUL in its value")
    names = {name.lower() for name, _ in given}
    if "host" not in names:
        given.insert(0, ("Host", host))
    if "content-length" not in names and (request.body or request.method not in _BODILESS):
        given.append(("Content-Length", str(len(request.body))))
    return given


def merged(lines: Sequence[tuple[bytes, bytes]]) -> dict[str, str]:
    """Header lines as one mapping: lower-case names, lines of one name joined. Raises `Malformed`."""
    headers: dict[str, str] = {}
    size = 0
    for raw_name, raw_value in lines:
        if _NAME_BYTES.fullmatch(raw_name) is None:
            raise Malformed("the answer has a header line without a proper name")
        if _CONTROL.search(raw_value) is not None:
            raise Malformed("the answer has a header line with a control character")
        size += len(raw_name) + len(raw_value) + len(": \r\n")
        name = raw_name.decode("ascii").lower()
        value = _text(raw_value.strip(b" \t"))
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    if size > MAX_HEAD or len(lines) > MAX_LINES:
        raise Malformed(TOO_LONG)
    return headers


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")  # HTTP's own charset of old, and it has a character for every byte


def framing(method: str, status: int, headers: Mapping[str, str]) -> Framing:
    """Where the body of an answer ends. Raises `Malformed` for a header with two readings, or none (rule A11)."""
    length = headers.get("content-length")
    coding = headers.get("transfer-encoding")
    if length is not None and coding is not None:
        raise Malformed("the answer has a Content-Length and a Transfer-Encoding")
    if length is not None and _LENGTH.fullmatch(length) is None:
        raise Malformed("the answer's Content-Length is not one number")
    if coding is not None and coding.lower() != "chunked":
        raise Malformed("the answer's Transfer-Encoding is not chunked")
    if method == "HEAD" or status in (101, 204, 304):
        return Framing(0, False)
    return Framing(None if length is None else int(length), coding is not None)


def new_body(request: HttpRequest, status: int, headers: Mapping[str, str]) -> Body:
    """What collects the body of an answer, no further than the request allows (rule A13)."""
    limit = request.max_body if status == 200 else min(request.max_body, MAX_ERROR)
    return Body(headers.get("content-encoding"), limit)


def check_announced(body: Body, status: int, frame: Framing) -> None:
    """Raise `Oversized` where a success says itself that it is too large. Of an error answer the beginning is read."""
    if status == 200 and frame.length is not None:
        body.expect(frame.length)


def readable(sock: int) -> bool:
    """Whether a socket, given by its descriptor, has something to read, or has ended: an idle one must have neither."""
    with _Selector() as selector:
        selector.register(sock, selectors.EVENT_READ)
        return bool(selector.select(0))


def earliest(*moments: float | None) -> float | None:
    """The first of some moments, where None is never."""
    return min((moment for moment in moments if moment is not None), default=None)


def late(deadline: float | None) -> bool:
    """Whether the deadline has passed."""
    return deadline is not None and time.monotonic() >= deadline


def answer(
    status: int, headers: dict[str, str], body: Body, flaw: Flawed | None, *, timed_out: bool = False
) -> HttpResponse | TransportFailure:
    """What a transport hands over once the header block has come.

    An error answer keeps its status, whatever became of its body (rule A14). A 200 that ran into the deadline is no
    answer but a deadline exceeded; one that is too large is not handed over in part.
    """
    if timed_out and status == 200:
        return failure(f"{LATE} during the answer's body", Phase.CUT, timed_out=True)
    oversized = isinstance(flaw, Oversized)
    value = b"" if oversized and status == 200 else body.value
    return HttpResponse(status, headers, value, None if flaw is None else str(flaw), oversized)


def failure(
    reason: str, phase: Phase, cause: BaseException | None = None, *, timed_out: bool = False
) -> TransportFailure:
    """Return a failure that remembers nothing of a library's exception (rule E1)."""
    return TransportFailure(reason, phase, timed_out, _plain(cause))


def unconnected(where: str, why: str | BaseException) -> TransportFailure:
    """No connection."""
    if isinstance(why, str):
        return failure(f"could not connect to {where}: {why}", Phase.NOT_SENT)
    plain = _plain(why)
    reason = type(why).__name__ if plain is None else plain.strerror or str(plain) or type(why).__name__
    if "WRONG_VERSION_NUMBER" in reason:  # OpenSSL's words for an answer that is no TLS at all
        reason = f"{reason} (does it speak http, without TLS?)"
    return failure(f"could not connect to {where}: {reason}", Phase.NOT_SENT, why)


def too_slow(where: str, deadline: float | None) -> TransportFailure:
    """No connection in time: before the deadline, or before the earlier moment by which it had to stand (rule B2)."""
    if late(deadline):
        return failure(f"{LATE} while connecting to {where}", Phase.NOT_SENT, timed_out=True)
    return failure(f"connecting to {where} took too long", Phase.NOT_SENT)


def _plain(error: BaseException | None) -> OSError | None:
    """A copy of an OSError that remembers nothing: no library class, no traceback, no context."""
    if not isinstance(error, OSError):
        return None
    kind = type(error) if type(error) in _PLAIN else OSError
    if error.errno is None:
        return kind(str(error))
    # asyncio has "Connect call failed" for every reason; name resolution and TLS have numbers of their own.
    return kind(error.errno, os.strerror(error.errno) if kind is OSError else error.strerror)


_PLAIN = {socket.gaierror, ssl.SSLError, ssl.SSLCertVerificationError, ssl.SSLEOFError, ssl.SSLZeroReturnError}
