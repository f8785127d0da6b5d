"""The sync and the async clients under test, behind one interface that waits for the result."""

from __future__ import annotations

import asyncio
import time
import warnings
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from google.protobuf.message import Message

from twirpkit.client import AsyncClient, Client
from twirpkit.conformance.compare import CallResult
from twirpkit.conformance.playback_plan import Plan
from twirpkit.conformance.request_forms import RequestForm, arguments
from twirpkit.errors import Code, TwirpError
from twirpkit.transports.base import AsyncTransport, HttpRequest, HttpResponse, Transport, TransportFailure

__all__ = ["AsyncClients", "AsyncFacade", "ClientsUnderTest", "Facade", "SyncClients", "deadline"]

TIMEOUT: Final = 5.0
"""Timeout of a call in seconds. The replay server responds at once."""

Facade: TypeAlias = Callable[..., Client]
"""A generated sync facade, for example ``HatsAPI``."""
AsyncFacade: TypeAlias = Callable[..., AsyncClient]
"""A generated async facade, for example ``AsyncHatsAPI``."""
Credentials: TypeAlias = Mapping[str, Any]
Attempts: TypeAlias = list[HttpResponse | TransportFailure]


class SyncClients:
    """The sync clients of a package, one per URL and credentials.

    Args:
        facade: The facade to make them with.
        transport: Makes a transport for each client.
    """

    def __init__(self, facade: Facade, transport: Callable[[], Transport]) -> None:
        self._facade = facade
        self._transport = transport
        self._clients: dict[object, tuple[Client, _RecordingTransport]] = {}
        self._bare_transport = transport()

    def call(self, url: str, credentials: Credentials, plan: Plan, form: RequestForm) -> CallResult | None:
        """Make the plan's call with a client. Return None if the form cannot express the plan's request."""
        key = (url, *sorted(credentials.items()))
        if key not in self._clients:
            recording = _RecordingTransport(self._transport())
            client = self._facade(url, transport=recording, timeout=TIMEOUT, retry=False, **credentials)
            self._clients[key] = client, recording
        client, recording = self._clients[key]
        result = _make_call(client, recording.attempts, plan, form, lambda response: response)
        if _is_refused(result):
            self._clients.pop(key)[0].close()
        return result

    def send(self, request: HttpRequest) -> HttpResponse | TransportFailure:
        """Send a request with a transport alone."""
        return self._bare_transport.send(request)

    def close(self) -> None:
        """Close all clients."""
        for client, _ in self._clients.values():
            client.close()
        self._bare_transport.close()


class AsyncClients:
    """The async clients of a package, one per URL and credentials, on an event loop of their own.

    Args:
        facade: The facade to make them with.
        transport: Makes a transport for each client.
    """

    def __init__(self, facade: AsyncFacade, transport: Callable[[], AsyncTransport]) -> None:
        self._facade = facade
        self._transport = transport
        self._clients: dict[object, tuple[AsyncClient, _AsyncRecordingTransport]] = {}
        self._runner = asyncio.Runner()
        self._bare_transport = transport()

    def call(self, url: str, credentials: Credentials, plan: Plan, form: RequestForm) -> CallResult | None:
        """Make the plan's call with a client. Return None if the form cannot express the plan's request."""
        key = (url, *sorted(credentials.items()))
        if key not in self._clients:
            recording = _AsyncRecordingTransport(self._transport())
            client = self._facade(url, transport=recording, timeout=TIMEOUT, retry=False, **credentials)
            self._clients[key] = client, recording
        client, recording = self._clients[key]
        result = _make_call(client, recording.attempts, plan, form, self._runner.run)
        if _is_refused(result):
            self._runner.run(self._clients.pop(key)[0].aclose())
        return result

    def send(self, request: HttpRequest) -> HttpResponse | TransportFailure:
        """Send a request with a transport alone."""
        return self._runner.run(self._send(request))

    async def _send(self, request: HttpRequest) -> HttpResponse | TransportFailure:
        return await self._bare_transport.send(request)

    def close(self) -> None:
        """Close all clients."""
        with self._runner as runner:
            for client, _ in self._clients.values():
                runner.run(client.aclose())
            runner.run(self._bare_transport.aclose())


ClientsUnderTest: TypeAlias = SyncClients | AsyncClients


class _RecordingTransport:
    """A transport that records the results of another one."""

    def __init__(self, inner: Transport) -> None:
        self._inner = inner
        self.attempts: Attempts = []

    def send(self, request: HttpRequest, /) -> HttpResponse | TransportFailure:
        outcome = self._inner.send(request)
        self.attempts.append(outcome)
        return outcome

    def close(self) -> None:
        self._inner.close()


class _AsyncRecordingTransport:
    """The async counterpart of `_RecordingTransport`."""

    def __init__(self, inner: AsyncTransport) -> None:
        self._inner = inner
        self.attempts: Attempts = []

    async def send(self, request: HttpRequest, /) -> HttpResponse | TransportFailure:
        outcome = await self._inner.send(request)
        self.attempts.append(outcome)
        return outcome

    async def aclose(self) -> None:
        await self._inner.aclose()


def _make_call(
    client: object, attempts: Attempts, plan: Plan, form: RequestForm, finish: Callable[[Any], Message]
) -> CallResult | None:
    """Make a call and return its result; `finish` waits for it if the client is async."""
    assert plan.rpc is not None  # noqa: S101  # plans of clients have one
    call = getattr(getattr(client, plan.rpc.attribute), plan.rpc.method.py_name)
    if (given := arguments(form, plan.message_or_empty, call)) is None:
        return None
    attempts.clear()
    try:
        with warnings.catch_warnings():
            # Playing the recording of a deprecated RPC is not a use to warn of.
            warnings.filterwarnings("ignore", f"{plan.rpc.method.name} is deprecated", DeprecationWarning)
            response = finish(call(*given[0], **given[1], extra_headers=plan.extra_headers))
    except TwirpError as error:
        return CallResult(None, error, tuple(attempts))
    return CallResult(response, None, tuple(attempts))


def _is_refused(result: CallResult | None) -> bool:
    """Return True if the token was refused.

    The client may then have corrected its clock by the recorded Date, so it is not used for another exchange.
    """
    return result is not None and result.error is not None and result.error.code is Code.UNAUTHENTICATED


def deadline() -> float:
    """Return the deadline of a request that a transport sends alone."""
    return time.monotonic() + TIMEOUT
