"""What a call makes of what a server does: one table of rows, in one module a kind."""

from cases import (
    encodings,
    framing,
    headers,
    messages,
    regions,
    retries,
    statuses,
    times,
    tokens,
    twirp_errors,
    unclean,
)
from cases.case import Case

__all__ = ["CASES", "KNOWN_FAILURES", "Case"]

CASES: list[Case] = [
    *statuses.CASES,
    *twirp_errors.CASES,
    *unclean.CASES,
    *tokens.CASES,
    *messages.CASES,
    *encodings.CASES,
    *framing.CASES,
    *headers.CASES,
    *times.CASES,
    *retries.CASES,
    *regions.CASES,
]

_CUT_TOKEN = "the transports cut the name of an unknown coding to 40 characters, and half a token is not known as one"
_NOT_YET = "the transports neither tell a stale connection nor count what they decode yet"

KNOWN_FAILURES: dict[str, str] = {
    f"{client}: E1-opaque-as-the-coding-of-a-{status}": _CUT_TOKEN
    for client in ("sync", "async")
    for status in (200, 401)
}
KNOWN_FAILURES |= {
    f"{client}: {row}": _NOT_YET
    for client in ("sync", "async")
    for row in (
        "A13-64-MiB-and-a-byte-announced",
        "A13-64-MiB-and-a-byte-of-gzip",
        "A13-64-MiB-and-a-byte-of-deflate",
        "A13-error-of-2-MB-of-gzip",
        "A13-error-of-2-MB-of-deflate",
        "A13-error-of-2-MB-as-it-is",
        "C1-idempotent-after-stale-every-time",
        "D2-list-of-70-KB",
    )
}
"""Rows that fail, each with the reason: ``"sync: A11-…"`` or ``"async: A11-…"``. They run, and must fail."""
