"""Base URLs of services: normalized, or refused with the reason."""

from __future__ import annotations

import ipaddress
import re
from typing import Final
from urllib.parse import quote

from twirpkit._secret import Secret, conceal

__all__ = ["is_loopback", "normalize_url"]

_SCHEMES: Final = {"http": "http", "https": "https", "ws": "http", "wss": "https"}
_NETLOC: Final = re.compile(r"(?:\[(?P<ipv6>[0-9A-Fa-f:.]+)\]|(?P<name>[^:\[\]]*))(?::(?P<port>[0-9]{1,5}))?")
_TEMPLATE: Final = re.compile(
    r".*\$\{[^}]*\}|(?:[a-z]+://)?[^/]*(?:\{[^}]*\}|<[^>]*>|\$[a-z_]|%[a-z_]+%)", re.IGNORECASE | re.DOTALL
)
"""A variable anywhere, or a placeholder in the host."""
_NO_SEPARATOR: Final = re.compile(r"(https?|wss?)(?::/|:(?![0-9]{1,5}(?:/|$))|//)", re.IGNORECASE)
"""A scheme without ``://``. What is called ``http`` may be a host, with a port or a path."""
_NAME: Final = re.compile(r"[a-z0-9._-]*")
_PATH_SAFE: Final = "/%:@!$&'()*+,;=~"


def normalize_url(url: str | Secret) -> str:
    """Return the base URL as ``scheme://host[:port][/path]``, without a slash at its end.

    ``ws`` and ``wss`` become ``http`` and ``https``. A host without a scheme is ``https``, but ``http`` where it is
    loopback or ``localhost``. A base path is kept.

    Raises:
        ValueError: The URL is empty, has a query, fragment, user name or password, another scheme, no host, or a bad
            port. The text never repeats a URL with an ``@`` in it, which may hold a password, nor a query.
        TypeError: It is not a string.
    """
    url = conceal(url)
    if not isinstance(url, Secret):
        raise TypeError(f"the URL must be a str, not {type(url).__name__}")
    base, problem = _normalize(url.reveal())
    if problem:
        raise ValueError(problem)
    return base


def _normalize(url: str) -> tuple[str, str]:
    """Return the base URL, or why there is none: no frame with a password in it raises (rule E1)."""
    if not url:
        return "", "the URL is empty: give something like 'https://api.example.com'"
    if "@" in url:
        return "", "the URL may hold no user name, password or '@': give credentials as arguments"
    shown = re.split("[?#]", url, maxsplit=1)[0]  # a query may hold a token
    if re.search(r"[\s\x00-\x1f\x7f-\x9f\\]", url):
        return "", f"the URL {shown!r} holds white space, a control character or a backslash"
    if _TEMPLATE.match(url) is not None:
        return "", f"the URL {shown!r} is a template: put the real value in place of its variable or placeholder"
    if shown != url:
        return "", f"the URL {shown!r} may have no query and no fragment: give the base URL of the service"
    scheme, separator, rest = url.partition("://")
    if not separator:
        if (found := _NO_SEPARATOR.match(url)) is not None:
            return "", f"the URL {url!r} has no '://' after {found[1]!r}"
        scheme, rest = "", url
    elif scheme.lower() not in _SCHEMES:
        return "", f"the URL {url!r} has the scheme {scheme!r}: use https, http, wss or ws"
    place = _split(rest)
    if isinstance(place, str):
        return "", f"the URL {url!r} {place}"
    host, port, path = place
    scheme = _SCHEMES.get(scheme.lower()) or ("http" if is_loopback(host) else "https")
    literal = f"[{host}]" if ":" in host else host
    return f"{scheme}://{literal}{port}{quote(path.rstrip('/'), safe=_PATH_SAFE)}", ""


def is_loopback(host: str) -> bool:
    """Return True if a host name or address (IPv6 with or without brackets) means this machine."""
    name = host.strip("[]").lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _split(rest: str) -> tuple[str, str, str] | str:
    """Return the host (IPv6 without brackets), ``:port`` or nothing, and the path; or what is wrong with them."""
    netloc, slash, path = rest.partition("/")
    parts = _NETLOC.fullmatch(netloc)
    host = None if parts is None else _ipv6(parts["ipv6"]) if parts["ipv6"] else _ascii_name(parts["name"])
    if parts is None or host is None or (parts["port"] and not 1 <= int(parts["port"]) <= 65535):
        return "has a bad host or port: a port is a number from 1 to 65535"
    if not host:
        return "has no host"
    return host, f":{int(parts['port'])}" if parts["port"] else "", slash + path


def _ipv6(address: str) -> str | None:
    try:
        ipaddress.IPv6Address(address)
    except ValueError:
        return None
    return address.lower()


def _ascii_name(name: str) -> str | None:
    """Return a host name in lower case, as DNS knows it; None if it is not one."""
    try:
        ascii_name = name.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return None
    return ascii_name if _NAME.fullmatch(ascii_name) else None
