"""Request heads as bytes: the parts of a URL, the request line, and header lines that are safe to send (rule A2)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final, NamedTuple, Protocol

from twirpkit._http1.grammar import NAME_CHARACTER

__all__ = [
    "Lines",
    "Revealable",
    "Target",
    "announces_length",
    "check_request_headers",
    "encode_connect",
    "encode_head",
    "parse_target",
]

_DEFAULT_PORT: Final = {"http": 80, "https": 443}
_WITHOUT_LENGTH: Final = frozenset(("GET", "HEAD", "OPTIONS", "TRACE"))
"""Methods of which an empty body is not announced."""
_URL: Final = re.compile(
    r"(https?)://((?:\[[0-9A-Fa-f:.]+\]|[^]\[/?#@:\x00-\x20\x7f\\]+)(?::(\d+))?)((?:[/?][^#\x00- \x7f]*)?)", re.ASCII
)
_NAME: Final = re.compile(f"{NAME_CHARACTER}+")
_BREAKING: Final = re.compile("[\r\n\0\ud800-\udfff]")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")  # has no UTF-8
_NOT_A_HEAD: Final = "the request cannot be sent: a line break or NUL in its method or its Proxy-Authorization"


class Revealable(Protocol):
    """A secret string that shows only when asked to."""

    def reveal(self) -> str:
        """Return the string."""
        ...


class Target(NamedTuple):
    """A URL, split as a request needs it."""

    origin: str
    """Scheme, host and port, as given."""
    scheme: str
    name: str
    """The host alone, an IPv6 address without brackets."""
    port: int
    host: str
    """The value of the Host header: without the scheme's default port."""
    path: str
    """Path and query, as given."""

    @property
    def authority(self) -> str:
        """Host and port, as CONNECT names them."""
        return f"[{self.name}]:{self.port}" if ":" in self.name else f"{self.name}:{self.port}"


@lru_cache(maxsize=256)
def parse_target(url: str) -> Target:
    """Split a URL without changing its path.

    Raises:
        ValueError: It cannot stand in a request.
    """
    match = _URL.fullmatch(url)
    if match is None or not url.isascii():
        raise ValueError("the URL of a request must be http or https, in ASCII, without userinfo and fragment")
    scheme, host, digits, path = match.groups()
    port = int(digits or _DEFAULT_PORT[scheme])
    bare = host.removesuffix(f":{digits}")
    return Target(
        origin=f"{scheme}://{host}",
        scheme=scheme,
        name=bare.strip("[]"),
        port=port,
        host=bare if port == _DEFAULT_PORT[scheme] else host,
        path=path if path.startswith("/") else "/" + path,
    )


class Lines(list[str]):
    """Lines of a request head. A traceback with local variables does not show them (rule E1)."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{len(self)} lines>"


def encode_head(
    method: str,
    target: Target,
    headers: Mapping[str, str],
    body_length: int,
    *,
    absolute_form: bool = False,
    proxy_authorization: Revealable | None = None,
) -> bytes:
    """Return the bytes of a request up to its body, with ``Host`` and ``Content-Length`` where `headers` has none.

    Keep them in a `memoryview`: in a traceback with local variables, bytes would show the Authorization (rule E1).

    Args:
        method: The method.
        target: The target of the request.
        headers: The headers; a mapping that hides Authorization in its ``repr``.
        body_length: The size of the body in bytes.
        absolute_form: True for a request to a proxy: its request line has the whole URL.
        proxy_authorization: The value of Proxy-Authorization.

    Raises:
        ValueError: A header has a bad name, or a line break or NUL in its value.
    """
    names = _read_names(tuple(headers))
    lines = Lines((f"{method} {target.origin if absolute_form else ''}{target.path} HTTP/1.1",))
    if not names.host:
        lines.append(f"Host: {target.host}")
    lines += map(": ".join, headers.items())
    if not names.length and announces_length(method, body_length):
        lines.append(f"Content-Length: {body_length}")
    if proxy_authorization is not None:
        lines.append("Proxy-Authorization: " + proxy_authorization.reveal())
    block = _joined(lines)
    if block is None or not names.valid:
        check_request_headers(headers)
        raise ValueError(_NOT_A_HEAD)
    return block[0].encode()


def encode_connect(target: Target, proxy_authorization: Revealable | None = None) -> bytes:
    """Return the bytes of a CONNECT request, which asks a proxy for a tunnel. Keep them in a `memoryview`, too.

    Raises:
        ValueError: The value of Proxy-Authorization has a line break or NUL.
    """
    lines = Lines((f"CONNECT {target.authority} HTTP/1.1", f"Host: {target.authority}"))
    if proxy_authorization is not None:
        lines.append("Proxy-Authorization: " + proxy_authorization.reveal())
    block = _joined(lines)
    if block is None:
        raise ValueError(_NOT_A_HEAD)
    return block[0].encode()


def announces_length(method: str, body_length: int) -> bool:
    """Return True if a request has a Content-Length: an empty body is announced where the method means one."""
    return body_length > 0 or method not in _WITHOUT_LENGTH


class _Names(NamedTuple):
    """Facts about the names of a request's headers."""

    valid: bool
    """True if each can be sent."""
    host: bool
    """True if Host is among them."""
    length: bool
    """True if Content-Length is among them."""


@lru_cache(maxsize=256)
def _read_names(names: tuple[str, ...]) -> _Names:
    """Return the facts about the names of a request's headers. Those of most requests are the same."""
    lower = {name.lower() for name in names}
    valid = all(_NAME.fullmatch(name) is not None for name in names)
    return _Names(valid, "host" in lower, "content-length" in lower)


def check_request_headers(headers: Mapping[str, str]) -> None:
    """Raise ValueError for a header that has a bad name, or a line break or NUL in its value."""
    # Three searches are faster than one for any of three characters.
    values = Lines(("".join(headers.values()),))
    broken = "\r" in values[0] or "\n" in values[0] or "\0" in values[0]
    if not broken and values[0].isascii() and _read_names(tuple(headers)).valid:
        return
    for name in headers:
        if _NAME.fullmatch(name) is None or _BREAKING.search(headers[name]) is not None:
            raise ValueError(f"header {name!r} cannot be sent: a bad name, or a line break or NUL in its value")


def _joined(lines: Lines) -> Lines | None:
    """Return the lines as one block with its blank line; None if a line has a line break or NUL in it.

    Counting is faster than a regular expression over every byte of a token.
    """
    block = Lines(("\r\n".join((*lines, "", "")),))
    line_ends = len(lines) + 1
    if block[0].count("\r") != line_ends or block[0].count("\n") != line_ends or "\0" in block[0]:
        return None
    if not block[0].isascii() and _SURROGATE.search(block[0]) is not None:
        return None
    return block
