"""The two worlds under test behind one interface: clients that wait, and clients that await."""

from __future__ import annotations

import asyncio
import time
import warnings
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from google.protobuf.message import Message

from twirpkit.client import AsyncClient, Client
from twirpkit.conformance.compare import Heard
from twirpkit.conformance.playback_plan import Plan
from twirpkit.conformance.request_forms import Form, arguments
from twirpkit.errors import TwirpError
from twirpkit.transports.base import AsyncTransport, HttpRequest, HttpResponse, Transport, TransportFailure

__all__ = ["AsyncFacade", "AsyncWorld", "Facade", "SyncWorld", "World"]

TIMEOUT: Final = 5.0
"""Seconds that a call may take: the replay server answers at once."""

Facade: TypeAlias = Callable[..., Client]
"""A generated sync facade, for example ``HatsAPI``."""
AsyncFacade: TypeAlias = Callable[..., AsyncClient]
"""A generated async facade, for example ``AsyncHatsAPI``."""
Credentials: TypeAlias = Mapping[str, Any]
Steps: TypeAlias = list[HttpResponse | TransportFailure]


class SyncWorld:
    """Clients of requests, or of another library whose transport is given."""

    def __init__(self, facade: Facade, transport: Callable[[], Transport]) -> None:
        self._facade = facade
        self._transport = transport
        self._clients: dict[object, tuple[Client, _Tap]] = {}
        self._lower = transport()

    def call(self, url: str, credentials: Credentials, plan: Plan, form: Form) -> Heard | None:
        """Make the plan's call by a client. None where the form cannot say the plan's message."""
        key = (url, *sorted(credentials.items()))
        if key not in self._clients:
            tap = _Tap(self._transport())
            self._clients[key] = self._facade(url, transport=tap, timeout=TIMEOUT, retry=False, **credentials), tap
        client, tap = self._clients[key]
        return _heard(client, tap.steps, plan, form, lambda answer: answer)

    def send(self, request: HttpRequest) -> HttpResponse | TransportFailure:
        """Send by the lower layer."""
        return self._lower.send(request)

    def close(self) -> None:
        """Close every client."""
        for client, _ in self._clients.values():
            client.close()
        self._lower.close()


class AsyncWorld:
    """Clients of aiohttp, or of another library whose transport is given, on an event loop of the world's own."""

    def __init__(self, facade: AsyncFacade, transport: Callable[[], AsyncTransport]) -> None:
        self._facade = facade
        self._transport = transport
        self._clients: dict[object, tuple[AsyncClient, _AsyncTap]] = {}
        self._runner = asyncio.Runner()
        self._lower = transport()

    def call(self, url: str, credentials: Credentials, plan: Plan, form: Form) -> Heard | None:
        """Make the plan's call by a client. None where the form cannot say the plan's message."""
        key = (url, *sorted(credentials.items()))
        if key not in self._clients:
            tap = _AsyncTap(self._transport())
            self._clients[key] = self._facade(url, transport=tap, timeout=TIMEOUT, retry=False, **credentials), tap
        client, tap = self._clients[key]
        return _heard(client, tap.steps, plan, form, self._runner.run)

    def send(self, request: HttpRequest) -> HttpResponse | TransportFailure:
        """Send by the lower layer."""
        return self._runner.run(self._send(request))

    async def _send(self, request: HttpRequest) -> HttpResponse | TransportFailure:
        return await self._lower.send(request)

    def close(self) -> None:
        """Close every client."""
        with self._runner as runner:
            for client, _ in self._clients.values():
                runner.run(client.aclose())
            runner.run(self._lower.aclose())


World: TypeAlias = SyncWorld | AsyncWorld


class _Tap:
    """A transport that notes what another one said."""

    def __init__(self, inner: Transport) -> None:
        self._inner = inner
        self.steps: Steps = []

    def send(self, request: HttpRequest, /) -> HttpResponse | TransportFailure:
        outcome = self._inner.send(request)
        self.steps.append(outcome)
        return outcome

    def close(self) -> None:
        self._inner.close()


class _AsyncTap:
    """As `_Tap`."""

    def __init__(self, inner: AsyncTransport) -> None:
        self._inner = inner
        self.steps: Steps = []

    async def send(self, request: HttpRequest, /) -> HttpResponse | TransportFailure:
        outcome = await self._inner.send(request)
        self.steps.append(outcome)
        return outcome

    async def aclose(self) -> None:
        await self._inner.aclose()


def _heard(client: object, steps: Steps, plan: Plan, form: Form, finish: Callable[[Any], Message]) -> Heard | None:
    """Make a call and collect what came of it; `finish` waits for the answer where the client does not."""
    assert plan.rpc is not None  # noqa: S101  # the suite calls with plans that have one
    call = getattr(getattr(client, plan.rpc.attribute), plan.rpc.method.py_name)
    if (given := arguments(form, plan.message_or_empty, call)) is None:
        return None
    steps.clear()
    try:
        with warnings.catch_warnings():
            # To play the recording of a deprecated RPC is not to use it.
            warnings.filterwarnings("ignore", f"{plan.rpc.method.name} is deprecated", DeprecationWarning)
            answer = finish(call(*given[0], **given[1], extra_headers=plan.extra_headers))
    except TwirpError as error:
        return Heard(None, error, tuple(steps))
    return Heard(answer, None, tuple(steps))


def deadline() -> float:
    """The deadline of a request of the lower layer."""
    return time.monotonic() + TIMEOUT
