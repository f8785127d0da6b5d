"""One table of cases over both transports: the sync one, and the async one driven by an event loop of its own."""

from __future__ import annotations

import asyncio
import concurrent.futures
import time
from collections.abc import Mapping
from typing import Any

from wire import Server

from twirpkit.transports.aiohttp_session import AiohttpTransport
from twirpkit.transports.base import HttpRequest, HttpResponse, TransportFailure
from twirpkit.transports.sync_sockets import RequestsTransport

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

    def __init__(self, session: Any = None, **options: Any) -> None:
        self.transport = RequestsTransport(session, **options)

    def send(self, url: str, **options: Any) -> HttpResponse:
        return self.transport.send(make_request(url, **options))

    def fail(self, url: str, **options: Any) -> TransportFailure:
        return _fail(self, url, **options)

    def release_together(self, server: Server, count: int) -> list[HttpResponse]:
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

    def __init__(self, session: Any = None, **options: Any) -> None:
        self.transport = AiohttpTransport(session, **options)
        self.runner = asyncio.Runner()

    def send(self, url: str, **options: Any) -> HttpResponse:
        return self.runner.run(self.transport.send(make_request(url, **options)))

    def fail(self, url: str, **options: Any) -> TransportFailure:
        return _fail(self, url, **options)

    def release_together(self, server: Server, count: int) -> list[HttpResponse]:
        async def send_all() -> list[HttpResponse]:
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


World = SyncWorld | AsyncWorld
WORLDS: dict[str, type[World]] = {"sync": SyncWorld, "async": AsyncWorld}


def _fail(world: World, url: str, **options: Any) -> TransportFailure:
    outcome = world.send(url, **options)
    assert isinstance(outcome, TransportFailure), f"a response came: {outcome}, {outcome.body!r}"
    return outcome
