"""The HTTP status of each Twirp error code, as a server sends it ("Error Codes" in Twirp's specification, v7)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from twirpkit.errors import Code

__all__ = ["STATUS_OF_CODE"]

STATUS_OF_CODE: Final[Mapping[Code, int]] = {
    Code.CANCELED: 408,
    Code.UNKNOWN: 500,
    Code.INVALID_ARGUMENT: 400,
    Code.MALFORMED: 400,
    Code.DEADLINE_EXCEEDED: 408,
    Code.NOT_FOUND: 404,
    Code.BAD_ROUTE: 404,
    Code.ALREADY_EXISTS: 409,
    Code.PERMISSION_DENIED: 403,
    Code.UNAUTHENTICATED: 401,
    Code.RESOURCE_EXHAUSTED: 429,
    Code.FAILED_PRECONDITION: 412,
    Code.ABORTED: 409,
    Code.OUT_OF_RANGE: 400,
    Code.UNIMPLEMENTED: 501,
    Code.INTERNAL: 500,
    Code.UNAVAILABLE: 503,
    Code.DATA_LOSS: 503,
}
"""The status under which a Twirp v7 server sends each code."""
