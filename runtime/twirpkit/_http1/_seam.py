"""The values that pass between a call and its transport."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["HttpResponse", "Phase", "TransportFailure"]


class Phase(enum.Enum):
    """How far a request had come when its transport failed."""

    NOT_SENT = "not sent"
    STALE = "kept connection closed"
    NO_ANSWER = "no response"
    CUT = "response cut"


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """A response whose header block is complete."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    body_error: str | None = field(default=None, repr=False)
    oversized: bool = False


@dataclass(frozen=True, slots=True)
class TransportFailure:
    """The end of a request without a complete response header."""

    reason: str
    phase: Phase
    timed_out: bool = False
    cause: OSError | None = field(default=None, repr=False)
