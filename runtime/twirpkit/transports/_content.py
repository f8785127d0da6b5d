"""The body of an answer, decoded and counted while it streams in (rule A13)."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator
from typing import Protocol

__all__ = ["Body", "Flawed", "Oversized"]

_PIECE = 1 << 18
"""Bytes that are decoded at once: what a bomb can cost beyond the limit."""
_MORE = 1 << 20
"""Bytes that an encoded body may have beyond the limit of the decoded one: codings that decode to nothing end too."""


class Flawed(Exception):
    """Why a body is not whole. Internal to the transports: its text becomes `HttpResponse.body_error`."""


class Oversized(Flawed):
    """It is larger than it may be."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"the answer's body is larger than {limit} bytes")


class _Decoder(Protocol):
    def feed(self, data: bytes, /) -> Iterator[bytes]: ...

    def end(self) -> None: ...


class Body:
    """Collects a body, undoing its Content-Encoding.

    Every byte that comes off the wire goes through `feed`, so this is the one place that knows the decoded size.

    Args:
        coding: The value of Content-Encoding, or None.
        limit: Decoded bytes that there may be; those beyond are not kept.
    """

    def __init__(self, coding: str | None, limit: int) -> None:
        self._limit = limit
        self._decoder = _decoder(coding) if coding else None
        self._encoded = 0
        self._kept = io.BytesIO()  # whose value is no second copy

    def expect(self, length: int) -> None:
        """Say what Content-Length announces. Raises `Oversized` where that alone tells that it is too much."""
        if self._decoder is None and length > self._limit:
            raise Oversized(self._limit)

    def feed(self, data: bytes) -> None:
        """Take what came. Raises `Flawed`."""
        if self._decoder is None:
            self._keep(data)
            return
        self._encoded += len(data)
        if self._encoded > self._limit + _MORE:
            raise Oversized(self._limit)
        for piece in self._decoder.feed(data):
            self._keep(piece)

    def _keep(self, data: bytes) -> None:
        room = self._limit - self._kept.tell()
        self._kept.write(data[:room])
        if len(data) > room:
            raise Oversized(self._limit)

    def end(self) -> None:
        """Say that the body ended where its framing says. Raises `Flawed`."""
        if self._decoder is not None:
            self._decoder.end()

    @property
    def value(self) -> bytes:
        """What came, decoded."""
        return self._kept.getvalue()


def _decoder(coding: str) -> _Decoder | None:
    """The decoder of a Content-Encoding; one that we cannot undo fails at the first byte, because none came for it."""
    name = coding.strip().lower()
    if name == "identity":
        return None
    if name in ("gzip", "x-gzip"):
        return _Gzip()
    if name == "deflate":
        return _Deflate()
    return _Unknown(coding)


class _Gzip:
    """One gzip member after another (RFC 1952, 2.2)."""

    def __init__(self) -> None:
        self._member: zlib._Decompress | None = None

    def feed(self, data: bytes) -> Iterator[bytes]:
        while data:
            if self._member is None or self._member.eof:
                self._member = zlib.decompressobj(wbits=31)
            yield from _pieces(self._member, data, "gzip")
            data = self._member.unused_data

    def end(self) -> None:
        if self._member is not None and not self._member.eof:
            raise Flawed("the gzip body ends too early")


class _Deflate:
    """zlib's format, which the name means, or the bare one, which some servers send."""

    def __init__(self) -> None:
        self._stream: zlib._Decompress | None = None
        self._first = b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        if self._stream is None:
            self._first += data
            if len(self._first) < 2:
                return
            zlib_header = self._first[0] & 0x0F == 8 and int.from_bytes(self._first[:2]) % 31 == 0
            self._stream = zlib.decompressobj(wbits=15 if zlib_header else -15)
            data, self._first = self._first, b""
        yield from _pieces(self._stream, data, "deflate")
        if self._stream.unused_data:
            raise Flawed("bytes follow the deflate body")

    def end(self) -> None:
        if self._first or (self._stream is not None and not self._stream.eof):
            raise Flawed("the deflate body ends too early")


_LONGEST_NAME = 1024
"""Characters of a coding's name that an error repeats."""


class _Unknown:
    def __init__(self, coding: str) -> None:
        # Named whole or not at all: of a token that is cut, what is left would not be known as one.
        self._coding = repr(coding) if len(coding) <= _LONGEST_NAME else f"of {len(coding)} characters"

    def feed(self, data: bytes) -> Iterator[bytes]:
        raise Flawed(f"Content-Encoding {self._coding} is unknown")

    def end(self) -> None:
        """Nothing came, so nothing was encoded."""


def _pieces(stream: zlib._Decompress, data: bytes, name: str) -> Iterator[bytes]:
    """What the data decodes to, in pieces of bounded size."""
    while True:
        piece = _decompress(stream, data, name)
        yield piece
        data = stream.unconsumed_tail
        if stream.eof or (not data and len(piece) < _PIECE):  # after a full piece more may be in zlib itself
            return


def _decompress(stream: zlib._Decompress, data: bytes, name: str) -> bytes:
    try:
        return stream.decompress(data, _PIECE)
    except zlib.error:
        corrupt = Flawed(f"the {name} body is corrupt")
    raise corrupt
