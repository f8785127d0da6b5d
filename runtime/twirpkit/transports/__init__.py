"""One adapter a network library. Each is imported when a client first needs it, and never before."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import aiohttp
    import requests

    from twirpkit.options import ProxyOption, Tls
    from twirpkit.transports.base import AsyncTransport, Transport

__all__ = ["async_transport", "sync_transport"]

_EXTRAS: Final = {"requests": "sync", "aiohttp": "async"}
_MODULES: Final = {"requests": "sync_sockets", "aiohttp": "aiohttp_session"}


def sync_transport(
    owner: object,
    session: requests.Session | None,
    transport: Transport | None = None,
    *,
    proxy: ProxyOption = None,
    tls: Tls | None = None,
) -> Transport:
    """The transport of a sync client.

    Args:
        owner: The client or service that asks; errors name its class, or that of its async twin.
        session: The user's session, or None for connections of our own.
        transport: The user's own transport, taken as it is.
        proxy: The URL of an HTTP proxy, False for none, None for what the environment says.
        tls: An `ssl.SSLContext`, or the path of a file or folder of CA certificates; None for the system's store.

    Raises:
        TypeError: The session is none of requests', for example one of aiohttp's; or proxy or tls has the wrong type.
        ValueError: Things are given together that say the same, or the proxy or tls cannot be used.
        ImportError: requests is not installed.
    """
    name = type(owner).__name__
    if transport is None:
        _check_session(session, "requests", "requests.Session", name, "aiohttp", f"Async{name}")
        made: Transport = _adapter("requests").RequestsTransport(session, proxy=proxy, tls=tls)
        return made
    _check_alone(session, proxy, tls)
    return transport


def async_transport(
    owner: object,
    session: aiohttp.ClientSession | None,
    transport: AsyncTransport | None = None,
    *,
    proxy: ProxyOption = None,
    tls: Tls | None = None,
) -> AsyncTransport:
    """The transport of an async client; as `sync_transport`, over aiohttp."""
    name = type(owner).__name__
    if transport is None:
        twin = name.removeprefix("Async")
        _check_session(session, "aiohttp", "aiohttp.ClientSession", name, "requests", twin)
        made: AsyncTransport = _adapter("aiohttp").AiohttpTransport(session, proxy=proxy, tls=tls)
        return made
    _check_alone(session, proxy, tls)
    return transport


def _check_alone(session: object, proxy: ProxyOption, tls: Tls | None) -> None:
    if session is not None:
        raise ValueError("give session=… or transport=…, not both")
    if proxy is not None or tls is not None:
        raise ValueError("with transport=…, proxy and tls are the transport's own matter: give them to it")


def _check_session(session: object, library: str, wanted: str, name: str, other: str, twin: str) -> None:
    # By the name of the library, so that nothing is imported to find out.
    libraries = {each.__module__.partition(".")[0] for each in type(session).__mro__}
    if session is None or library in libraries:
        return
    hint = f"; for that one use {twin}" if other in libraries else ""
    raise TypeError(f"{name} takes a {wanted}, not {type(session).__module__}.{type(session).__qualname__}{hint}")


def _adapter(library: str) -> Any:
    missing = None
    try:
        return importlib.import_module(f"{__name__}.{_MODULES[library]}")
    except ModuleNotFoundError as error:
        if error.name != library:
            raise
        missing = f"{library} is not installed: pip install 'twirpkit[{_EXTRAS[library]}]'"
    raise ImportError(missing, name=library)
