"""What both transports must agree on: the bytes asked, the framing demanded of an answer, the words of a failure.

Rule A11 is kept here as far as an answer's header block decides it, so that a framing one transport refuses is refused
by the other.
"""

from __future__ import annotations

import re
import socket
import ssl
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from twirpkit.transport import HttpRequest, HttpResponse, Phase, TransportFailure
from twirpkit.transports._content import Body

__all__ = [
    "LATE",
    "MAX_HEAD",
    "MAX_LINES",
    "NO_LENGTH",
    "TOO_LONG",
    "Framing",
    "Malformed",
    "Target",
    "answer",
    "failure",
    "framing",
    "headers_of",
    "late",
    "merged",
    "target",
    "unconnected",
]

MAX_HEAD = 1 << 20
"""Bytes of a header block, and of one line in it (rule A15)."""
MAX_LINES = 1000
"""Header lines of an answer (rule A15)."""

NO_LENGTH = "the answer has neither a Content-Length nor a chunked body"
TOO_LONG = "the answer's header block is too long"
LATE = "the deadline passed"

_DEFAULT_PORT = {"http": "80", "https": "443"}
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
    scheme, netloc, port, path = match.groups()
    host = netloc[: -len(port) - 1] if port == _DEFAULT_PORT[scheme] else netloc
    return Target(f"{scheme}://{netloc}", scheme, host, path if path.startswith("/") else "/" + path)


def headers_of(request: HttpRequest, host: str) -> list[tuple[str, str]]:
    """All headers that go on the wire: those given, Host and Content-Length. Raises ValueError for a line break."""
    given = list(request.headers.items())
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


def late(deadline: float | None) -> bool:
    """Whether the deadline has passed."""
    return deadline is not None and time.monotonic() >= deadline


def answer(
    status: int, headers: dict[str, str], body: Body, flaw: str | None, *, timed_out: bool = False
) -> HttpResponse | TransportFailure:
    """What a transport hands over once the header block has come.

    An error answer keeps its status, whatever became of its body (rule A14). A 200 that ran into the deadline is no
    answer but a deadline exceeded.
    """
    if timed_out and status == 200:
        return failure(f"{LATE} during the answer's body", Phase.CUT, timed_out=True)
    return HttpResponse(status, headers, body.value, flaw)


def failure(
    reason: str, phase: Phase, cause: BaseException | None = None, *, timed_out: bool = False
) -> TransportFailure:
    """A failure, ready to be raised outside of the ``except`` block (rule E1)."""
    failed = TransportFailure(reason, phase=phase, timed_out=timed_out)
    failed.__cause__ = _plain(cause)
    return failed


def unconnected(host: str, error: BaseException) -> TransportFailure:
    """No connection to the host."""
    reason = type(error).__name__
    if isinstance(error, OSError):
        reason = error.strerror or str(error) or reason
    return failure(f"could not connect to {host}: {reason}", Phase.NOT_SENT, error)


def _plain(error: BaseException | None) -> OSError | None:
    """A copy of an OSError that remembers nothing: no library class, no traceback, no context."""
    if not isinstance(error, OSError):
        return None
    kind = type(error) if type(error) in _PLAIN else OSError
    return kind(error.errno, error.strerror) if error.errno is not None else kind(str(error))


_PLAIN = {socket.gaierror, ssl.SSLError, ssl.SSLCertVerificationError, ssl.SSLEOFError, ssl.SSLZeroReturnError}
