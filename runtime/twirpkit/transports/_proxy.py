"""Which proxy a request goes through: one decision for both transports (rule E2)."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes
from urllib.request import getproxies_environment, proxy_bypass_environment  # type: ignore[attr-defined]  # not in the stub

from twirpkit._protocol.headers import Secret
from twirpkit._protocol.url import is_loopback, normalize_url
from twirpkit.options import ProxyOption
from twirpkit.transports._http import Target, target

__all__ = [
    "CLOSED",
    "NO_HTTP",
    "Proxy",
    "chooser",
    "environment",
    "from_environment",
    "parse",
    "refused",
    "through",
]

CLOSED = "the connection was closed"
NO_HTTP = "the proxy's answer to CONNECT is not HTTP/1.x"


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy."""

    origin: str
    """``http://host[:port]``."""
    name: str
    """Its host, without brackets."""
    port: int
    authorization: Secret | None = None
    """The Proxy-Authorization header."""


def chooser(option: ProxyOption) -> Callable[[Target], Proxy | None]:
    """What ``proxy=`` means for each target. Raises TypeError, and ValueError for a URL that cannot be a proxy's."""
    if option is None:
        return from_environment
    if option is False:
        return lambda _: None
    if not isinstance(option, str):
        raise TypeError(f"proxy must be a URL, None or False, not {type(option).__name__}")
    proxy = parse(option)
    return lambda _: proxy


def parse(url: str) -> Proxy:
    """A proxy from its URL. Raises ValueError, with a text that never repeats a password."""
    scheme, separator, rest = url.partition("://")
    if not separator:
        rest = url
    elif scheme.lower() != "http":
        raise ValueError("the proxy's URL must begin with http:// (https:// and SOCKS proxies are not supported)")
    userinfo, _, place = rest.rpartition("@")
    try:
        where = target(normalize_url(f"http://{place}"))
    except ValueError:  # its text repeats what may be a password
        where = None
    if where is None or where.path != "/":
        raise ValueError("the proxy's URL must be like http://host:port or http://user:password@host:port")
    authorization = None
    if userinfo:
        user, _, password = userinfo.partition(":")
        pair = unquote_to_bytes(user) + b":" + unquote_to_bytes(password)
        authorization = Secret(f"Basic {base64.b64encode(pair).decode()}")
    return Proxy(where.origin, where.name, where.port, authorization)


def environment(where: Target) -> str | None:
    """The URL of the proxy that the environment names for a target, as the standard library reads it.

    A host on this machine has none, whatever the environment says, as in Go.
    """
    if is_loopback(where.name):
        return None
    proxies = getproxies_environment()
    url = proxies.get(where.scheme) or proxies.get("all")
    if any(proxy_bypass_environment(host, proxies) for host in (where.name, f"{where.name}:{where.port}")):
        return None
    return url


def from_environment(where: Target) -> Proxy | None:
    """The proxy that the environment names. Raises ValueError for one that cannot be used."""
    url = environment(where)
    if url is None:
        return None
    try:
        return parse(url)
    except ValueError as error:
        problem = str(error)
    names = f"{where.scheme.upper()}_PROXY or ALL_PROXY"
    raise ValueError(f"the proxy in the environment ({names}) cannot be used: {problem}; proxy=False goes without")


def through(where: Target, proxy: Proxy | None) -> str:
    """A target and the way to it, for people."""
    return where.host if proxy is None else f"{where.host} through the proxy {proxy.origin}"


def refused(status: int) -> str:
    """Why there is no tunnel."""
    return f"the proxy answered {status} to CONNECT"
