"""`Client` and `AsyncClient`: the two drivers of a call's steps, and their lifecycle.

Generated facades are clients; generated services hold one. The two modes differ only where waiting differs.
"""

from __future__ import annotations

import dataclasses
import inspect
import time
from collections.abc import Coroutine, Generator, Mapping
from typing import TYPE_CHECKING, Any, Final, NoReturn, Self, TypeVar, Unpack

from google.protobuf.message import Message

from twirpkit._config.package_info import PackageInfo
from twirpkit._config.resolve import merge, user_agent
from twirpkit._engine.client_config import ClientConfig
from twirpkit._engine.engine import start_call
from twirpkit._engine.plan import host_of
from twirpkit._engine.steps import Await, Awaited, Outcome, Sleep, Step
from twirpkit._secret import conceal
from twirpkit._suggestion import Suggesting
from twirpkit.options import CallOptions, ClientOptions
from twirpkit.rpc import Method
from twirpkit.transports.base import AsyncTransport, Transport, running_loop

__all__ = ["AsyncClient", "Client"]

_ASYNC_AUTH: Final = "auth is a coroutine function, and a sync client does not await: use the async client"

Req = TypeVar("Req", bound=Message)
Resp = TypeVar("Resp", bound=Message)


class _Client(Suggesting):
    """Everything of a client that does not wait."""

    _transport: Any

    def __init__(self, config: ClientConfig, transport: Any, package: PackageInfo | None) -> None:
        self._check(config)
        if package is not None:
            config = dataclasses.replace(config, user_agent=user_agent(package, transport))
        self._config = config
        self._transport = transport
        self._package = package
        self._owner = True
        self._closed = False

    def __repr__(self) -> str:
        name = type(self).__name__
        if "_closed" not in vars(self):  # its constructor raised, and a traceback shows its frame
            return f"<{name}>"
        return f"<{name} {self._describe_target()}{', closed' if self._closed else ''}>"

    def _describe_target(self) -> str:
        """Return where calls go, and through what, for `repr`: without a path, which might say more than it should."""
        base_url = self._config.base_url
        scheme = base_url.partition("://")[0]
        return f"{scheme}://{host_of(base_url)} over {type(self._transport).__name__}"

    def _check(self, config: ClientConfig) -> None:
        """Raise TypeError for a configuration that this kind of client cannot use."""

    def _of_services(self) -> _Client:
        """Return the client that services hold: one that does not hold them, because a cycle would outlive its use."""
        if type(self) in (Client, AsyncClient):  # which has no services
            return self
        held: _Client | None = vars(self).get("_core")
        if held is not None:
            return held
        made: Any = object.__new__(Client if isinstance(self, Client) else AsyncClient)
        made._config, made._transport, made._package = self._config, self._transport, self._package
        made._owner = made._closed = False
        core: _Client = vars(self).setdefault("_core", made)  # of two threads, one makes it
        if self._closed:
            core._closed = True
        return core

    def _end(self) -> bool:
        """Let no further call or attempt begin; return True if the transport is to be closed, too."""
        self._closed = True
        core = vars(self).get("_core")
        if core is not None:
            core._closed = True
        return self._owner

    def with_options(self, **options: Unpack[ClientOptions]) -> Self:
        """Return a client with other options, over the same connections.

        Args:
            options: ``url``, ``api_key`` with ``api_secret``, ``token``, ``auth``, ``timeout``, ``retry``,
                ``extra_headers``, ``hooks`` and ``user_agent_extra``, each as in `twirpkit.options.ClientOptions`. One
                that is not given stays as it is; a new key, token or auth replaces whichever the client had.

        Closing the new client closes nothing: the connections end with the client that made them.

        Raises:
            ValueError: An option is refused; the text says which and why.
            TypeError: An option is unknown or has the wrong type.
        """
        for name in options:
            options[name] = conceal(options[name])  # type: ignore[literal-required]  # a name that is unknown is refused
        other = object.__new__(type(self))
        other._config = merge(self._config, self._package, **options)
        other._check(other._config)
        other._transport = self._transport
        other._package = self._package
        other._owner = other._closed = False
        return other

    def _start(
        self, method: Method[Any, Resp], request: object, fields: Mapping[str, Any], options: CallOptions
    ) -> Generator[Step, Outcome, Resp]:
        """Return the steps of one call. Raises RuntimeError after `close`."""
        if self._closed:
            raise RuntimeError("this client is closed: make a new one")
        return start_call(self._config, method, request, fields, options)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a client holds credentials and connections and is not pickled: make one in each process")


class Client(_Client):
    """A sync client. One may serve all threads.

    Args:
        config: Where calls go, and what each carries.
        transport: Sends the requests; closed with the client.
        package: The generated package, for `with_options`; None: a client that knows no API keys.

    Raises:
        TypeError: ``auth`` is a coroutine function, which only an `AsyncClient` awaits.
    """

    _transport: Transport

    def __init__(self, config: ClientConfig, transport: Transport, package: PackageInfo | None = None) -> None:
        super().__init__(config, transport, package)

    def call(
        self,
        method: Method[Req, Resp],
        request: Req | Mapping[str, Any] | None,
        fields: Mapping[str, Any],
        options: CallOptions,
    ) -> Resp:
        """Perform one RPC, including retries. Every generated method delegates here and raises the same errors."""
        steps = self._start(method, request, fields, options)
        outcome: Outcome = None
        try:
            while True:
                try:
                    step = steps.send(outcome)
                except StopIteration as done:
                    response: Resp = done.value
                    return response
                try:
                    outcome = self._perform(step)
                except BaseException as error:
                    if not isinstance(error, StopIteration):  # which a generator cannot be given
                        steps.throw(error)  # so that the end of the call is reported with it
                    raise
        finally:
            steps.close()

    def _perform(self, step: Step) -> Outcome:
        # In a frame of its own: a StopIteration of the transport's must not look like the end of the steps.
        if isinstance(step, Sleep):
            time.sleep(step.seconds)
            return not self._closed
        if isinstance(step, Await):
            if isinstance(step.awaitable, Coroutine):
                step.awaitable.close()  # otherwise Python warns that nobody awaited it
            raise TypeError(_ASYNC_AUTH)
        return self._transport.send(step.request)

    def _check(self, config: ClientConfig) -> None:
        auth = config.authorize
        if inspect.iscoroutinefunction(auth) or inspect.iscoroutinefunction(getattr(auth, "__call__", None)):  # noqa: B004  # an object may have an async __call__
            raise TypeError(_ASYNC_AUTH)

    def close(self) -> None:
        """Close the connections. Twice is fine; calls after it raise RuntimeError.

        A call under way in another thread ends within its deadline: it makes no further attempt.
        """
        if self._end():
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
            """Never run, but without it Python's own error would come first."""


class AsyncClient(_Client):
    """An async client. It may be made outside a loop, and used in several loops one after the other.

    Args:
        config: Where calls go, and what each carries.
        transport: Sends the requests; closed with the client.
        package: The generated package, for `with_options`; None: a client that knows no API keys.
    """

    _transport: AsyncTransport

    def __init__(self, config: ClientConfig, transport: AsyncTransport, package: PackageInfo | None = None) -> None:
        super().__init__(config, transport, package)

    async def call(
        self,
        method: Method[Req, Resp],
        request: Req | Mapping[str, Any] | None,
        fields: Mapping[str, Any],
        options: CallOptions,
    ) -> Resp:
        """Perform one RPC, including retries. Every generated method delegates here and raises the same errors."""
        running_loop()
        steps = self._start(method, request, fields, options)
        outcome: Outcome = None
        try:
            while True:
                try:
                    step = steps.send(outcome)
                except StopIteration as done:
                    response: Resp = done.value
                    return response
                try:
                    outcome = await self._perform(step)
                except BaseException as error:
                    if not isinstance(error, StopIteration):  # which a generator cannot be given
                        steps.throw(error)  # so that the end of the call is reported with it
                    raise
        finally:
            steps.close()

    async def _perform(self, step: Step) -> Outcome:
        # In a frame of its own: a StopIteration of the transport's must not look like the end of the steps.
        if isinstance(step, Sleep):
            import asyncio  # here: a sync client does without it

            await asyncio.sleep(step.seconds)
            return not self._closed
        if isinstance(step, Await):
            return await _awaited(step)
        return await self._transport.send(step.request)

    async def aclose(self, *, timeout: float | None = None) -> None:
        """Close the connections after the calls under way have ended. Twice is fine; a call after it is a RuntimeError.

        A call under way ends within its deadline: it makes no further attempt, and raises the error of its last one.

        Args:
            timeout: Seconds after which the calls under way are ended; None: their own deadlines count.
        """
        if self._end():
            await (self._transport.aclose() if timeout is None else self._transport.aclose(timeout=timeout))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()

    if not TYPE_CHECKING:  # a checker then refuses ``with`` too

        def __enter__(self) -> NoReturn:
            name = type(self).__name__
            raise TypeError(f"{name} is an async client: use {name.removeprefix('Async')}, or 'async with'")

        def __exit__(self, *exc_info: object) -> None:
            """Never run, but without it Python's own error would come first."""


async def _awaited(step: Await) -> Awaited | bool:
    import asyncio  # here: a sync client does without it

    left = None if step.deadline is None else max(0.0, step.deadline - time.monotonic())
    limit = asyncio.timeout(left)
    try:
        async with limit:
            return Awaited(await step.awaitable)
    except TimeoutError:
        if not limit.expired():  # one of the awaitable's own
            raise
    return False
