"""`Client` and `AsyncClient`: the two drivers of a call's flow, and their lifecycle.

Generated facades are clients; generated services hold one. The two worlds differ only where waiting differs.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn, Self, TypeVar

from google.protobuf.message import Message

from twirpkit.call import DEFAULT, Authorize, CallOptions, Default, Endpoint, Method, RetryOption
from twirpkit.events import Hook
from twirpkit.fields import request_message
from twirpkit.flow import flow
from twirpkit.headers import check_headers
from twirpkit.sdk import changed
from twirpkit.steps import Outcome, Sleep, Step
from twirpkit.transport import AsyncTransport, Transport, TransportFailure

__all__ = ["AsyncClient", "AsyncService", "Client", "Service"]

Req = TypeVar("Req", bound=Message)
Resp = TypeVar("Resp", bound=Message)


class _Client:
    """What the two kinds of clients share: all that does not wait."""

    _transport: Any

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._owner = True
        self._closed = False

    def with_options(
        self,
        *,
        timeout: float | Default | None = DEFAULT,
        retry: RetryOption = DEFAULT,
        token: str | None = None,
        auth: str | Authorize | None = None,
        extra_headers: Mapping[str, str] | None = None,
        hooks: Iterable[Hook] | None = None,
    ) -> Self:
        """A client with other options, over the same connections. What is not given stays as it is.

        Args:
            timeout: Seconds that one call may take in all; None for no limit.
            retry: How failed calls are repeated; False for not at all.
            token: A bearer token, instead of the credentials.
            auth: The whole Authorization value, or a function that makes it; not together with a token.
            extra_headers: Headers that every call carries, besides those of this client.
            hooks: Functions that are told of every call, instead of those of this client.

        Closing it closes nothing: the connections end with the client that made them.

        Raises:
            ValueError: Something is refused; the text says what.
            TypeError: Something has the wrong type.
        """
        other = object.__new__(type(self))
        other._endpoint = changed(
            self._endpoint,
            timeout=timeout,
            retry=retry,
            token=token,
            auth=auth,
            extra_headers=extra_headers,
            hooks=hooks,
        )
        other._transport = self._transport
        other._owner = other._closed = False
        return other

    def __reduce__(self) -> NoReturn:
        raise TypeError(_NO_PICKLE)


class Client(_Client):
    """Makes calls and waits for them. One client may serve all threads.

    Args:
        endpoint: Where calls go, and what each carries.
        transport: What sends them; closed with the client.
    """

    _transport: Transport

    def __init__(self, endpoint: Endpoint, transport: Transport) -> None:
        super().__init__(endpoint)
        self._transport = transport

    def call(
        self,
        method: Method[Req, Resp],
        request: Req | Mapping[str, Any] | None,
        fields: Mapping[str, Any],
        timeout: float | Default | None,
        retry: RetryOption,
        extra_headers: Mapping[str, str] | None,
    ) -> Resp:
        """Make one logical call. Generated methods come down to this; its errors are theirs."""
        if self._closed:
            raise RuntimeError(_CLOSED)
        message = request_message(method.request, request, fields)
        steps = flow(self._endpoint, method, message, CallOptions(timeout, retry, check_headers(extra_headers)))
        outcome: Any = None
        try:
            while True:
                try:
                    step = steps.send(outcome)
                except StopIteration as done:
                    answer: Resp = done.value
                    return answer
                outcome = self._take(step)
        finally:
            steps.close()

    def _take(self, step: Step) -> Outcome:
        if isinstance(step, Sleep):
            time.sleep(step.seconds)
            return None
        # In a frame of its own: a StopIteration of the transport's must not look like the flow's return.
        try:
            return self._transport.send(step.request)
        except TransportFailure as failure:
            return failure

    def close(self) -> None:
        """Close the connections. Twice is fine; calls after it raise RuntimeError."""
        self._closed = True
        if self._owner:
            self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    if not TYPE_CHECKING:  # a checker then refuses ``async with`` too

        async def __aenter__(self) -> NoReturn:
            name = type(self).__name__
            raise TypeError(f"{name} is a sync client: use Async{name}, or a plain 'with'")

        async def __aexit__(self, *exc_info: object) -> None:
            """Never reached, but without it Python's own error would come first."""


class AsyncClient(_Client):
    """Makes calls and awaits them. It may be made outside a loop, and used in several loops one after the other.

    Args:
        endpoint: Where calls go, and what each carries.
        transport: What sends them; closed with the client.
    """

    _transport: AsyncTransport

    def __init__(self, endpoint: Endpoint, transport: AsyncTransport) -> None:
        super().__init__(endpoint)
        self._transport = transport

    async def call(
        self,
        method: Method[Req, Resp],
        request: Req | Mapping[str, Any] | None,
        fields: Mapping[str, Any],
        timeout: float | Default | None,
        retry: RetryOption,
        extra_headers: Mapping[str, str] | None,
    ) -> Resp:
        """Make one logical call. Generated methods come down to this; its errors are theirs."""
        if self._closed:
            raise RuntimeError(_CLOSED)
        message = request_message(method.request, request, fields)
        steps = flow(self._endpoint, method, message, CallOptions(timeout, retry, check_headers(extra_headers)))
        outcome: Any = None
        try:
            while True:
                try:
                    step = steps.send(outcome)
                except StopIteration as done:
                    answer: Resp = done.value
                    return answer
                outcome = await self._take(step)
        finally:
            steps.close()

    async def _take(self, step: Step) -> Outcome:
        if isinstance(step, Sleep):
            import asyncio  # here: a sync client does without it

            await asyncio.sleep(step.seconds)
            return None
        # In a frame of its own: a StopIteration of the transport's must not look like the flow's return.
        try:
            return await self._transport.send(step.request)
        except TransportFailure as failure:
            return failure

    async def aclose(self) -> None:
        """Close the connections. Twice is fine; calls after it raise RuntimeError."""
        self._closed = True
        if self._owner:
            await self._transport.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()

    if not TYPE_CHECKING:  # a checker then refuses ``with`` too

        def __enter__(self) -> NoReturn:
            name = type(self).__name__
            raise TypeError(f"{name} is an async client: use {name.removeprefix('Async')}, or 'async with'")

        def __exit__(self, *exc_info: object) -> None:
            """Never reached, but without it Python's own error would come first."""


class _Service:
    """What the two kinds of services share."""

    _client: Any

    @classmethod
    def _of(cls, client: Any) -> Self:
        service = cls.__new__(cls)
        service._client = client
        return service

    def with_options(
        self,
        *,
        timeout: float | Default | None = DEFAULT,
        retry: RetryOption = DEFAULT,
        token: str | None = None,
        auth: str | Authorize | None = None,
        extra_headers: Mapping[str, str] | None = None,
        hooks: Iterable[Hook] | None = None,
    ) -> Self:
        """This service with other options, over the same connections: as `Client.with_options`."""
        return self._of(
            self._client.with_options(
                timeout=timeout, retry=retry, token=token, auth=auth, extra_headers=extra_headers, hooks=hooks
            )
        )


class Service(_Service):
    """Base of the generated sync services: each holds one client."""

    _client: Client


class AsyncService(_Service):
    """Base of the generated async services: each holds one client."""

    _client: AsyncClient


_CLOSED = "this client is closed: make a new one"
_NO_PICKLE = "a client holds credentials and connections and is not pickled: make one in each process"
