"""The choice of the proxy for a request: one decision for all transports (rule E2)."""

from __future__ import annotations

import base64
import importlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_to_bytes

from twirpkit._http1.request import Target, parse_target
from twirpkit._protocol.url import is_loopback, normalize_url
from twirpkit._secret import ConcealedHeaders, Secret, conceal, revealed
from twirpkit.options import ProxyOption
from twirpkit.transports._net.connect_failures import ConnectError

__all__ = [
    "NO_HTTP",
    "PROXY_AUTHENTICATION_REQUIRED",
    "Proxy",
    "environment_proxy",
    "environment_proxy_url",
    "parse_proxy",
    "proxy_selector",
    "refusal",
]

NO_HTTP: Final = "the proxy's response to CONNECT is not HTTP/1.x"
PROXY_AUTHENTICATION_REQUIRED: Final = 407
_REFUSALS: Final = {407: "authentication required", 403: "forbidden"}
_MAY_PASS: Final = frozenset((408, 425, 429))
"""Refusals of the 4xx kind that say "later"."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy."""

    origin: str
    """``http://host[:port]``."""
    name: str
    """Its host, without brackets."""
    port: int
    authorization: Secret | None = None
    """The value of the Proxy-Authorization header."""


def proxy_selector(option: ProxyOption | Secret) -> Callable[[Target], Proxy | None]:
    """Return the function that gives the proxy for a target, as ``proxy=`` says.

    Raises:
        TypeError: The option has a wrong type.
        ValueError: The URL cannot be a proxy's.
    """
    if option is None:
        if _names_a_proxy():
            importlib.import_module("urllib.request")  # now: an import is not safe from exceptions of signal handlers
        return environment_proxy
    if option is False:
        return lambda _: None
    option = conceal(option)
    if not isinstance(option, Secret):
        kind = "dict" if isinstance(option, ConcealedHeaders) else type(option).__name__
        raise TypeError(f"proxy must be a URL, None or False, not {kind}")
    proxy = parse_proxy(option)
    return lambda _: proxy


def parse_proxy(url: str | Secret) -> Proxy:
    """Parse the URL of a proxy. Raises ValueError, with a text that never repeats a password."""
    url = conceal(url)
    proxy = _parse(revealed(url))
    if isinstance(proxy, str):
        raise ValueError(proxy)
    return proxy


def _parse(url: str) -> Proxy | str:
    """Return the proxy, or why the URL cannot be one: no frame with a password in it raises (rule E1)."""
    scheme, separator, rest = url.partition("://")
    if not separator:
        rest = url
    elif scheme.lower() != "http":
        return "the proxy's URL must begin with http:// (https:// and SOCKS proxies are not supported)"
    userinfo, _, place = rest.rpartition("@")
    try:
        target = parse_target(normalize_url(f"http://{place}"))
    except ValueError:  # its text repeats what may be a password
        target = None
    if target is None or target.path != "/":
        return "the proxy's URL must be like http://host:port or http://user:password@host:port"
    authorization = None
    if userinfo:
        user, _, password = userinfo.partition(":")
        pair = unquote_to_bytes(user) + b":" + unquote_to_bytes(password)
        authorization = Secret(f"Basic {base64.b64encode(pair).decode()}")
    return Proxy(target.origin, target.name, target.port, authorization)


def environment_proxy_url(target: Target) -> str | None:
    """Return the URL of the proxy that the environment names for a target, as the standard library reads it.

    A host on this machine has none, whatever the environment says, as in Go.
    """
    if is_loopback(target.name) or not _names_a_proxy():
        return None
    # Here: it imports http.client and email, which nobody needs without a proxy.
    from urllib.request import getproxies_environment, proxy_bypass_environment  # type: ignore[attr-defined]  # not in the stub

    proxies = getproxies_environment()
    url = proxies.get(target.scheme) or proxies.get("all")
    if any(proxy_bypass_environment(host, proxies) for host in (target.name, f"{target.name}:{target.port}")):
        return None
    return url


def _names_a_proxy() -> bool:
    return any(name.lower().endswith("_proxy") for name in os.environ)


def environment_proxy(target: Target) -> Proxy | None:
    """Return the proxy that the environment names for a target. Raises ValueError for one that cannot be used."""
    url = environment_proxy_url(target)
    if url is None:
        return None
    try:
        return parse_proxy(url)
    except ValueError as error:
        problem = str(error)
    names = f"{target.scheme.upper()}_PROXY or ALL_PROXY"
    raise ValueError(f"the proxy in the environment ({names}) cannot be used: {problem}; proxy=False goes without")


def refusal(status: int) -> ConnectError:
    """Describe a proxy's response that says that it connects to nobody."""
    if status in _REFUSALS:
        return ConnectError(f"the proxy refused: {status} {_REFUSALS[status]}", final=True)
    final = 400 <= status < 500 and status not in _MAY_PASS
    return ConnectError(f"the proxy answered {status} to CONNECT", final=final)
