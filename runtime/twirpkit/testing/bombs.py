"""Responses that try to exhaust a client's memory (rules A13, A15): compressed, very large or endless.

The server itself never holds such a body in memory.
"""

from __future__ import annotations

import functools
import itertools
import zlib
from collections.abc import Iterable
from typing import Final

from twirpkit._protocol.constants import CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, PROTOBUF, TRANSFER_ENCODING
from twirpkit.testing.scripted_responses import Encoding, ScriptedResponse, http

__all__ = ["compressed_bomb", "endless_chunks", "identity_bomb", "many_headers"]

_MEGABYTE: Final = bytes(1 << 20)


def compressed_bomb(encoding: Encoding = "gzip", *, megabytes: int = 300, status: int = 200) -> ScriptedResponse:
    """Make a response whose compressed body of zeros is about a thousandth of its decoded size.

    Args:
        encoding: The content encoding.
        megabytes: The decoded size in MiB.
        status: The HTTP status.
    """
    headers = {CONTENT_TYPE: PROTOBUF, CONTENT_ENCODING: encoding}
    return http(status, _zeros(encoding, megabytes), headers=headers)


@functools.cache
def _zeros(encoding: Encoding, megabytes: int) -> bytes:
    compressor = zlib.compressobj(9, wbits=31 if encoding == "gzip" else 15)
    parts = [compressor.compress(_MEGABYTE) for _ in range(megabytes)]
    return b"".join([*parts, compressor.flush()])


def identity_bomb(*, megabytes: int = 1024, status: int = 200) -> ScriptedResponse:
    """Make a response with a large uncompressed body and a correct Content-Length.

    Args:
        megabytes: The size in MiB.
        status: The HTTP status.
    """
    headers = {CONTENT_TYPE: PROTOBUF, CONTENT_LENGTH: str(megabytes << 20)}
    head = http(status, headers=headers, framed=False)
    return ScriptedResponse(head.raw, stream=lambda: itertools.repeat(_MEGABYTE, megabytes))


def endless_chunks(size: int = 1 << 16, *, status: int = 200) -> ScriptedResponse:
    """Make a response with a chunked body that never ends, in chunks of `size` bytes."""
    headers = {CONTENT_TYPE: PROTOBUF, TRANSFER_ENCODING: "chunked"}
    head = http(status, headers=headers, framed=False)
    chunk = b"%x\r\n%b\r\n" % (size, bytes(size))

    def stream() -> Iterable[bytes]:
        return itertools.repeat(chunk)

    return ScriptedResponse(head.raw, stream=stream)


def many_headers(count: int = 10_000, *, status: int = 200) -> ScriptedResponse:
    """Make a response with an empty body and that many additional header lines."""
    lines = [(f"X-Line-{number}", "x" * 64) for number in range(count)]
    return http(status, headers=[(CONTENT_TYPE, PROTOBUF), *lines])
