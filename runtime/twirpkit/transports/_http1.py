"""HTTP/1.1 read from a blocking socket, every wait counted against one deadline (rules A4, A11, A15, B3).

Neither http.client nor urllib3 can be told to do this: they take a header block that was cut for a whole one, stop at
100 lines, and give each ``recv`` the whole timeout anew.
"""

from __future__ import annotations

import re
import socket
import time
from typing import NamedTuple

from twirpkit.transports._content import Body, Flawed
from twirpkit.transports._http import MAX_HEAD, NO_LENGTH, TOO_LONG, Framing, Malformed

__all__ = ["Cut", "Head", "Reader", "ran_out", "read_body", "read_head", "remaining", "send_all"]

_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: .*)?")
_CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;.*)?", re.DOTALL)
_PROTOCOL = b"HTTP/1."
_RECV = 65536


class Cut(Exception):
    """The connection ended inside a header block; its cause is the OSError that ended it, if one did."""


class Head(NamedTuple):
    """A header block that came whole."""

    minor: int
    status: int
    lines: list[tuple[bytes, bytes]]

    @property
    def keeps(self) -> bool:
        """Whether the server will take another request on this connection."""
        options = b",".join(value for name, value in self.lines if name.lower() == b"connection").lower()
        return self.minor == 1 and b"close" not in options


def remaining(deadline: float | None) -> float | None:
    """Seconds until the deadline, as `socket.settimeout` wants them. Raises TimeoutError when there are none."""
    if deadline is None:
        return None
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def ran_out(error: OSError) -> bool:
    """Whether a socket's own timeout ended a wait; the kernel's ETIMEDOUT is a broken connection."""
    return isinstance(error, TimeoutError) and error.errno is None


def send_all(sock: socket.socket, view: memoryview, deadline: float | None) -> None:
    """Send, however slowly the other side takes it. TLS sockets would give each 16 KiB the whole timeout anew.

    A view, because it does not show its bytes in a traceback with local variables (rule E1).
    """
    while view:
        sock.settimeout(remaining(deadline))
        view = view[sock.send(view) :]


class Reader:
    """A socket's bytes, buffered."""

    def __init__(self, sock: socket.socket, deadline: float | None) -> None:
        self._sock = sock
        self._deadline = deadline
        self.buffer = bytearray()
        self.heard = False
        """Whether any byte came, be it of an interim answer."""
        self.began = False
        """Whether a byte of the answer came."""
        self.broken: OSError | None = None
        """What ended the connection, where it was not a proper end."""

    def more(self) -> bool:
        """Wait for bytes; False at the end of the connection. Raises TimeoutError."""
        self._sock.settimeout(remaining(self._deadline))
        try:
            data = self._sock.recv(_RECV)
        except OSError as error:
            if ran_out(error):
                raise
            self.broken = error
            return False
        self.buffer += data
        self.heard = self.heard or bool(data)
        self.began = self.began or bool(data)
        return bool(data)

    def take(self, size: int) -> bytes:
        """The next bytes, at most `size` of those that have come."""
        data = bytes(self.buffer[:size])
        del self.buffer[:size]
        return data


def read_head(reader: Reader) -> Head:
    """The header block of the answer, after any interim ones (rule A4). Raises `Cut`, `Malformed`, TimeoutError."""
    room = MAX_HEAD
    while True:
        block = _read_block(reader, room)
        head = _parse(block)
        room -= len(block)
        if head.status >= 200 or head.status == 101:  # after a 101 no other answer comes
            return head
        reader.began = bool(reader.buffer)  # an interim answer is not the beginning of the answer


def _read_block(reader: Reader, room: int) -> bytes:
    searched = 0
    while (end := _BLANK_LINE.search(reader.buffer, searched)) is None:
        if not _PROTOCOL.startswith(reader.buffer[: len(_PROTOCOL)]):
            raise Malformed("the answer is not HTTP/1.x")
        if len(reader.buffer) > room:
            raise Malformed(TOO_LONG)
        searched = len(reader.buffer) - 3  # below 0 is as good as 0
        if not reader.more():
            raise Cut
    return reader.take(end.end())


def _parse(block: bytes) -> Head:
    first, *rest = (line.removesuffix(b"\r") for line in block.rstrip(b"\r\n").split(b"\n"))
    status_line = _STATUS_LINE.fullmatch(first)
    if status_line is None:
        raise Malformed("the answer's status line is not HTTP/1.x")
    lines: list[tuple[bytes, bytes]] = []
    for line in rest:
        if line.startswith((b" ", b"\t")) and lines:  # folded, as RFC 9112 5.2 still wants it read
            name, value = lines.pop()
            lines.append((name, value.rstrip(b" \t") + b" " + line.lstrip(b" \t")))
            continue
        name, colon, value = line.partition(b":")
        if not colon:
            raise Malformed("the answer has a header line without a colon")
        lines.append((name, value))
    return Head(int(status_line[1]), int(status_line[2]), lines)


def read_body(reader: Reader, framing: Framing, body: Body) -> None:
    """Read to the end that the framing names. Raises `Flawed` (rule A11), TimeoutError."""
    if framing.chunked:
        _read_chunks(reader, body)
    elif framing.length is not None:
        _pass_on(reader, framing.length, body)
    else:
        while reader.buffer or reader.more():
            body.feed(reader.take(_RECV))
        raise Flawed(NO_LENGTH)
    body.end()


def _pass_on(reader: Reader, size: int, body: Body) -> None:
    left = size
    while left:
        if not reader.buffer and not reader.more():
            raise Flawed(f"the answer was cut {left} bytes before the end of its body")
        data = reader.take(left)
        left -= len(data)
        body.feed(data)


def _read_chunks(reader: Reader, body: Body) -> None:
    room = MAX_HEAD
    while True:
        line = _chunk_line(reader)
        chunk = _CHUNK_LINE.fullmatch(line)
        if chunk is None:
            raise Flawed("the answer has a chunk without a proper size")
        room -= len(line) - len(chunk[1])
        if room < 0:
            raise Flawed("the answer's chunk extensions are too long")
        size = int(chunk[1], 16)
        if size == 0:
            break
        _pass_on(reader, size, body)
        _chunk_line(reader, 2)  # so short that nothing but its end fits
    room = MAX_HEAD
    while trailer := _chunk_line(reader):
        room -= len(trailer)
        if room < 0:
            raise Flawed("the answer's trailers are too long")


def _chunk_line(reader: Reader, limit: int = MAX_HEAD) -> bytes:
    """The next line of a chunked body, which ends in CRLF and no later than `limit`."""
    while (end := reader.buffer.find(b"\r\n", 0, limit)) < 0:
        if len(reader.buffer) >= limit:
            raise Flawed("the answer's chunks are not HTTP")
        if not reader.more():
            raise Flawed("the answer was cut inside its chunks")
    line = reader.take(end + 2)
    return line[:-2]
