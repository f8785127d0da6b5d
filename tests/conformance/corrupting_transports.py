"""Transports that change what passes through them: the wrongs that the suite must see."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from twirpkit import HttpRequest, HttpResponse, TransportFailure
from twirpkit.transports.async_sockets import AsyncSocketTransport
from twirpkit.transports.sync_sockets import SocketTransport

__all__ = ["Change", "ChangeBack", "corrupting"]

Change: TypeAlias = Callable[[HttpRequest], HttpRequest]
ChangeBack: TypeAlias = Callable[[HttpResponse], HttpResponse]


def _changed(outcome: HttpResponse | TransportFailure, back: ChangeBack) -> HttpResponse | TransportFailure:
    return back(outcome) if isinstance(outcome, HttpResponse) else outcome


@dataclass
class _Corrupting:
    there: Change
    back: ChangeBack
    inner: SocketTransport = field(default_factory=SocketTransport)

    def send(self, request: HttpRequest, /) -> HttpResponse | TransportFailure:
        return _changed(self.inner.send(self.there(request)), self.back)

    def close(self) -> None:
        self.inner.close()


@dataclass
class _AsyncCorrupting:
    there: Change
    back: ChangeBack
    inner: AsyncSocketTransport = field(default_factory=AsyncSocketTransport)

    async def send(self, request: HttpRequest, /) -> HttpResponse | TransportFailure:
        return _changed(await self.inner.send(self.there(request)), self.back)

    async def aclose(self) -> None:
        await self.inner.aclose()


def corrupting(there: Change = lambda each: each, back: ChangeBack = lambda each: each) -> dict[str, Any]:
    """The suite's options for transports that change each request and each answer."""
    return {"transport": lambda: _Corrupting(there, back), "async_transport": lambda: _AsyncCorrupting(there, back)}
