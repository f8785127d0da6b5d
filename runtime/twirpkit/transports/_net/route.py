"""The way to an origin: its proxy, and the TLS settings of the connections to it."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from twirpkit._http1.request import Target, encode_head
from twirpkit._http1.response import Exchange
from twirpkit.transports._net.connect_failures import not_connected
from twirpkit.transports._net.proxy import PROXY_AUTHENTICATION_REQUIRED, Proxy, refusal
from twirpkit.transports._net.tls import default_context
from twirpkit.transports.base import HttpRequest, HttpResponse

__all__ = ["Route", "Routes"]


@dataclass(frozen=True, slots=True)
class Route:
    """The way to an origin."""

    target: Target
    """A target of that origin."""
    proxy: Proxy | None
    """The proxy to connect to in its place: it is asked for a tunnel where the target wants TLS."""
    own_context: ssl.SSLContext | None
    """The TLS settings that the user gave."""
    place: str
    """The origin and the way to it, for people."""

    @property
    def encrypted(self) -> bool:
        """True if the target wants TLS."""
        return self.target.scheme == "https"

    @property
    def peer(self) -> tuple[str, int]:
        """The host and the port to connect to."""
        return (self.target.name, self.target.port) if self.proxy is None else (self.proxy.name, self.proxy.port)

    def context(self) -> ssl.SSLContext:
        """Return the TLS settings. Raises OSError and ConnectError if the system's store cannot be used."""
        return default_context() if self.own_context is None else self.own_context

    def encode(self, request: HttpRequest, target: Target) -> memoryview:
        """Return the head of a request. A view, because it does not show its bytes in a traceback (rule E1)."""
        method, headers, length = request.method, request.headers, len(request.body)
        if self.proxy is None or self.encrypted:
            return memoryview(encode_head(method, target, headers, length))
        authorization = self.proxy.authorization
        return memoryview(
            encode_head(method, target, headers, length, absolute_form=True, proxy_authorization=authorization)
        )

    def result(self, exchange: Exchange) -> Exchange:
        """Return an exchange, but as a failure if a proxy wrote the response and never passed the request on."""
        response = exchange.result
        if self.proxy is None or self.encrypted or not isinstance(response, HttpResponse):
            return exchange
        if response.status != PROXY_AUTHENTICATION_REQUIRED:
            return exchange
        return Exchange(not_connected(self.place, refusal(response.status)), exchange.reusable)


class Routes:
    """The routes of a client, each chosen when its origin is first needed.

    Args:
        select_proxy: Gives the proxy for a target.
        context: The TLS settings, or None: the system's store vouches.
    """

    def __init__(self, select_proxy: Callable[[Target], Proxy | None], context: ssl.SSLContext | None) -> None:
        self._select_proxy: Final = select_proxy
        self._context: Final = context
        self._routes: Final[dict[str, Route]] = {}

    def get(self, target: Target) -> Route:
        """Return the route to a target. Raises ValueError if the environment's proxy cannot be used."""
        route = self._routes.get(target.origin)
        return self._add(target) if route is None else route

    def _add(self, target: Target) -> Route:
        proxy = self._select_proxy(target)
        place = target.host if proxy is None else f"{target.host} through the proxy {proxy.origin}"
        return self._routes.setdefault(target.origin, Route(target, proxy, self._context, place))
