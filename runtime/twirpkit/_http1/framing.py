"""Body framing: the place where the body of a response ends, and the decision to reuse its connection (rule A11).

A body reader takes the bytes after the header block and passes the content on to a `Body`. It takes no more bytes
than belong to the response: what follows them is never read as part of anything, and ends the connection.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from typing import Final, Protocol

from twirpkit._http1.content import Body, BodyError
from twirpkit._http1.grammar import NAME_CHARACTER, VALUE_CHARACTER
from twirpkit._http1.head import check_framing_headers
from twirpkit._http1.limits import MAX_HEAD, MAX_LINES

__all__ = ["NO_LENGTH", "BodyReader", "Unsized", "body_reader", "may_reuse", "response_framing"]

NO_LENGTH: Final = "the response has neither a Content-Length nor a chunked body"
_NOT_CHUNKS: Final = "the response's chunks are not HTTP"
_LONG_EXTENSIONS: Final = "the response's chunk extensions are too long"
_LONG_TRAILERS: Final = "the response's trailers are too long"
_MAX_DIGITS: Final = 15
_CHUNK: Final = rf"([0-9A-Fa-f]{{1,{_MAX_DIGITS}}})[ \t]*(?:;{VALUE_CHARACTER}*+)?"
_CHUNK_LINE: Final = re.compile(_CHUNK.encode())
_WHOLE_CHUNK_LINE: Final = re.compile(rf"{_CHUNK}\r\n".encode())
_TRAILER: Final = re.compile(rf"({NAME_CHARACTER}++):{VALUE_CHARACTER}*+".encode())
_FRAMING_HEADERS: Final = (b"content-length", b"transfer-encoding")


class Unsized(enum.Enum):
    """Framing of a body without a Content-Length."""

    CHUNKED = "chunked"
    """It ends with its last chunk."""
    UNFRAMED = "unframed"
    """It ends nowhere: the end of the connection may be that of the body, or not."""


def response_framing(method: str, minor: int, status: int, headers: Mapping[str, str]) -> int | Unsized:
    """Return the framing of a response's body: its length in bytes, or an `Unsized`.

    Args:
        method: The method of the request.
        minor: The digit after "HTTP/1." in the response.
        status: The status of the response.
        headers: The headers of the response, names in lower case.

    Raises:
        BadResponse: The headers allow two readings, or none.
    """
    check_framing_headers(minor, headers)
    if method == "HEAD" or status in (101, 204, 304):
        return 0
    length = headers.get("content-length")
    if length is not None:
        return int(length)
    return Unsized.CHUNKED if "transfer-encoding" in headers else Unsized.UNFRAMED


def may_reuse(
    minor: int,
    status: int,
    headers: Mapping[str, str],
    *,
    request_sent: bool,
    bytes_beyond: bool,
) -> bool:
    """Return True if another request may be sent on the connection of a response that was read to its end.

    After any other end, be it an error of the body alone, it may not.

    Args:
        minor: The digit after "HTTP/1." in the response: HTTP/1.0 has no persistent connections that all agree on.
        status: The status of the response: after a 101 the connection speaks another protocol.
        headers: The headers of the response, names in lower case.
        request_sent: True if the whole request was sent.
        bytes_beyond: True if bytes were received after that end: they are not a response to any request.
    """
    if not request_sent or bytes_beyond or minor == 0 or status == 101:
        return False
    if status == 204 and ("transfer-encoding" in headers or headers.get("content-length", "0") != "0"):
        return False  # a body is announced where none can be: it may follow, and would be read as the next response
    connection = headers.get("connection")
    return connection is None or all(option.strip().lower() != "close" for option in connection.split(","))


class BodyReader(Protocol):
    """Reader of a body with one kind of framing."""

    @property
    def wanted(self) -> int:
        """Bytes that are certain to follow, at least: a hint for the size of the next read."""
        ...

    def feed(self, data: bytes | memoryview, start: int, body: Body, /) -> int:
        """Pass on the content in `data` from index `start`; return the index of the body's end, or -1 if it goes on.

        A view holds `wanted` bytes at most: content, and nothing else.

        Raises `BodyError`.
        """
        ...

    def cut(self) -> str:
        """Return the error text for a connection that ends here."""
        ...


def body_reader(framing: int | Unsized) -> BodyReader:
    """Return the reader for a framing."""
    if framing is Unsized.CHUNKED:
        return _Chunks()
    return _Rest() if framing is Unsized.UNFRAMED else _Length(framing)


class _Length:
    """Reader of a body with a Content-Length."""

    __slots__ = ("wanted",)

    def __init__(self, length: int) -> None:
        self.wanted = length

    def feed(self, data: bytes | memoryview, start: int, body: Body, /) -> int:
        came = len(data) - start
        if came < self.wanted:
            self.wanted -= came
            body.feed(memoryview(data)[start:])
            return -1
        end = start + self.wanted
        self.wanted = 0
        body.feed(memoryview(data)[start:end])
        return end

    def cut(self) -> str:
        return f"the response was cut {self.wanted} bytes before the end of its body"


class _Rest:
    """Reader of a body without an end: read as far as its limit allows, for the error that it is part of."""

    __slots__ = ()

    wanted = 0

    def feed(self, data: bytes | memoryview, start: int, body: Body, /) -> int:
        body.feed(memoryview(data)[start:])
        return -1

    def cut(self) -> str:
        return NO_LENGTH


class _Chunks:
    """Reader of a chunked body (RFC 9112, 7.1).

    Lines end in CRLF: elsewhere a bare line feed is tolerated, here other readers would see other chunks.
    """

    __slots__ = ("_line", "_line_ends", "_room", "_trailers", "wanted")

    def __init__(self) -> None:
        self.wanted = 0
        """Bytes of the current chunk that are still to come."""
        self._line_ends = b""
        """The part of the line end after a chunk's content that is still to come."""
        self._line = bytearray()
        """The beginning of a line that is not complete."""
        self._room = MAX_HEAD
        """Bytes that there may still be of chunk extensions, then of trailers."""
        self._trailers: int | None = None
        """The number of trailers so far, None before the last chunk."""

    def feed(self, data: bytes | memoryview, start: int, body: Body, /) -> int:
        view = memoryview(data)
        if isinstance(data, memoryview):
            self.wanted -= len(data)
            body.feed(data)
            return -1
        position = start
        while position < len(data):
            if self.wanted:
                end = min(position + self.wanted, len(data))
                body.feed(view[position:end])
                self.wanted -= end - position
                position = end
            elif self._line_ends:
                if not self._line_ends.startswith(data[position : position + 1]):
                    raise BodyError(_NOT_CHUNKS)
                self._line_ends = self._line_ends[1:]
                position += 1
            elif not self._line and self._trailers is None and (chunk := _WHOLE_CHUNK_LINE.match(data, position)):
                self._start_chunk(chunk[1], chunk.end() - position - len(b"\r\n"))
                position = chunk.end()
                end = position + self.wanted
                if self.wanted and data.startswith(b"\r\n", end):  # most chunks are short and complete
                    body.feed(view[position:end])
                    self.wanted = 0
                    self._line_ends = b""
                    position = end + len(b"\r\n")
            else:
                newline = data.find(b"\n", position)
                self._line += view[position : newline if newline >= 0 else None]
                self._check_size()
                if newline < 0:
                    return -1
                position = newline + 1
                if self._take_line():
                    return position
        return -1

    def _check_size(self) -> None:
        """Refuse a line that is too long, complete or not. Raises `BodyError`."""
        size = len(self._line) - self._line.endswith(b"\r")
        if self._trailers is not None:
            if size > self._room:
                raise BodyError(_LONG_TRAILERS)
        elif size > self._room + _MAX_DIGITS:
            raise BodyError(_LONG_EXTENSIONS)

    def _take_line(self) -> bool:
        """Read a line that is complete; True if it ends the body. Raises `BodyError`."""
        line = bytes(self._line)
        self._line.clear()
        if not line.endswith(b"\r"):
            raise BodyError(_NOT_CHUNKS)
        line = line[:-1]
        if self._trailers is None:
            chunk = _CHUNK_LINE.fullmatch(line)
            if chunk is None:
                raise BodyError("the response has a chunk without a proper size")
            self._start_chunk(chunk[1], len(line))
            return False
        if line:
            self._check_trailer(line)
        return not line

    def _start_chunk(self, digits: bytes, line_size: int) -> None:
        self._room -= line_size - len(digits)
        if self._room < 0:
            raise BodyError(_LONG_EXTENSIONS)
        self.wanted = int(digits, 16)
        if self.wanted:
            self._line_ends = b"\r\n"
        else:
            self._trailers = 0
            self._room = MAX_HEAD

    def _check_trailer(self, line: bytes) -> None:
        """Check a trailer, and drop it: nothing that a call needs stands there."""
        self._room -= len(line)
        self._trailers = (self._trailers or 0) + 1
        if self._trailers > MAX_LINES:
            raise BodyError(_LONG_TRAILERS)
        trailer = _TRAILER.fullmatch(line)
        if trailer is None:
            raise BodyError("the response has a trailer that is not a header line")
        if trailer[1].lower() in _FRAMING_HEADERS:
            raise BodyError("the response has a Content-Length or a Transfer-Encoding in its trailers")

    def cut(self) -> str:
        if self.wanted:
            return f"the response was cut {self.wanted} bytes before the end of its body"
        return "the response was cut inside its chunks"
