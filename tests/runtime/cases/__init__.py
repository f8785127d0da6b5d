"""What a call makes of what a server does: one table of rows, in one module a kind."""

from cases import (
    clocks,
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
from cases.limits import LIMITS

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
    *clocks.CASES,
]


KNOWN_FAILURES: dict[str, str] = {
    f"{client}: {row}": limit.line for limit in LIMITS for client in limit.clients for row in limit.rows
}
"""Rows that fail, each with the reason: ``"sync: A11-…"`` or ``"requests: A11-…"``. They run, and must fail."""
