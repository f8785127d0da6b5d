"""Header blocks of responses: found in a stream of bytes, checked, and turned into a mapping (rules A4, A11, A15).

Most blocks are valid line by line and arrive in one piece: one regular expression finds their end and checks every
byte. All others (divided into segments, folded, with bare line feeds, or not valid) take the slower path, which knows
what is wrong. Both take time in proportion to the size of the block, whatever the segments are.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final

from twirpkit._http1.grammar import NAME_CHARACTER, VALUE_CHARACTER
from twirpkit._http1.limits import MAX_HEAD, MAX_INTERIM, MAX_LINES

__all__ = ["BadResponse", "HeadReader", "check_framing_headers", "join_header_lines", "parse_header_lines", "unfold"]

_STATUS: Final = rf"HTTP/1\.([01]) ([1-9][0-9]{{2}})(?: {VALUE_CHARACTER}*+)?"
_STATUS_LINE: Final = re.compile(_STATUS.encode())
_LINES: Final = rf"(?:{NAME_CHARACTER}++:{VALUE_CHARACTER}*+\r\n)*+"
_VALID_LINES: Final = re.compile(_LINES.encode())
_VALID_BLOCK: Final = re.compile(rf"{_STATUS}\r\n({_LINES})\r\n".encode())
_BLANK_LINE: Final = re.compile(rb"\n\r?\n")
_NAME: Final = re.compile(f"{NAME_CHARACTER}+".encode())
_VALUE: Final = re.compile(f"{VALUE_CHARACTER}*".encode())
_LENGTH: Final = re.compile("[0-9]{1,18}")
_PROTOCOL: Final = b"HTTP/1."
_TOO_LONG: Final = "the response's header block is too long"


class BadResponse(Exception):
    """A header block that is not valid HTTP/1.x. Its text becomes `TransportFailure.reason`."""


class HeadReader:
    """Reader of the header block of a response, after any interim responses (rule A4).

    `status`, `minor` (the digit after "HTTP/1."), `headers`, `data` and `end` are set once `feed` has returned True;
    the body begins at index `end` of `data`.
    """

    status: int
    minor: int
    headers: dict[str, str]
    data: bytes
    end: int
    heard = False
    """True once a byte was received, even of an interim response."""

    # Most readers need none of these: as attributes of the class they cost nothing there.
    _buffer: bytearray | None = None  # the block as far as it was received
    _room = MAX_HEAD
    _interim = 0
    _status_line: re.Match[bytes] | None = None
    _searched = 0  # the search for the next line end continues here
    _counted = 0  # line ends before it are in _newlines
    _newlines = 0

    @property
    def began(self) -> bool:
        """True while the header block of the final response, or of an interim one, has begun and not ended."""
        return bool(self._buffer)

    def feed(self, data: bytes) -> bool:
        """Take the next bytes; True if they complete the header block of the final response. Raises `BadResponse`."""
        if not data:
            return False
        self.heard = True
        if self._buffer is None:
            valid = _VALID_BLOCK.match(data)
            if valid is not None and valid.end() <= self._room and self._accept(valid, _parse_valid(valid[3])):
                self.data = data
                self.end = valid.end()
                return True
            self._buffer = bytearray()
        self._buffer += data
        while self._buffer:
            end = self._find_end(self._buffer)
            if self._status_line is None or end < 0:
                return False
            block = bytes(self._buffer[:end])
            del self._buffer[:end]
            if self._accept(self._status_line, _parse_other(block)):
                self.data = bytes(self._buffer)
                self.end = 0
                return True
            check_framing_headers(self.minor, self.headers)
            self._room -= end
            self._interim += 1
            if self._interim > MAX_INTERIM:
                raise BadResponse(f"there are more than {MAX_INTERIM} interim responses")
            self._status_line = None
            self._searched = self._counted = self._newlines = 0
        return False

    def _accept(self, status_line: re.Match[bytes], headers: dict[str, str]) -> bool:
        """Keep a block; False if it is an interim response. After a 101 no other response comes."""
        self.minor = int(status_line[1])
        self.status = int(status_line[2])
        self.headers = headers
        return self.status >= 200 or self.status == 101

    def _find_end(self, buffer: bytearray) -> int:
        """Return the size of the block at the start of the buffer, -1 if it is not complete. Raises `BadResponse`."""
        if self._status_line is None:
            newline = buffer.find(b"\n", self._searched, self._room)
            if not _PROTOCOL.startswith(buffer[: len(_PROTOCOL)]):
                raise BadResponse("the response is not HTTP/1.x")
            if newline < 0:
                return self._wait(buffer, len(buffer))
            self._status_line = _STATUS_LINE.fullmatch(buffer[:newline].removesuffix(b"\r"))
            if self._status_line is None:
                raise BadResponse("the response's status line is not HTTP/1.x")
            self._searched = newline
        blank_line = _BLANK_LINE.search(buffer, self._searched, self._room)
        if blank_line is None:
            return self._wait(buffer, max(self._searched, len(buffer) - 2))
        return blank_line.end()

    def _wait(self, buffer: bytearray, searched: int) -> int:
        """Note that the block goes on, and refuse it if it is too long already. Raises `BadResponse`."""
        self._newlines += buffer.count(b"\n", self._counted)
        self._counted = len(buffer)
        if len(buffer) >= self._room or self._newlines > MAX_LINES + 1:  # one ends the status line
            raise BadResponse(_TOO_LONG)
        self._searched = searched
        return -1


def parse_header_lines(lines: Collection[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return header lines that a library has divided and unfolded, checked and joined. Raises `BadResponse`."""
    block = b"".join([b"%b:%b\r\n" % line for line in lines])
    if len(block) <= MAX_HEAD and _VALID_LINES.fullmatch(block) is not None:
        return _parse_valid(block)
    return join_header_lines(lines)


def _parse_valid(lines: bytes) -> dict[str, str]:
    """Parse header lines that are known to be valid, each with its line end. Raises `BadResponse` for too many."""
    if lines.isascii():
        headers: dict[str, str] = {}
        text = lines.decode("ascii").splitlines()  # in a valid value nothing but CRLF is taken for a line end
        for line in text:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()  # nor anything but spaces and tabs for white space
        if len(headers) == len(text) <= MAX_LINES:
            return headers
    return _parse_lines(lines.split(b"\r\n")[:-1])


def _parse_other(block: bytes) -> dict[str, str]:
    """Parse the header lines of any block. Raises `BadResponse`."""
    lines = block.split(b"\n")[1:-2]  # without the status line, the blank line, and the nothing after it
    return _parse_lines([line.removesuffix(b"\r") for line in lines])


def _parse_lines(lines: Sequence[bytes]) -> dict[str, str]:
    if len(lines) > MAX_LINES:
        raise BadResponse(_TOO_LONG)
    return join_header_lines(unfold(lines))


def unfold(lines: Iterable[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Split lines into names and values, and join folded ones (RFC 9112, 5.2). Raises `BadResponse`."""
    name: bytes | None = None
    parts: list[bytes] = []
    for line in lines:
        if line.startswith((b" ", b"\t")) and name is not None:
            parts.append(line.strip(b" \t"))
            continue
        if name is not None:
            yield name, b" ".join(filter(None, parts))
        name, colon, value = line.partition(b":")
        if not colon:
            raise BadResponse("the response has a header line without a colon")
        parts = [value.strip(b" \t")]
    if name is not None:
        yield name, b" ".join(filter(None, parts))


def join_header_lines(lines: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return header lines as a mapping with lower-case names; values of one name are joined by ", ".

    Raises:
        BadResponse: A name or value is not valid, or there are more than `MAX_LINES` lines or `MAX_HEAD` bytes.
    """
    values: dict[str, list[str]] = {}
    count = size = 0
    for raw_name, raw_value in lines:
        if _NAME.fullmatch(raw_name) is None:
            raise BadResponse("the response has a header line without a proper name")
        if _VALUE.fullmatch(raw_value) is None:
            raise BadResponse("the response has a header line with a control character")
        count += 1
        size += len(raw_name) + len(raw_value) + len(": \r\n")
        values.setdefault(raw_name.decode("ascii").lower(), []).append(_text(raw_value.strip(b" \t")))
    if count > MAX_LINES or size > MAX_HEAD:
        raise BadResponse(_TOO_LONG)
    return {name: ", ".join(of_name) for name, of_name in values.items()}


def check_framing_headers(minor: int, headers: Mapping[str, str]) -> None:
    """Raise `BadResponse` for framing headers that allow two readings, or none (rule A11).

    Those of an interim response have no meaning, but other parsers refuse them, too.
    """
    length = headers.get("content-length")
    coding = headers.get("transfer-encoding")
    if coding is None:
        if length is not None and _LENGTH.fullmatch(length) is None:
            raise BadResponse("the response's Content-Length is not one number")
    elif length is not None:
        raise BadResponse("the response has a Content-Length and a Transfer-Encoding")
    elif coding.lower() != "chunked":
        raise BadResponse("the response's Transfer-Encoding is not chunked")
    elif minor == 0:
        raise BadResponse("the response has a Transfer-Encoding, which HTTP/1.0 does not know")


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")  # HTTP's own charset of old, and it has a character for every byte
