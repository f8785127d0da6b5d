"""HTTP/1.1 as a server sees it: one request out of a byte stream, and where a ready-made answer ends (RFC 9112)."""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass, field
from typing import Final

__all__ = ["Received", "RequestReader", "ends_itself", "split_interim", "status_of"]

HEAD_LIMIT: Final = 4 * 1024 * 1024
"""Bytes of a request's header block."""
BODY_LIMIT: Final = 64 * 1024 * 1024
"""Bytes of a request's body."""

_STATUS_LINE: Final = re.compile(rb"HTTP/(\d\.\d) (\d{3})(?: [^\r\n]*)?\Z")
_BODILESS: Final = frozenset((b"204", b"304"))


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it arrived."""

    method: str
    target: str
    version: str
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    """Header lines in wire order, names as they were spelled."""
    body: bytes = field(default=b"", repr=False)
    """Chunks undone."""
    whole: bool = False
    """Whether the body came to its end."""

    def values(self, name: str) -> list[str]:
        """The values of all header lines of that name, in any case."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    @property
    def waits(self) -> bool:
        """Whether the client may hold its body back until it is asked for it."""
        return any(value.lower() == "100-continue" for value in self.values("Expect"))


class RequestReader:
    """Reads the requests of one connection.

    Its methods raise OSError as the socket does, and ValueError for what is no HTTP.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._buffer = bytearray()

    def head(self) -> Received | None:
        """The next request without its body, None at the end of the connection."""
        head = self._until(b"\r\n\r\n", HEAD_LIMIT)
        if head is None:
            return None
        line, *fields = head.decode("latin-1").split("\r\n")
        method, target, version = line.split(" ")
        pairs = (each.partition(":") for each in fields if each)
        return Received(method, target, version, tuple((name, value.strip(" \t")) for name, _, value in pairs))

    @property
    def pending(self) -> bool:
        """Whether bytes have come that nothing has taken yet."""
        return bool(self._buffer)

    def body(self, head: Received) -> tuple[bytes, bool]:
        """The body that belongs to the head, and whether it came to its end."""
        if any(value.lower() == "chunked" for value in head.values("Transfer-Encoding")):
            return self._chunks()
        length = int((head.values("Content-Length") or ["0"])[0])
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
    """The interim (1xx) answers at the start of the bytes, and the rest."""
    end = 0
    while (match := _STATUS_LINE.match(_line(raw, end))) and match[2].startswith(b"1"):
        blank = raw.find(b"\r\n\r\n", end)
        if blank < 0:
            break
        end = blank + 4
    return raw[:end], raw[end:]


def status_of(raw: bytes) -> int | None:
    """The status of an answer without interim ones before it, None for what is no HTTP/1.x."""
    match = _STATUS_LINE.match(_line(raw))
    return None if match is None else int(match[2])


def _line(raw: bytes, start: int = 0) -> bytes:
    """Return the line that begins there, without a copy of what follows it."""
    end = raw.find(b"\r\n", start)
    return raw[start:] if end < 0 else raw[start:end]


def ends_itself(raw: bytes, method: str) -> bool:
    """Whether an answer says exactly where it ends and lets the connection go on; else the server must close it.

    Args:
        raw: The answer, interim ones included.
        method: Of the request that it answers.
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
    """Whether these are chunks, a last one without trailers, and nothing after it."""
    while (match := re.match(rb"([0-9a-fA-F]{1,8})(?:;[^\r\n]*)?\r\n", body)) is not None:
        size, body = int(match[1], 16), body[match.end() :]
        if body[size : size + 2] != b"\r\n":
            return False
        body = body[size + 2 :]
        if size == 0:
            return not body
    return False
