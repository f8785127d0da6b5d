"""The body of an answer, decoded while it streams in (rule A13)."""

from __future__ import annotations

import zlib
from typing import Protocol

__all__ = ["Body", "Flawed"]


class Flawed(Exception):
    """Why a body is not whole. Internal to the transports: its text becomes `HttpResponse.flaw`."""


class _Decoder(Protocol):
    def feed(self, data: bytes, /) -> bytes: ...

    def end(self) -> None: ...


class Body:
    """Collects a body, undoing its Content-Encoding.

    Every byte that comes off the wire goes through `feed`, so this is the one place that knows the decoded size.

    Args:
        coding: The value of Content-Encoding, or None.
    """

    def __init__(self, coding: str | None) -> None:
        self._parts: list[bytes] = []
        self._decoder = _decoder(coding) if coding else None

    def feed(self, data: bytes) -> None:
        """Take what came. Raises `Flawed`."""
        if self._decoder is not None:
            data = self._decoder.feed(data)
        self._parts.append(data)

    def end(self) -> None:
        """Say that the body ended where its framing says. Raises `Flawed`."""
        if self._decoder is not None:
            self._decoder.end()

    @property
    def value(self) -> bytes:
        """What came, decoded."""
        return b"".join(self._parts)


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

    def feed(self, data: bytes) -> bytes:
        parts = []
        while data:
            if self._member is None or self._member.eof:
                self._member = zlib.decompressobj(wbits=31)
            parts.append(_decompress(self._member, data, "gzip"))
            data = self._member.unused_data
        return b"".join(parts)

    def end(self) -> None:
        if self._member is not None and not self._member.eof:
            raise Flawed("the gzip body ends too early")


class _Deflate:
    """zlib's format, which the name means, or the bare one, which some servers send."""

    def __init__(self) -> None:
        self._stream: zlib._Decompress | None = None
        self._first = b""

    def feed(self, data: bytes) -> bytes:
        if self._stream is None:
            self._first += data
            if len(self._first) < 2:
                return b""
            zlib_header = self._first[0] & 0x0F == 8 and int.from_bytes(self._first[:2]) % 31 == 0
            self._stream = zlib.decompressobj(wbits=15 if zlib_header else -15)
            data, self._first = self._first, b""
        decoded = _decompress(self._stream, data, "deflate")
        if self._stream.unused_data:
            raise Flawed("bytes follow the deflate body")
        return decoded

    def end(self) -> None:
        if self._first or (self._stream is not None and not self._stream.eof):
            raise Flawed("the deflate body ends too early")


class _Unknown:
    def __init__(self, coding: str) -> None:
        self._coding = coding[:40]

    def feed(self, data: bytes) -> bytes:
        raise Flawed(f"Content-Encoding {self._coding!r} is unknown")

    def end(self) -> None:
        """Nothing came, so nothing was encoded."""


def _decompress(stream: zlib._Decompress, data: bytes, name: str) -> bytes:
    try:
        return stream.decompress(data)
    except zlib.error:
        corrupt = Flawed(f"the {name} body is corrupt")
    raise corrupt
