"""Rules that cannot be kept over the session of a library: the rows that fail, with the lines of docs/sessions.md."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "ALERTS",
    "DRIPS",
    "HANDSHAKES",
    "KEPT",
    "LIMITS",
    "PROXIES",
    "REDIRECTS",
    "REFUSALS",
    "ROWLESS",
    "SURPLUS",
    "UNVERIFIED",
    "Limit",
]

HTTPX = ("httpx", "httpx-async")
ALL = ("requests", "aiohttp", *HTTPX)


@dataclass(frozen=True)
class Limit:
    """One thing that a library does otherwise."""

    line: str
    """The first cell of its line in the table of docs/sessions.md."""
    clients: tuple[str, ...]
    rows: tuple[str, ...] = ()
    """The rows that show it, by name."""


LIMITS = (
    Limit(
        "A header block that is cut after its status line is taken for a complete one",
        ("requests",),
        (
            "A11-header-cut-in-the-version",
            "A11-header-cut-in-the-status-line",
            "A11-header-cut-after-the-status-line",
            "A11-header-cut-in-a-line",
            "A11-header-cut-before-the-blank-line",
            "A11-header-cut-in-the-blank-line",
            "C1-read-after-cut-header-every-time",
            "C1-idempotent-after-cut-header-every-time",
            "C1-keyed-after-cut-header-every-time",
            "C1-never-after-cut-header",
            "C1-idempotent-no-answer-cut-header",
        ),
    ),
    Limit(
        "A chunked body that is cut after the size of its last chunk is taken for a complete one",
        ("requests",),
        ("A11-chunks-cut-in-the-last-line", "A11-chunks-cut-in-the-last-byte", "A11-chunks-cut-in-a-trailer"),
    ),
    Limit("Any two bytes end a chunk", ("requests",), ("A11-chunk-with-another-end",)),
    Limit(
        "An interim response other than 100 is a transport error",
        ("requests",),
        (
            "A4-102-three-times",
            "A4-103",
            "A4-103-with-a-length",
            "A4-199",
            "A4-before-an-empty-message",
            "A4-before-an-error",
            "A4-nothing-after-it",
        ),
    ),
    Limit("A 101 is a transport error", HTTPX, ("A8-101",)),
    Limit(
        "A malformed header line ends the header block, or is dropped",
        ("requests",),
        (
            "A15-garbage-no-colon",
            "A15-garbage-no-name",
            "A15-garbage-a-name-with-a-space",
            "A15-garbage-a-space-before-the-colon",
            "A15-garbage-a-control-character",
            "A15-garbage-cr-in-a-value",
        ),
    ),
    Limit(
        "More than 100 header lines are a transport error",
        ("requests",),
        ("A15-101-lines", "A15-102-lines", "A15-301-lines", "A15-1000-lines"),
    ),
    Limit(
        "A header line above 64 KiB is a transport error",
        ("requests",),
        ("A15-a-line-of-65537", "A15-a-line-of-70000", "A15-a-line-of-900000", "A15-a-long-reason"),
    ),
    Limit("A header block above 100 KiB is a transport error", HTTPX, ("A15-a-line-of-900000",)),
    Limit(
        "The same Content-Length twice counts as one",
        HTTPX,
        ("A11-the-same-length-twice", "A11-a-list-of-lengths"),
    ),
    Limit(
        "Bytes that are not HTTP, without a line end, are reported as a closed connection",
        HTTPX,
        ("A15-garbage-http-0.9", "A15-garbage-ssh"),
    ),
    Limit(
        "A kept connection that the server had closed is not known as such (phase P2 in place of P1)",
        ALL,
        ("C1-idempotent-after-stale-every-time", "D2-list-on-a-connection-that-had-closed"),
    ),
)

DRIPS = Limit("The deadline limits each wait for a header, not their sum", ("requests", "httpx"))
HANDSHAKES = Limit("A TLS handshake that takes too long counts as a request without a response", ("requests",))
REDIRECTS = Limit("A redirect with a malformed Location is a transport error", HTTPX)
KEPT = Limit("A connection is kept after a body that cannot be decoded", ("requests", "aiohttp"))
BLANKS = Limit("A header value that ends in a blank cannot be sent", HTTPX)
ALERTS = Limit("A server that wants a client certificate and says so after the handshake (TLS 1.3) is not told", ALL)
REFUSALS = Limit("A server that refuses a TLS handshake is not told (phase P2)", ("requests",))
PROXIES = Limit("A 407 of a proxy to an http request is a response of the server", ALL)
UNVERIFIED = Limit("A session that does not verify certificates gives no warning", ("aiohttp", *HTTPX))
SURPLUS = Limit("A response that follows on another is taken for that to the next request", HTTPX)
ROWLESS = (DRIPS, HANDSHAKES, REDIRECTS, KEPT, BLANKS, ALERTS, REFUSALS, PROXIES, UNVERIFIED, SURPLUS)
"""Limits that no row shows: tests of transports do, and one recorded exchange."""
