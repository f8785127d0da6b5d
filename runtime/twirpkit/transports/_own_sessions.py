"""Sessions of HTTP libraries that a transport makes itself: their proxies, and one session for each event loop."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Generic, TypeVar

from twirpkit._http1.request import Target
from twirpkit._secret import Secret, conceal
from twirpkit.options import ProxyOption
from twirpkit.transports._net.connect_failures import ConnectError
from twirpkit.transports._net.fork import process
from twirpkit.transports._net.proxy import environment_proxy, environment_proxy_url, proxy_selector
from twirpkit.transports._net.tls import default_context
from twirpkit.transports.base import running_loop

__all__ = ["LoopSessions", "ProcessSessions", "ProxyUrls", "system_trust"]

S = TypeVar("S")


class ProxyUrls:
    """The URL of the proxy for each origin, by the rules of the default transports.

    Args:
        option: The URL of an HTTP proxy, False for none, None for that of the environment.

    Raises:
        TypeError: The option has a wrong type.
        ValueError: The URL cannot be a proxy's.
    """

    def __init__(self, option: ProxyOption | Secret) -> None:
        option = conceal(option)
        proxy_selector(option)  # checks it
        self._option = option
        self._chosen: dict[str, Secret | None] = {}

    def get(self, target: Target) -> Secret | None:
        """Return the URL for a target. Raises ValueError if that of the environment cannot be used."""
        if self._option is not None:
            return self.given
        if target.origin not in self._chosen:
            environment_proxy(target)  # checks it
            self._chosen[target.origin] = _with_scheme(conceal(environment_proxy_url(target)))
        return self._chosen[target.origin]

    @property
    def given(self) -> Secret | None:
        """The URL that was given, for all targets."""
        return _with_scheme(self._option) if isinstance(self._option, Secret) else None


def _with_scheme(url: Secret | None) -> Secret | None:
    """Return a URL that libraries take; ours may lack the scheme."""
    return url if url is None or "://" in url.reveal() else Secret(f"http://{url.reveal()}")


def system_trust() -> ssl.SSLContext | bool:
    """Return a context that trusts the system's store, or True, which leaves the choice to a library."""
    try:
        return default_context()
    except (OSError, ConnectError):
        return True


class ProcessSessions(Generic[S]):
    """The session of a sync transport: one for each process, because a fork must not share connections.

    Args:
        make: Makes a session.
        close: Closes a session.
    """

    def __init__(self, make: Callable[[], S], close: Callable[[S], object]) -> None:
        self._make = make
        self._close = close
        self._held: dict[object, S] = {}

    def get(self) -> S:
        """Return the session of this process."""
        session = self._held.get(process())
        return self._held.setdefault(process(), self._make()) if session is None else session

    def close(self) -> None:
        """Close the session of this process."""
        session = self._held.get(process())
        if session is not None:
            self._close(session)


class LoopSessions(Generic[S]):
    """The sessions of an async transport, one for each event loop.

    A session ends with its loop, if that ends as `asyncio.run` ends it.

    Args:
        make: Makes a session in the running loop.
        close: Closes a session.
    """

    def __init__(self, make: Callable[[], S], close: Callable[[S], Awaitable[None]]) -> None:
        self._make = make
        self._close = close
        self._held: dict[tuple[object, asyncio.AbstractEventLoop], tuple[S, AsyncGenerator[None]]] = {}
        """By process and loop: a child does not use what its parent has open."""

    def get(self) -> S:
        """Return the session of the running loop."""
        key = process(), running_loop()
        held = self._held.get(key)
        if held is None:
            session = self._make()
            keeper = self._until_shutdown(key, session)
            with contextlib.suppress(StopIteration):  # it begins at once: the loop knows it then, and ends it
                keeper.asend(None).__await__().__next__()
            held = self._held[key] = session, keeper
        return held[0]

    async def aclose(self) -> None:
        """Close the sessions. That of a loop which neither runs nor has ended cannot be closed."""
        here = running_loop()
        for (owner, loop), (_, keeper) in list(self._held.items()):
            if owner is not process():
                continue
            if loop is here:
                await keeper.aclose()
            elif loop.is_running():
                asyncio.run_coroutine_threadsafe(_end(keeper), loop)

    async def _until_shutdown(self, key: tuple[object, asyncio.AbstractEventLoop], session: S) -> AsyncGenerator[None]:
        try:
            yield
        finally:
            self._held.pop(key, None)
            await self._close(session)


async def _end(keeper: AsyncGenerator[None]) -> None:
    await keeper.aclose()
