"""HTTP/1.1 on the server's side (RFC 9112): a request reader, and the end of a prepared response.

It shares no parser with the clients that the server tests.
"""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass, field
from typing import Final

from twirpkit._protocol.constants import CONTENT_LENGTH, TRANSFER_ENCODING

__all__ = ["ReceivedRequest", "RequestReader", "ends_itself", "split_interim", "status_of"]

HEAD_LIMIT: Final = 4 * 1024 * 1024
"""Maximum size of a request's header block in bytes."""
BODY_LIMIT: Final = 64 * 1024 * 1024
"""Maximum size of a request's body in bytes."""

_STATUS_LINE: Final = re.compile(rb"HTTP/(\d\.\d) (\d{3})(?: [^\r\n]*)?\Z")
_BODILESS: Final = frozenset((b"204", b"304"))


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """One request as it was received."""

    method: str
    target: str
    version: str
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    """Header lines in their order, with the names as sent."""
    body: bytes = field(default=b"", repr=False)
    """The body, with a chunked transfer coding removed."""
    complete: bool = False
    """True if the whole body arrived."""

    def values(self, name: str) -> list[str]:
        """Return the values of all header lines of that name, ignoring case."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    @property
    def expects_continue(self) -> bool:
        """True if the client may wait for an interim response before it sends the body."""
        return any(value.lower() == "100-continue" for value in self.values("Expect"))


class RequestReader:
    """Reader of the requests of one connection.

    Its methods raise OSError if the socket does, and ValueError if the bytes are not HTTP.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._buffer = bytearray()

    def head(self) -> ReceivedRequest | None:
        """Read the next request without its body; return None at the end of the connection."""
        head = self._until(b"\r\n\r\n", HEAD_LIMIT)
        if head is None:
            return None
        line, *fields = head.decode("latin-1").split("\r\n")
        method, target, version = line.split(" ")
        pairs = (each.partition(":") for each in fields if each)
        return ReceivedRequest(method, target, version, tuple((name, value.strip(" \t")) for name, _, value in pairs))

    @property
    def pending(self) -> bool:
        """True if bytes were received that no request has used yet."""
        return bool(self._buffer)

    def body(self, head: ReceivedRequest) -> tuple[bytes, bool]:
        """Read the body of a request; return it, and True if it is complete."""
        if any(value.lower() == "chunked" for value in head.values(TRANSFER_ENCODING)):
            return self._chunks()
        length = int((head.values(CONTENT_LENGTH) or ["0"])[0])
        if length > BODY_LIMIT:
            raise ValueError(f"a body of {length} bytes is too large")
        body = self._take(length)
        return body, len(body) == length

    def _chunks(self) -> tuple[bytes, bool]:
        body = bytearray()
        while (line := self._until(b"\r\n", HEAD_LIMIT)) is not None:
            size = int(line.partition(b";")[0], 16)
            if len(body) + size > BODY_LIMIT:
                raise ValueError("a chunked body is too large")
            if size == 0:
                while trailer := self._until(b"\r\n", HEAD_LIMIT):
                    del trailer
                return bytes(body), True
            body += self._take(size)
            self._take(2)
        return bytes(body), False

    def _until(self, mark: bytes, limit: int) -> bytes | None:
        searched = 0
        while (end := self._buffer.find(mark, searched)) < 0:
            searched = max(0, len(self._buffer) - len(mark) + 1)
            if len(self._buffer) > limit:
                raise ValueError("a header block is too large")
            if not self._more():
                return None
        found = bytes(self._buffer[:end])
        del self._buffer[: end + len(mark)]
        return found

    def _take(self, count: int) -> bytes:
        while len(self._buffer) < count and self._more():
            pass
        taken = bytes(self._buffer[:count])
        del self._buffer[:count]
        return taken

    def _more(self) -> bool:
        data = self._connection.recv(65536)
        self._buffer += data
        return bool(data)


def split_interim(raw: bytes) -> tuple[bytes, bytes]:
    """Split the bytes of a response into its interim (1xx) responses and the rest."""
    end = 0
    while (match := _STATUS_LINE.match(_line(raw, end))) and match[2].startswith(b"1"):
        blank = raw.find(b"\r\n\r\n", end)
        if blank < 0:
            break
        end = blank + 4
    return raw[:end], raw[end:]


def status_of(raw: bytes) -> int | None:
    """Return the status of a response without interim responses; None if the bytes are not HTTP/1.x."""
    match = _STATUS_LINE.match(_line(raw))
    return None if match is None else int(match[2])


def _line(raw: bytes, start: int = 0) -> bytes:
    """Return the line that starts at this position, without copying the bytes after it."""
    end = raw.find(b"\r\n", start)
    return raw[start:] if end < 0 else raw[start:end]


def ends_itself(raw: bytes, method: str) -> bool:
    """Return True if a response defines its own end and permits reuse; else the server must close the connection.

    Args:
        raw: The response, with its interim responses.
        method: The method of the request.
    """
    final = split_interim(raw)[1]
    blank = final.find(b"\r\n\r\n")
    line, *fields = final[: max(0, blank)].split(b"\r\n")
    body = memoryview(final)[blank + 4 :]  # not copied: it may be large
    status = _STATUS_LINE.match(line)
    if status is None or blank < 0 or status[1] != b"1.1":
        return False
    headers = [
        (name.strip().lower(), value.strip().lower()) for name, _, value in (each.partition(b":") for each in fields)
    ]
    if (b"connection", b"close") in headers:
        return False
    if method == "HEAD" or status[2] in _BODILESS or (method == "CONNECT" and status[2].startswith(b"2")):
        return not body
    if (b"transfer-encoding", b"chunked") in headers:
        return _chunks_end(bytes(body))
    return [value for name, value in headers if name == b"content-length"] == [str(len(body)).encode()]


def _chunks_end(body: bytes) -> bool:
    """Return True if the bytes are chunks up to a last one without trailers, and nothing after it."""
    while (match := re.match(rb"([0-9a-fA-F]{1,8})(?:;[^\r\n]*)?\r\n", body)) is not None:
        size, body = int(match[1], 16), body[match.end() :]
        if body[size : size + 2] != b"\r\n":
            return False
        body = body[size + 2 :]
        if size == 0:
            return not body
    return False
