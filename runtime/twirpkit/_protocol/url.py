"""Base URLs of services: normalized, or refused with the reason."""

from __future__ import annotations

import ipaddress
import re
from typing import Final
from urllib.parse import quote

__all__ = ["is_loopback", "normalize_url"]

_SCHEMES: Final = {"http": "http", "https": "https", "ws": "http", "wss": "https"}
_NETLOC: Final = re.compile(r"(?:\[(?P<ipv6>[0-9A-Fa-f:.]+)\]|(?P<name>[^:\[\]]*))(?::(?P<port>[0-9]{1,5}))?")
_TEMPLATE: Final = re.compile(r".*\$\{[^}]*\}|(?:[a-z]+://)?[^/]*(?:\{[^}]*\}|<[^>]*>)", re.IGNORECASE | re.DOTALL)
"""A variable anywhere, or a placeholder in the host."""
_NAME: Final = re.compile(r"[a-z0-9._-]*")
_PATH_SAFE: Final = "/%:@!$&'()*+,;=~"


def normalize_url(url: str) -> str:
    """Return the base URL as ``scheme://host[:port][/path]``, without a slash at its end.

    ``ws`` and ``wss`` become ``http`` and ``https``. A host without a scheme is ``https``, but ``http`` where it is
    loopback or ``localhost``. A base path is kept.

    Raises:
        ValueError: The URL is empty, has a query, fragment, user name or password, another scheme, no host, or a bad
            port. The text never repeats a URL with an ``@`` in it, which may hold a password.
        TypeError: It is not a string.
    """
    if not isinstance(url, str):
        raise TypeError(f"the URL must be a str, not {type(url).__name__}")
    if not url:
        raise ValueError("the URL is empty: give something like 'https://api.example.com'")
    if "@" in url:
        raise ValueError("the URL may hold no user name, password or '@': give credentials as arguments")
    if re.search(r"[\s\x00-\x1f\x7f-\x9f\\]", url):
        raise ValueError(f"the URL {url!r} holds white space, a control character or a backslash")
    if _TEMPLATE.match(url) is not None:
        raise ValueError(f"the URL {url!r} is a template: put the real value in place of what is in brackets")
    if "?" in url or "#" in url:
        raise ValueError(f"the URL {url!r} may have no query and no fragment: give the base URL of the service")
    scheme, separator, rest = url.partition("://")
    if not separator:
        scheme, rest = "", url
    elif scheme.lower() not in _SCHEMES:
        raise ValueError(f"the URL {url!r} has the scheme {scheme!r}: use https, http, wss or ws")
    host, port, path = _split(url, rest)
    scheme = _SCHEMES.get(scheme.lower()) or ("http" if is_loopback(host) else "https")
    shown = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown}{port}{quote(path.rstrip('/'), safe=_PATH_SAFE)}"


def is_loopback(host: str) -> bool:
    """Return True if a host name or address (IPv6 with or without brackets) means this machine."""
    name = host.strip("[]").lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _split(url: str, rest: str) -> tuple[str, str, str]:
    """Return the host (IPv6 without brackets), ``:port`` or nothing, and the path."""
    netloc, slash, path = rest.partition("/")
    parts = _NETLOC.fullmatch(netloc)
    host = None if parts is None else _ipv6(parts["ipv6"]) if parts["ipv6"] else _ascii_name(parts["name"])
    if parts is None or host is None or (parts["port"] and not 1 <= int(parts["port"]) <= 65535):
        raise ValueError(f"the URL {url!r} has a bad host or port: a port is a number from 1 to 65535")
    if not host:
        raise ValueError(f"the URL {url!r} has no host")
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
