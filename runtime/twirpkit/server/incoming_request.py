"""Requests as a server received them: bodies within their limit, and the caller's deadline."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from twirpkit._http1.content import Body, BodyError, OversizedBody
from twirpkit._protocol.constants import CONTENT_ENCODING, TIMEOUT_MS
from twirpkit.errors import Code, TwirpError

__all__ = ["IncomingRequest", "join_lines", "read_body", "read_deadline", "too_large"]

_CONTENT_ENCODING: Final = CONTENT_ENCODING.lower()
_TIMEOUT_MS: Final = TIMEOUT_MS.lower()
_DIGITS: Final = re.compile("[0-9]{1,15}")


@dataclass(slots=True)
class IncomingRequest:
    """One HTTP request to a server."""

    method: str
    path: str
    """The path that routes are compared with: below the mount point, without the query."""
    headers: Mapping[str, str] = field(repr=False)
    """Names in lower case; several lines of one name are joined by ``", "``."""
    body: bytes = field(default=b"", repr=False)
    """The bytes as they arrived."""
    query: str = field(default="", repr=False)
    """The query of the target, without its question mark."""
    mount: str = ""
    """The part of the target's path above `path`."""

    @property
    def target(self) -> str:
        """Method and whole path, as Twirp's errors name them."""
        return f"{self.method} {self.mount}{self.path}"


def read_body(request: IncomingRequest, limit: int) -> bytes:
    """Return the body of a request without its content encoding.

    Raises:
        TwirpError: It is larger than the limit, or its encoding is unknown or damaged.
    """
    coding = request.headers.get(_CONTENT_ENCODING)
    if coding is None:
        if len(request.body) > limit:
            raise too_large(limit)
        return request.body
    body = Body(coding, limit)
    try:
        body.feed(request.body)
        body.end()
        return body.take()
    except OversizedBody:
        refused = too_large(limit)
    except BodyError as error:
        refused = TwirpError(Code.MALFORMED, str(error))
    raise refused


def too_large(limit: int) -> TwirpError:
    """Return the error of a request that is larger than its limit in bytes."""
    return TwirpError(Code.RESOURCE_EXHAUSTED, f"the request is larger than {limit} bytes")


def read_deadline(headers: Mapping[str, str]) -> float | None:
    """Return the time until which the caller waits, on `time.monotonic`'s clock (rule B4); None if it did not say."""
    value = headers.get(_TIMEOUT_MS)
    if value is None:
        return None
    value = value.strip()
    if value.startswith("-") and _DIGITS.fullmatch(value[1:]):
        return time.monotonic()
    return time.monotonic() + int(value) / 1000 if _DIGITS.fullmatch(value) else None


def join_lines(lines: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return header lines as a mapping: names in lower case, several lines of one name joined by ``", "``."""
    found: dict[str, str] = {}
    for name, value in lines:
        key = name.lower()
        found[key] = f"{found[key]}, {value}" if key in found else value
    return found
