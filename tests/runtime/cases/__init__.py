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

KNOWN_FAILURES: dict[str, str] = {
    f"{client}: E1-opaque-as-the-coding-of-a-{status}": _CUT_TOKEN
    for client in ("sync", "async")
    for status in (200, 401)
}
"""Rows that fail, each with the reason: ``"sync: A11-…"`` or ``"async: A11-…"``. They run, and must fail."""
