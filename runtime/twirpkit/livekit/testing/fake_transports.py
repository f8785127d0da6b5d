"""Transports to a fake server in this process, with the faults of a network that a test orders."""

from __future__ import annotations

import asyncio
import time
from typing import Final
from urllib.parse import urlsplit

from twirpkit.livekit.testing.fake_application import FakeApplication
from twirpkit.livekit.testing.scripted_faults import NetworkFault
from twirpkit.transports.base import HttpRequest, HttpResponse, Phase, TransportFailure

__all__ = ["AsyncFakeTransport", "FakeTransport"]

_DROPPED: Final = TransportFailure("the connection was closed before a response", Phase.NO_ANSWER)
_LATE: Final = TransportFailure("the server did not respond in time", Phase.NO_ANSWER, timed_out=True)


class FakeTransport:
    """The transport of sync clients. A delay is waited for, at most until the call's deadline."""

    def __init__(self, application: FakeApplication) -> None:
        self._application = application
        self._transport = application.transport()

    def send(self, request: HttpRequest, /) -> HttpResponse | TransportFailure:
        """Handle a request, unless a fault prevents it."""
        fault = _fault(self._application, request)
        if fault is None:
            return self._transport.send(request)
        if not fault.executed:
            return _DROPPED
        result = self._transport.send(request)
        if fault.dropped:
            return _DROPPED
        wait = _wait(request, fault)
        time.sleep(wait)
        return result if wait == fault.delay else _LATE

    def close(self) -> None:
        """Do nothing: there are no connections."""


class AsyncFakeTransport:
    """The transport of async clients; as `FakeTransport`."""

    def __init__(self, application: FakeApplication) -> None:
        self._application = application
        self._transport = application.async_transport()

    async def send(self, request: HttpRequest, /) -> HttpResponse | TransportFailure:
        """Handle a request, unless a fault prevents it."""
        fault = _fault(self._application, request)
        if fault is None:
            return await self._transport.send(request)
        if not fault.executed:
            return _DROPPED
        result = await self._transport.send(request)
        if fault.dropped:
            return _DROPPED
        wait = _wait(request, fault)
        await asyncio.sleep(wait)
        return result if wait == fault.delay else _LATE

    async def aclose(self, *, timeout: float | None = None) -> None:
        """Do nothing: there are no connections."""


def _fault(application: FakeApplication, request: HttpRequest) -> NetworkFault | None:
    return application.faults.network(application.rpc_of(urlsplit(request.url).path))


def _wait(request: HttpRequest, fault: NetworkFault) -> float:
    """Return the seconds to wait: the delay, or until the deadline if that is before."""
    if request.deadline is None:
        return fault.delay
    return min(fault.delay, max(0.0, request.deadline - time.monotonic()))
