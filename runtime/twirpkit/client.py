"""`Client` and `AsyncClient`: the two drivers of a call's flow, and their lifecycle.

Generated facades are clients; generated services hold one. The two worlds differ only where waiting differs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn, Self, TypeVar

from google.protobuf.message import Message

from twirpkit.call import CallOptions, Default, Endpoint, Method, Send, flow
from twirpkit.fields import request_message
from twirpkit.headers import check_headers
from twirpkit.transport import AsyncTransport, HttpResponse, Transport, TransportFailure

__all__ = ["AsyncClient", "AsyncService", "Client", "Service"]

Req = TypeVar("Req", bound=Message)
Resp = TypeVar("Resp", bound=Message)


class Client:
    """Makes calls and waits for them. One client may serve all threads.

    Args:
        endpoint: Where calls go, and what each carries.
        transport: What sends them; closed with the client.
    """

    def __init__(self, endpoint: Endpoint, transport: Transport) -> None:
        self._endpoint = endpoint
        self._transport = transport
        self._closed = False

    def call(
        self,
        method: Method[Req, Resp],
        request: Req | Mapping[str, Any] | None,
        fields: Mapping[str, Any],
        timeout: float | Default | None,
        extra_headers: Mapping[str, str] | None,
    ) -> Resp:
        """Make one logical call. Generated methods come down to this; its errors are theirs."""
        if self._closed:
            raise RuntimeError(_CLOSED)
        message = request_message(method.request, request, fields)
        steps = flow(self._endpoint, method, message, CallOptions(timeout, check_headers(extra_headers)))
        outcome: Any = None
        try:
            while True:
                try:
                    step = steps.send(outcome)
                except StopIteration as done:
                    answer: Resp = done.value
                    return answer
                outcome = self._attempt(step)
        finally:
            steps.close()

    def _attempt(self, step: Send) -> HttpResponse | TransportFailure:
        # In a frame of its own: a StopIteration of the transport's must not look like the flow's return.
        try:
            return self._transport.send(step.request)
        except TransportFailure as failure:
            return failure

    def close(self) -> None:
        """Close the connections. Twice is fine; calls after it raise RuntimeError."""
        self._closed = True
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def __reduce__(self) -> NoReturn:
        raise TypeError(_NO_PICKLE)

    if not TYPE_CHECKING:  # a checker then refuses ``async with`` too

        async def __aenter__(self) -> NoReturn:
            name = type(self).__name__
            raise TypeError(f"{name} is a sync client: use Async{name}, or a plain 'with'")

        async def __aexit__(self, *exc_info: object) -> None:
            """Never reached, but without it Python's own error would come first."""


class AsyncClient:
    """Makes calls and awaits them. It may be made outside a loop, and used in several loops one after the other.

    Args:
        endpoint: Where calls go, and what each carries.
        transport: What sends them; closed with the client.
    """

    def __init__(self, endpoint: Endpoint, transport: AsyncTransport) -> None:
        self._endpoint = endpoint
        self._transport = transport
        self._closed = False

    async def call(
        self,
        method: Method[Req, Resp],
        request: Req | Mapping[str, Any] | None,
        fields: Mapping[str, Any],
        timeout: float | Default | None,
        extra_headers: Mapping[str, str] | None,
    ) -> Resp:
        """Make one logical call. Generated methods come down to this; its errors are theirs."""
        if self._closed:
            raise RuntimeError(_CLOSED)
        message = request_message(method.request, request, fields)
        steps = flow(self._endpoint, method, message, CallOptions(timeout, check_headers(extra_headers)))
        outcome: Any = None
        try:
            while True:
                try:
                    step = steps.send(outcome)
                except StopIteration as done:
                    answer: Resp = done.value
                    return answer
                outcome = await self._attempt(step)
        finally:
            steps.close()

    async def _attempt(self, step: Send) -> HttpResponse | TransportFailure:
        # In a frame of its own: a StopIteration of the transport's must not look like the flow's return.
        try:
            return await self._transport.send(step.request)
        except TransportFailure as failure:
            return failure

    async def aclose(self) -> None:
        """Close the connections. Twice is fine; calls after it raise RuntimeError."""
        self._closed = True
        await self._transport.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()

    def __reduce__(self) -> NoReturn:
        raise TypeError(_NO_PICKLE)

    if not TYPE_CHECKING:  # a checker then refuses ``with`` too

        def __enter__(self) -> NoReturn:
            name = type(self).__name__
            raise TypeError(f"{name} is an async client: use {name.removeprefix('Async')}, or 'async with'")

        def __exit__(self, *exc_info: object) -> None:
            """Never reached, but without it Python's own error would come first."""


class Service:
    """Base of the generated sync services: each holds one client."""

    _client: Client

    @classmethod
    def _of(cls, client: Client) -> Self:
        service = cls.__new__(cls)
        service._client = client
        return service


class AsyncService:
    """Base of the generated async services: each holds one client."""

    _client: AsyncClient

    @classmethod
    def _of(cls, client: AsyncClient) -> Self:
        service = cls.__new__(cls)
        service._client = client
        return service


_CLOSED = "this client is closed: make a new one"
_NO_PICKLE = "a client holds credentials and connections and is not pickled: make one in each process"
