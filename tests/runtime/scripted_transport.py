"""One way to call either client from a test, over a transport that plays a script or over a real one."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
from collections.abc import Iterator, Mapping
from typing import Any

from livekit_twirp import AsyncLiveKitAPI, LiveKitAPI
from twirpkit import HttpRequest, HttpResponse, Method, TransportFailure, TwirpError
from twirpkit._engine.client_config import ClientConfig
from twirpkit.client import AsyncClient, Client
from twirpkit.options import UNSET, CallOptions

__all__ = ["OK", "URL", "AsyncScript", "Opened", "Script", "every_text", "failure_of", "open_any", "open_livekit"]

URL = "https://livekit.example.com"
OK = HttpResponse(200, {"content-type": "application/protobuf"}, b"")
Outcome = HttpResponse | TransportFailure | BaseException


class Script:
    """A sync transport that gives ready outcomes, the last one for ever, and keeps what it was asked."""

    def __init__(self, *outcomes: Outcome) -> None:
        self._outcomes = list(outcomes or [OK])
        self.requests: list[HttpRequest] = []
        self.closed = 0

    def send(self, request: HttpRequest, /) -> Any:
        self.requests.append(request)
        outcome = self._outcomes.pop(0) if len(self._outcomes) > 1 else self._outcomes[0]
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    def close(self) -> None:
        self.closed += 1


class AsyncScript(Script):
    """The same as an async transport."""

    async def send(self, request: HttpRequest, /) -> Any:
        return super().send(request)

    async def aclose(self) -> None:
        self.close()


class Opened:
    """A client of either kind, called in the same words."""

    def __init__(self, client: Any, script: Any, runner: asyncio.Runner | None = None) -> None:
        self.client = client
        self.script = script
        self._runner = runner or asyncio.Runner() if isinstance(client, AsyncClient) else None

    def with_options(self, **options: Any) -> Opened:
        """A copy of the client, to be ended with this one."""
        return Opened(self.client.with_options(**options), self.script, self._runner)

    @property
    def requests(self) -> list[HttpRequest]:
        """What the script was asked."""
        kept: list[HttpRequest] = self.script.requests
        return kept

    def wait(self, result: Any) -> Any:
        """What a sync call returned, or what an awaited one does."""
        if self._runner is None or not inspect.iscoroutine(result):
            return result
        return self._runner.run(result, context=contextvars.copy_context())  # the caller's own, as with asyncio.run

    def room(self, name: str = "list_rooms", /, *args: Any, **options: Any) -> Any:
        """Call a method of the facade's room service."""
        return self.wait(getattr(self.client.room, name)(*args, **options))

    def call(
        self,
        method: Method[Any, Any],
        request: Any = None,
        fields: Mapping[str, Any] | None = None,
        timeout: Any = UNSET,
        extra_headers: Mapping[str, str] | None = None,
        retry: Any = UNSET,
    ) -> Any:
        """Call any RPC."""
        return self.wait(self.client.call(method, request, fields or {}, CallOptions(timeout, retry, extra_headers)))

    def close(self) -> None:
        self.wait(self.client.aclose() if self._runner is not None else self.client.close())

    def end(self) -> None:
        self.close()
        if self._runner is not None:
            self._runner.close()


def open_livekit(world: str, *outcomes: Outcome, url: str = URL, retry: Any = False, **options: Any) -> Opened:
    """LiveKit's facade over a script, without retries; ``transport=None`` is the world's own transport."""
    script = Script(*outcomes) if world == "sync" else AsyncScript(*outcomes)
    if not {"token", "auth", "api_key"} & options.keys():
        options["auth"] = "Bearer scripted"
    facade: Any = LiveKitAPI if world == "sync" else AsyncLiveKitAPI
    return Opened(facade(url, **{"transport": script, "retry": retry, **options}), script)


def open_any(world: str, endpoint: ClientConfig, *outcomes: Outcome) -> Opened:
    """A bare client of an endpoint over a script."""
    if world == "sync":
        script = Script(*outcomes)
        return Opened(Client(endpoint, script), script)
    async_script = AsyncScript(*outcomes)
    return Opened(AsyncClient(endpoint, async_script), async_script)


def failure_of(called: Any, *args: Any, **options: Any) -> TwirpError:
    """The error that a call raises."""
    try:
        answer = called(*args, **options)
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
