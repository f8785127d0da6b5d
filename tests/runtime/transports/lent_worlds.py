"""Transports over sessions that a user lends, behind the interface of `worlds`."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import Callable
from typing import Any

import aiohttp
import httpx
import requests
from worlds import make_request

from twirpkit.transports.aiohttp_session import AiohttpTransport
from twirpkit.transports.base import TransportFailure
from twirpkit.transports.httpx_client import AsyncHttpxTransport, HttpxTransport
from twirpkit.transports.requests_session import RequestsTransport

__all__ = ["LENT", "AsyncLentWorld", "LentWorld", "SyncLentWorld", "lend"]


class SyncLentWorld:
    """A session of a sync library, and the transport over it."""

    def __init__(self, session: requests.Session | httpx.Client) -> None:
        self.session: Any = session
        lent = RequestsTransport(session) if isinstance(session, requests.Session) else HttpxTransport(session)
        self.transport: Any = lent

    def send(self, url: str, **options: Any) -> Any:
        return self.transport.send(make_request(url, **options))

    def fail(self, url: str, **options: Any) -> TransportFailure:
        return _fail(self, url, **options)

    def end(self) -> None:
        self.transport.close()
        self.session.close()


class AsyncLentWorld:
    """A session of an async library, the transport over it, and the loop in which both live."""

    def __init__(
        self, make: Callable[[], aiohttp.ClientSession | httpx.AsyncClient], runner: asyncio.Runner | None = None
    ) -> None:
        self.runner = runner or asyncio.Runner()
        self.session: Any = self.runner.run(_make(make))
        aio = isinstance(self.session, aiohttp.ClientSession)
        self.transport: Any = AiohttpTransport(self.session) if aio else AsyncHttpxTransport(self.session)

    def send(self, url: str, **options: Any) -> Any:
        return self.runner.run(self.transport.send(make_request(url, **options)))

    def fail(self, url: str, **options: Any) -> TransportFailure:
        return _fail(self, url, **options)

    def end(self) -> None:
        self.runner.run(self._end())
        self.runner.close()

    async def _end(self) -> None:
        await self.transport.aclose()
        await (self.session.close() if isinstance(self.session, aiohttp.ClientSession) else self.session.aclose())


LentWorld = SyncLentWorld | AsyncLentWorld
LENT = ["requests", "aiohttp", "httpx", "httpx-async"]
if importlib.util.find_spec("uvloop"):  # it is not there for every Python
    LENT += ["aiohttp-uvloop", "httpx-async-uvloop"]


def lend(name: str, **options: Any) -> LentWorld:
    """Make a session with these options, and a transport over it."""
    if name == "requests":
        session = requests.Session()
        for option, value in options.items():
            setattr(session, option, value)
        return SyncLentWorld(session)
    if name == "httpx":
        return SyncLentWorld(httpx.Client(**options))
    runner = None
    if name.endswith("uvloop"):
        import uvloop

        runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
    make: Callable[..., Any] = aiohttp.ClientSession if name.startswith("aiohttp") else httpx.AsyncClient
    return AsyncLentWorld(lambda: make(**options), runner)


async def _make(make: Callable[[], Any]) -> Any:
    return make()


def _fail(world: LentWorld, url: str, **options: Any) -> TransportFailure:
    outcome = world.send(url, **options)
    assert isinstance(outcome, TransportFailure), f"a response came: {outcome}, {outcome.body!r}"
    return outcome
