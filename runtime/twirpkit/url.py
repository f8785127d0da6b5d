"""The base URL of a service: what users write, made into one form, or refused with the reason."""

from __future__ import annotations

import ipaddress
import re
from typing import Final
from urllib.parse import quote, urlsplit

__all__ = ["is_loopback", "normalize_url"]

_SCHEMES: Final = {"http": "http", "https": "https", "ws": "http", "wss": "https"}
_PATH_SAFE: Final = "/%:@!$&'()*+,;=~"


def normalize_url(url: str) -> str:
    """The base URL as ``scheme://host[:port][/path]``, without a slash at its end.

    ``ws`` and ``wss`` become ``http`` and ``https``. A host without a scheme is ``https``, but ``http`` where it is
    loopback or ``localhost``. A base path is kept.

    Raises:
        ValueError: The URL is empty, has a query, fragment, user name or password, another scheme, no host, or a bad
            port. The text never repeats a URL with an ``@`` in it, which may hold a password.
        TypeError: It is no string.
    """
    if not isinstance(url, str):
        raise TypeError(f"the URL must be a str, not {type(url).__name__}")
    if not url:
        raise ValueError("the URL is empty: give something like 'https://api.example.com'")
    if "@" in url:
        raise ValueError("the URL may hold no user name, password or '@': give credentials as arguments")
    if re.search(r"[\x00-\x20\x7f\\]", url):
        raise ValueError(f"the URL {url!r} holds white space, a control character or a backslash")
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
    """Whether a host name or address (IPv6 with or without brackets) means this machine."""
    name = host.strip("[]").lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _split(url: str, rest: str) -> tuple[str, str, str]:
    """Host (IPv6 without brackets), ``:port`` or nothing, and path."""
    try:
        parts = urlsplit(f"//{rest}")
        host = (parts.hostname or "").encode("idna").decode("ascii") if "[" not in rest else parts.hostname or ""
        port = parts.port
    except ValueError:  # also what the idna codec raises
        host, port = "", None
        parts = None
    if parts is None or parts.netloc.endswith(":") or port == 0:
        raise ValueError(f"the URL {url!r} has a bad host or port: a port is a number from 1 to 65535")
    if not host:
        raise ValueError(f"the URL {url!r} has no host")
    return host, f":{port}" if port is not None else "", parts.path
