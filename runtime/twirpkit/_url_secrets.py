"""Secrets in URLs: passwords, queries, and the stream keys of RTMP (rule E5)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from twirpkit._secret import REDACTED

__all__ = ["url_secrets", "without_url_secrets"]

# The scheme has a bounded length, so that a long text takes time that grows linearly with it.
_URL: Final = re.compile(r"([A-Za-z0-9+.-]{1,32})://(\S+)")
_PARTS: Final = re.compile(r"([^?#]*)(\?[^#]*)?(#.*)?", re.DOTALL)
_PORT: Final = re.compile(r"[0-9]{0,5}")
_KEY_LAST: Final = frozenset(("rtmp", "rtmpe", "rtmps", "rtmpt", "rtmpte", "rtmpts"))
"""Schemes whose URLs end with the key of a stream."""
_KEY_ALONE: Final = frozenset(("mux", "twitch"))
"""Schemes that stand for a streaming service: the rest of the URL is a key."""


def without_url_secrets(text: str) -> str:
    """Return a text whose URLs show no user and password, query or fragment, nor the key of a stream."""
    if "://" not in text:
        return text
    return _URL.sub(lambda found: "".join(REDACTED if hidden else part for part, hidden in _split(found)), text)


def url_secrets(text: str) -> Iterator[str]:
    """Yield the parts of a text's URLs that `without_url_secrets` replaces."""
    if "://" in text:
        for found in _URL.finditer(text):
            yield from (part for part, hidden in _split(found) if hidden)


def _split(found: re.Match[str]) -> Iterator[tuple[str, bool]]:
    """Yield the parts of a URL, and whether each is a secret."""
    scheme, rest = found[1].lower(), found[2]
    yield f"{found[1]}://", False
    parts = _PARTS.fullmatch(rest)
    assert parts is not None  # noqa: S101  # the pattern takes every text
    address, query, fragment = parts.groups("")
    if scheme in _KEY_ALONE:
        yield address, bool(address)
    else:
        user, at, place = _user(address)
        if at:
            yield user, True
            yield at, False
        yield from _place(scheme, place)
    for mark, part in (("?", query), ("#", fragment)):
        if part:
            yield mark, False
            if part[1:]:
                yield part[1:], True


def _user(address: str) -> tuple[str, str, str]:
    """Split user and password off an address. A password may have a slash in it that was not escaped."""
    host, slash, path = address.partition("/")
    if "@" in host:
        user, at, host = host.rpartition("@")
        return user, at, f"{host}{slash}{path}"
    is_port = host.endswith("]") or _PORT.fullmatch(host.rpartition(":")[2] if ":" in host else "") is not None
    return ("", "", address) if is_port or "@" not in path else address.rpartition("@")


def _place(scheme: str, place: str) -> Iterator[tuple[str, bool]]:
    end = len(place.rstrip("/"))
    start = place.rfind("/", 0, end) + 1
    if scheme in _KEY_LAST and start:
        yield place[:start], False
        yield place[start:end], True
        yield place[end:], False
    else:
        yield place, False
