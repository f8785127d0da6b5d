"""The choice of a client's transport.

Each is imported when a client first needs it: a sync client does without asyncio.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from twirpkit._secret import conceal

if TYPE_CHECKING:
    import aiohttp
    import httpx
    import requests

    from twirpkit.options import ProxyOption, Tls
    from twirpkit.transports.base import AsyncTransport, Transport

__all__ = ["async_transport", "sync_transport"]


class _Library(NamedTuple):
    """An HTTP library whose sessions a client can use."""

    name: str
    """Also that of the extra that installs it."""
    session: str
    """The class of its sessions."""
    module: str
    transport: str
    """The class of the transport over a session."""

    @property
    def one_session(self) -> str:
        """One of its sessions, with the article."""
        return f"{'an' if self.name[0] in 'ah' else 'a'} {self.name}.{self.session}"


_SYNC: Final = (
    _Library("requests", "Session", "requests_session", "RequestsTransport"),
    _Library("httpx", "Client", "httpx_client", "HttpxTransport"),
)
_ASYNC: Final = (
    _Library("aiohttp", "ClientSession", "aiohttp_session", "AiohttpTransport"),
    _Library("httpx", "AsyncClient", "httpx_client", "AsyncHttpxTransport"),
)


def sync_transport(
    owner: object,
    session: requests.Session | httpx.Client | None,
    transport: Transport | Literal["requests", "httpx"] | None = None,
    *,
    proxy: ProxyOption = None,
    tls: Tls | None = None,
) -> Transport:
    """Return the transport of a sync client.

    Args:
        owner: The client or service that asks; errors name its class, or that of its async twin.
        session: The user's session, or None for connections of our own.
        transport: The user's own transport, taken as it is; or the name of a library, for a session of our own.
        proxy: The URL of an HTTP proxy, False for none, None for what the environment says.
        tls: An `ssl.SSLContext`, or the path of a file or folder of CA certificates; None for the system's store.

    Raises:
        TypeError: The session is not one of these libraries', or proxy or tls has the wrong type.
        ValueError: Things are given together that exclude each other, the name of a library is unknown, or the proxy or
            tls cannot be used.
        ImportError: The library that `transport` names is not installed.
    """
    proxy = conceal(proxy)
    name = type(owner).__name__
    chosen: Transport | None = _choose(name, f"Async{name}", _SYNC, _ASYNC, session, transport, proxy, tls)
    if chosen is not None:
        return chosen
    from twirpkit.transports.sync_sockets import SocketTransport

    return SocketTransport(proxy=proxy, tls=tls)


def async_transport(
    owner: object,
    session: aiohttp.ClientSession | httpx.AsyncClient | None,
    transport: AsyncTransport | Literal["aiohttp", "httpx"] | None = None,
    *,
    proxy: ProxyOption = None,
    tls: Tls | None = None,
) -> AsyncTransport:
    """Return the transport of an async client; as `sync_transport`, with the async classes of sessions."""
    proxy = conceal(proxy)
    name = type(owner).__name__
    twin = name.removeprefix("Async")
    chosen: AsyncTransport | None = _choose(name, twin, _ASYNC, _SYNC, session, transport, proxy, tls)
    if chosen is not None:
        return chosen
    from twirpkit.transports.async_sockets import AsyncSocketTransport

    return AsyncSocketTransport(proxy=proxy, tls=tls)


def _choose(
    name: str,
    twin: str,
    libraries: tuple[_Library, ...],
    others: tuple[_Library, ...],
    session: object,
    transport: Any,
    proxy: ProxyOption,
    tls: Tls | None,
) -> Any:
    """Return the transport that the arguments of a client ask for, None for the default one.

    Args:
        name: The class of the client.
        twin: The class of the same client in the other mode.
        libraries: The libraries of this mode.
        others: Those of the other mode.
        session: As for `sync_transport`, like the rest.
    """
    if session is not None and transport is not None:
        raise ValueError("give session=… or transport=…, not both")
    if session is not None:
        return _load(_library_of(session, name, twin, libraries, others))(session, proxy=proxy, tls=tls)
    if isinstance(transport, str):
        return _load(_library_named(transport, name, twin, libraries, others))(proxy=proxy, tls=tls)
    if transport is not None and (proxy is not None or tls is not None):
        raise ValueError("with transport=…, proxy and tls are the transport's own matter: give them to it")
    return transport


def _library_of(
    session: object, name: str, twin: str, libraries: tuple[_Library, ...], others: tuple[_Library, ...]
) -> _Library:
    """Return the library of a session. The names of its classes tell, so that nothing is imported to find out."""
    classes = {(each.__module__.partition(".")[0], each.__name__) for each in type(session).__mro__}
    for library in libraries:
        if (library.name, library.session) in classes:
            return library
    known = " or ".join(library.one_session for library in libraries)
    fits_twin = any((other.name, other.session) in classes for other in others)
    hint = f"; for that one use {twin}" if fits_twin else ""
    kind = f"{type(session).__module__}.{type(session).__qualname__}"
    raise TypeError(f"{name} takes {known}, not {kind}{hint}")


def _library_named(
    wanted: str, name: str, twin: str, libraries: tuple[_Library, ...], others: tuple[_Library, ...]
) -> _Library:
    for library in libraries:
        if library.name == wanted:
            return library
    known = " or ".join(repr(library.name) for library in libraries)
    hint = f"; for that one use {twin}" if wanted in {other.name for other in others} else ""
    raise ValueError(f"{name} takes transport={known}, or a transport, not {wanted!r}{hint}")


def _load(library: _Library) -> Any:
    """Return the class of the transport over sessions of a library."""
    try:
        module = importlib.import_module(f"{__name__}.{library.module}")
    except ModuleNotFoundError as error:
        if error.name != library.name:  # a library that is broken says itself what it lacks
            raise
        missing = ImportError(
            f"{library.name} is not installed: pip install 'twirpkit[{library.name}]'", name=library.name
        )
    else:
        return getattr(module, library.transport)
    raise missing
