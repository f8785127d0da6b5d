"""Either client, called in the same words, by the names of the protos."""

from __future__ import annotations

import asyncio
import dataclasses
import importlib
import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from livekit_server import Target

from livekit_twirp import AsyncLiveKitAPI, LiveKitAPI, TwirpError
from livekit_twirp._sdk import PACKAGE
from twirpkit import HttpRequest, Method
from twirpkit.client import AsyncClient
from twirpkit.transports.async_sockets import AsyncSocketTransport
from twirpkit.transports.sync_sockets import SocketTransport

__all__ = ["METHODS", "Caller", "every_text", "failure_of", "transport_with"]


def _methods() -> Iterator[tuple[str, tuple[str, Method[Any, Any]]]]:
    for facts in PACKAGE.services.values():
        module = importlib.import_module(f"livekit_twirp._methods.{facts.attribute}")
        for method in module.METHODS:
            yield method.path, (facts.attribute, method)


METHODS: Final[Mapping[str, tuple[str, Method[Any, Any]]]] = dict(_methods())
"""By ``livekit.Service/Method``: the facade's property, and the RPC's facts."""


class Caller:
    """A client of one kind.

    Args:
        kind: ``sync`` or ``async``.
        target: The server.
        options: Of the facade. Without a way to authorize among them, the target's key and secret.
    """

    def __init__(self, kind: str, target: Target, **options: Any) -> None:
        if not {"api_key", "auth"} & options.keys():
            options |= {"api_key": target.key, "api_secret": target.secret}
        facade: Any = LiveKitAPI if kind == "sync" else AsyncLiveKitAPI
        self._client = facade(target.url, **options)
        self._runner = asyncio.Runner() if isinstance(self._client, AsyncClient) else None

    def call(self, rpc: str, fields: Mapping[str, Any], **options: Any) -> Any:
        """Make a call, named as in the URL. Where an argument cannot be a keyword, the mapping is the request."""
        attribute, method = METHODS[rpc]
        return self._wait(getattr(getattr(self._client, attribute), method.py_name)(fields, **options))

    def help(self, service: str, helper: str, **arguments: Any) -> Any:
        """Call a helper of a service."""
        return self._wait(getattr(getattr(self._client, service), helper)(**arguments))

    def close(self) -> None:
        """Close the client."""
        if self._runner is None:
            self._client.close()
            return
        with self._runner as runner:
            runner.run(self._client.aclose())

    def _wait(self, result: Any) -> Any:
        return self._runner.run(result) if self._runner is not None and inspect.iscoroutine(result) else result


def transport_with(kind: str, change: Callable[[dict[str, str]], object]) -> Any:
    """The client's own transport, before which the headers of each request are looked at, or changed."""

    def changed(request: HttpRequest) -> HttpRequest:
        headers = dict(request.headers)
        change(headers)
        return dataclasses.replace(request, headers=headers)

    class Sync(SocketTransport):
        def send(self, request: HttpRequest, /) -> Any:
            return super().send(changed(request))

    class Async(AsyncSocketTransport):
        async def send(self, request: HttpRequest, /) -> Any:
            return await super().send(changed(request))

    return Sync() if kind == "sync" else Async()


def failure_of(call: Callable[..., Any], *args: Any, **options: Any) -> TwirpError:
    """The error that a call raises."""
    try:
        answer = call(*args, **options)
    except TwirpError as error:
        return error
    raise AssertionError(f"an answer came: {answer!r}")


def every_text(error: BaseException) -> Iterator[str]:
    """Whatever a log, a crash reporter or a pickle may show of an error and all that hangs on it."""
    seen: list[BaseException] = []
    found: list[BaseException | None] = [error]
    while found:
        each = found.pop()
        if each is not None and each not in seen:
            seen.append(each)
            found += [each.__cause__, each.__context__]
            yield from (str(each), repr(each), repr(each.args), repr(vars(each)), repr(each.__reduce_ex__(4)))
