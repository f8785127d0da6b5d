"""Answers that want a client's memory (rules A13, A15): small on the wire or endless, and never held whole here."""

from __future__ import annotations

import functools
import itertools
import zlib
from collections.abc import Iterable
from typing import Final

from twirpkit.testing.scripted_responses import Answer, Encoding, http

__all__ = ["compressed_bomb", "endless_chunks", "identity_bomb", "many_headers"]

_MEGABYTE: Final = bytes(1 << 20)


def compressed_bomb(encoding: Encoding = "gzip", *, megabytes: int = 300, status: int = 200) -> Answer:
    """A whole, well-formed body of zeros, about a thousandth of that on the wire.

    Args:
        encoding: ``gzip`` or ``deflate``.
        megabytes: Its size once decoded, in MiB.
        status: Its HTTP status.
    """
    headers = {"Content-Type": "application/protobuf", "Content-Encoding": encoding}
    return http(status, _zeros(encoding, megabytes), headers=headers)


@functools.cache
def _zeros(encoding: Encoding, megabytes: int) -> bytes:
    compressor = zlib.compressobj(9, wbits=31 if encoding == "gzip" else 15)
    parts = [compressor.compress(_MEGABYTE) for _ in range(megabytes)]
    return b"".join([*parts, compressor.flush()])


def identity_bomb(*, megabytes: int = 1024, status: int = 200) -> Answer:
    """A body with an honest Content-Length, as large as it says; in MiB, 1 GiB by default."""
    headers = {"Content-Type": "application/protobuf", "Content-Length": str(megabytes << 20)}
    head = http(status, headers=headers, framed=False)
    return Answer(head.raw, pours=lambda: itertools.repeat(_MEGABYTE, megabytes))


def endless_chunks(size: int = 1 << 16, *, status: int = 200) -> Answer:
    """A chunked body that never ends, `size` bytes a chunk."""
    headers = {"Content-Type": "application/protobuf", "Transfer-Encoding": "chunked"}
    head = http(status, headers=headers, framed=False)
    chunk = b"%x\r\n%b\r\n" % (size, bytes(size))

    def pour() -> Iterable[bytes]:
        return itertools.repeat(chunk)

    return Answer(head.raw, pours=pour)


def many_headers(count: int = 10_000, *, status: int = 200) -> Answer:
    """An answer without a body and with that many header lines."""
    return http(status, headers=[(f"X-Line-{number}", "x" * 64) for number in range(count)])
