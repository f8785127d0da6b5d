"""Transports. Each is imported when a client first needs it, and never before: a sync client does without asyncio."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import aiohttp
    import requests

    from twirpkit.options import ProxyOption, Tls
    from twirpkit.transports.base import AsyncTransport, Transport

__all__ = ["async_transport", "sync_transport"]

_LENT: Final = {
    "requests": ("requests_session", "RequestsSessionTransport"),
    "aiohttp": ("aiohttp_session", "AiohttpSessionTransport"),
}
"""Transports over the session of a library, by its name: their modules and classes."""


def sync_transport(
    owner: object,
    session: requests.Session | None,
    transport: Transport | None = None,
    *,
    proxy: ProxyOption = None,
    tls: Tls | None = None,
) -> Transport:
    """Return the transport of a sync client.

    Args:
        owner: The client or service that asks; errors name its class, or that of its async twin.
        session: The user's session, or None for connections of our own.
        transport: The user's own transport, taken as it is.
        proxy: The URL of an HTTP proxy, False for none, None for what the environment says.
        tls: An `ssl.SSLContext`, or the path of a file or folder of CA certificates; None for the system's store.

    Raises:
        TypeError: The session is not one of requests', or proxy or tls has the wrong type.
        ValueError: Things are given together that say the same, or the proxy or tls cannot be used.
    """
    if transport is not None:
        _check_alone(session, proxy, tls)
        return transport
    if session is not None:
        name = type(owner).__name__
        _check_session(session, "requests", "requests.Session", name, "aiohttp", f"Async{name}")
        lent: Transport = _lent("requests")(session, proxy=proxy, tls=tls)
        return lent
    from twirpkit.transports.sync_sockets import SocketTransport

    return SocketTransport(proxy=proxy, tls=tls)


def async_transport(
    owner: object,
    session: aiohttp.ClientSession | None,
    transport: AsyncTransport | None = None,
    *,
    proxy: ProxyOption = None,
    tls: Tls | None = None,
) -> AsyncTransport:
    """Return the transport of an async client; as `sync_transport`, but a session must be one of aiohttp's."""
    if transport is not None:
        _check_alone(session, proxy, tls)
        return transport
    if session is not None:
        name = type(owner).__name__
        twin = name.removeprefix("Async")
        _check_session(session, "aiohttp", "aiohttp.ClientSession", name, "requests", twin)
        lent: AsyncTransport = _lent("aiohttp")(session, proxy=proxy, tls=tls)
        return lent
    from twirpkit.transports.async_sockets import AsyncSocketTransport

    return AsyncSocketTransport(proxy=proxy, tls=tls)


def _check_alone(session: object, proxy: ProxyOption, tls: Tls | None) -> None:
    if session is not None:
        raise ValueError("give session=… or transport=…, not both")
    if proxy is not None or tls is not None:
        raise ValueError("with transport=…, proxy and tls are the transport's own matter: give them to it")


def _check_session(session: object, library: str, wanted: str, name: str, other: str, twin: str) -> None:
    # By the name of the library, so that nothing is imported to find out.
    libraries = {each.__module__.partition(".")[0] for each in type(session).__mro__}
    if library in libraries:
        return
    hint = f"; for that one use {twin}" if other in libraries else ""
    raise TypeError(f"{name} takes a {wanted}, not {type(session).__module__}.{type(session).__qualname__}{hint}")


def _lent(library: str) -> Any:
    module, name = _LENT[library]
    return getattr(importlib.import_module(f"{__name__}.{module}"), name)
