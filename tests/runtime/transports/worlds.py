"""One table of cases over the default transports: the sync one, and the async one over asyncio and over uvloop."""

from __future__ import annotations

import asyncio
import concurrent.futures
import importlib.util
import time
from collections.abc import Mapping
from typing import Any

from byte_server import Server

from twirpkit.transports.async_sockets import AsyncSocketTransport
from twirpkit.transports.base import HttpRequest, TransportFailure
from twirpkit.transports.sync_sockets import SocketTransport

__all__ = ["HEADERS", "TOKEN", "WORLDS", "AsyncWorld", "SyncWorld", "World", "make_request"]

TOKEN = "Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJtZSJ9.c2VjcmV0"
HEADERS = {
    "Content-Type": "application/protobuf",
    "Accept": "application/protobuf",
    "Accept-Encoding": "gzip, deflate",
    "User-Agent": "twirpkit-tests/1",
    "Authorization": TOKEN,
}


def make_request(
    url: str,
    *,
    headers: Mapping[str, str] = HEADERS,
    body: bytes = b"ask",
    timeout: float | None = 5.0,
    connecting: float | None = None,
    **options: Any,
) -> HttpRequest:
    now = time.monotonic()
    deadline = None if timeout is None else now + timeout
    connect_deadline = None if connecting is None else now + connecting
    return HttpRequest(url, headers, body, deadline, connect_deadline, **options)


class SyncWorld:
    name = "sync"

    def __init__(self, **options: Any) -> None:
        self.transport = SocketTransport(**options)

    def send(self, url: str, **options: Any) -> Any:
        return self.transport.send(make_request(url, **options))

    def fail(self, url: str, **options: Any) -> TransportFailure:
        return _fail(self, url, **options)

    def release_together(self, server: Server, count: int) -> list[Any]:
        """Send so many at once, and have the server answer when all have arrived."""
        with concurrent.futures.ThreadPoolExecutor(count) as threads:
            calls = [threads.submit(self.send, server.url) for _ in range(count)]
            while len(server.requests) < count:
                time.sleep(0.001)
            server.released.set()
            return [call.result() for call in calls]

    def pause(self, seconds: float) -> None:
        time.sleep(seconds)

    def close(self) -> None:
        self.transport.close()

    def end(self) -> None:
        self.close()


class AsyncWorld:
    name = "async"

    def __init__(self, **options: Any) -> None:
        self.transport = AsyncSocketTransport(**options)
        self.runner = asyncio.Runner(loop_factory=self.new_loop)

    @staticmethod
    def new_loop() -> asyncio.AbstractEventLoop:
        return asyncio.new_event_loop()

    def send(self, url: str, **options: Any) -> Any:
        return self.runner.run(self.transport.send(make_request(url, **options)))

    def fail(self, url: str, **options: Any) -> TransportFailure:
        return _fail(self, url, **options)

    def release_together(self, server: Server, count: int) -> list[Any]:
        async def send_all() -> list[Any]:
            calls = [asyncio.create_task(self.transport.send(make_request(server.url))) for _ in range(count)]
            while len(server.requests) < count:
                await asyncio.sleep(0.001)
            server.released.set()
            return await asyncio.gather(*calls)

        return self.runner.run(send_all())

    def pause(self, seconds: float) -> None:
        self.runner.run(asyncio.sleep(seconds))

    def close(self) -> None:
        self.runner.run(self.transport.aclose())

    def end(self) -> None:
        self.close()
        self.runner.close()


class UvloopWorld(AsyncWorld):
    name = "uvloop"

    @staticmethod
    def new_loop() -> asyncio.AbstractEventLoop:
        import uvloop

        return uvloop.new_event_loop()


World = SyncWorld | AsyncWorld
WORLDS: dict[str, type[World]] = {"sync": SyncWorld, "async": AsyncWorld}
if importlib.util.find_spec("uvloop"):  # it is not there for every Python
    WORLDS["uvloop"] = UvloopWorld


def _fail(world: World, url: str, **options: Any) -> TransportFailure:
    outcome = world.send(url, **options)
    assert isinstance(outcome, TransportFailure), f"a response came: {outcome}, {outcome.body!r}"
    return outcome
