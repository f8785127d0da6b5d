"""Collection of a response body: decoding of its Content-Encoding and its size limit (rule A13)."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator
from typing import Protocol

from twirpkit._http1.limits import DECODE_INPUT, DECODE_OUTPUT, LONGEST_CODING_NAME, MAX_EXTRA_ENCODED, MAX_RESERVED

__all__ = ["Body", "BodyError", "OversizedBody"]


class BodyError(Exception):
    """A body that is not complete or cannot be decoded. Its text becomes `HttpResponse.body_error`."""


class OversizedBody(BodyError):
    """A body that is larger than its limit."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"the response's body is larger than {limit} bytes")


class _Decoder(Protocol):
    def feed(self, data: memoryview, /) -> Iterator[bytes]: ...

    def end(self) -> None: ...


class Body:
    """Buffer of a body that decodes what is fed and refuses what exceeds the limit.

    Args:
        coding: The value of Content-Encoding, or None.
        limit: The largest decoded size in bytes. Bytes beyond it are not kept.
        expected: The size in bytes, where Content-Length announces it. With room for it, nothing is copied twice.
    """

    __slots__ = ("_decoder", "_encoded", "_kept", "_limit")

    def __init__(self, coding: str | None, limit: int, expected: int | None = None) -> None:
        self._limit = limit
        self._decoder = _decoder(coding) if coding else None
        self._encoded = 0
        self._kept = io.BytesIO(bytes(min(expected or 0, limit, MAX_RESERVED)))  # its value is no second copy

    def feed(self, data: bytes | memoryview) -> None:
        """Add bytes as received. Raises `BodyError`."""
        if self._decoder is None:
            self._keep(data)
            return
        self._encoded += len(data)
        if self._encoded > self._limit + MAX_EXTRA_ENCODED:
            raise OversizedBody(self._limit)
        view = memoryview(data)
        for start in range(0, len(view), DECODE_INPUT):
            for piece in self._decoder.feed(view[start : start + DECODE_INPUT]):
                self._keep(piece)

    def _keep(self, data: bytes | memoryview) -> None:
        room = self._limit - self._kept.tell()
        if len(data) > room:
            self._kept.write(data[:room])
            raise OversizedBody(self._limit)
        self._kept.write(data)

    def end(self) -> None:
        """Check at the end of the body that the coding has ended, too. Raises `BodyError`."""
        if self._decoder is not None:
            self._decoder.end()

    def take(self) -> bytes:
        """Return the decoded bytes so far."""
        self._kept.truncate()
        return self._kept.getvalue()


def _decoder(coding: str) -> _Decoder | None:
    """Return the decoder of a Content-Encoding, None for identity. An unknown one fails at the first byte."""
    name = coding.strip().lower()
    if name == "identity":
        return None
    if name in ("gzip", "x-gzip"):
        return _Gzip()
    if name == "deflate":
        return _Deflate()
    return _Unknown(coding)


class _Gzip:
    """Decoder of one gzip member after another (RFC 1952, 2.2)."""

    def __init__(self) -> None:
        self._member: zlib._Decompress | None = None

    def feed(self, data: bytes | memoryview) -> Iterator[bytes]:
        while data:
            if self._member is None or self._member.eof:
                self._member = zlib.decompressobj(wbits=31)
            yield from _pieces(self._member, data, "gzip")
            data = self._member.unused_data

    def end(self) -> None:
        if self._member is not None and not self._member.eof:
            raise BodyError("the gzip body ends too early")


class _Deflate:
    """Decoder of zlib's format, which the name means, and of bare deflate, which some servers send."""

    def __init__(self) -> None:
        self._stream: zlib._Decompress | None = None
        self._first = b""

    def feed(self, data: bytes | memoryview) -> Iterator[bytes]:
        if self._stream is None:
            self._first += data
            if len(self._first) < 2:
                return
            zlib_header = self._first[0] & 0x0F == 8 and int.from_bytes(self._first[:2]) % 31 == 0
            self._stream = zlib.decompressobj(wbits=15 if zlib_header else -15)
            data, self._first = self._first, b""
        yield from _pieces(self._stream, data, "deflate")
        if self._stream.unused_data:
            raise BodyError("bytes follow the deflate body")

    def end(self) -> None:
        if self._first or (self._stream is not None and not self._stream.eof):
            raise BodyError("the deflate body ends too early")


class _Unknown:
    """Decoder of nothing: the request did not ask for this coding."""

    def __init__(self, coding: str) -> None:
        # The name is given in full or not at all: redaction would not recognize part of a token.
        self._coding = repr(coding) if len(coding) <= LONGEST_CODING_NAME else f"of {len(coding)} characters"

    def feed(self, data: memoryview) -> Iterator[bytes]:
        raise BodyError(f"Content-Encoding {self._coding} is unknown")

    def end(self) -> None:
        """Accept an empty body: nothing was encoded."""


def _pieces(stream: zlib._Decompress, data: bytes | memoryview, name: str) -> Iterator[bytes]:
    """Decode data in pieces of bounded size."""
    while True:
        piece = _decompress(stream, data, name)
        yield piece
        data = stream.unconsumed_tail
        if stream.eof or (not data and len(piece) < DECODE_OUTPUT):  # after a full piece zlib itself may hold more
            return


def _decompress(stream: zlib._Decompress, data: bytes | memoryview, name: str) -> bytes:
    try:
        return stream.decompress(data, DECODE_OUTPUT)
    except zlib.error:
        corrupt = BodyError(f"the {name} body is corrupt")
    raise corrupt
