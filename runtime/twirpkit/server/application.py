"""`TwirpApp`: handlers as an application for ASGI and WSGI servers, and for clients in the same process."""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Generator, Iterable
from typing import TYPE_CHECKING, Any, Final, overload

from twirpkit.server import gateways
from twirpkit.server.gateways import Receive, Scope, Send
from twirpkit.server.handlers import AsyncHandler, BoundHandler, Handler, routes
from twirpkit.server.in_process import AsyncInProcessTransport, InProcessTransport
from twirpkit.server.incoming_request import IncomingRequest, too_large
from twirpkit.server.request_steps import AuthorizeRequest, OnError, ServerConfig, Steps, arun, log_error, respond, run
from twirpkit.server.server_responses import compressed, error_response
from twirpkit.transports.base import AsyncTransport, HttpResponse, Transport

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

__all__ = ["TwirpApp"]

MAX_BODY: Final = 16 << 20
"""Default limit of a request's body in bytes, decoded: an allowance for data, not for files."""
_PREFIX: Final = re.compile(r"(/[A-Za-z0-9._~-]+)*")


class TwirpApp:
    """Handlers as one application, by Twirp's specification, version 7.

    It is an ASGI application and a WSGI application: give it to uvicorn or gunicorn, or mount it in a framework. It is
    immutable and safe in threads.

    Args:
        handlers: Objects that derive from generated bases, at most one for each service; or those that `bind` returns.
        prefix: The path before ``/package.Service/Method``; empty for none, as below a mount point that has it.
        authorize: A function that is called with the context and the message of each request, before its handler. It
            raises a `TwirpError` to refuse the request. It may be a coroutine function, for async clients and ASGI.
        max_body: Bytes that the body of a request may have, also after decoding.
        on_error: A function that is called with the context and the exception if a handler raises one that is not a
            `TwirpError`. The caller gets ``internal`` without its text. Default: it is logged, with its traceback, by
            the logger ``twirpkit.server``.

    Raises:
        TypeError: Something is not a handler.
        ValueError: Two handlers have the same service, there are none, or the prefix or limit cannot be used.
    """

    def __init__(
        self,
        handlers: Iterable[Handler | AsyncHandler | BoundHandler],
        *,
        prefix: str = "/twirp",
        authorize: AuthorizeRequest | None = None,
        max_body: int = MAX_BODY,
        on_error: OnError = log_error,
    ) -> None:
        found = routes(handlers)
        if not found:
            raise ValueError("an application needs a handler with at least one RPC")
        if _PREFIX.fullmatch(prefix) is None:
            raise ValueError(f"the prefix {prefix!r} must be empty or like '/twirp', without a slash at its end")
        if max_body < 1:
            raise ValueError("max_body must be above 0")
        self._config = ServerConfig(prefix, found, authorize, max_body, on_error)
        self._asynchronous = [f"the handler of {path}" for path, route in sorted(found.items()) if route.is_async]
        if inspect.iscoroutinefunction(authorize):
            self._asynchronous.append("authorize")

    @overload
    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse, /) -> Iterable[bytes]: ...
    @overload
    def __call__(self, scope: Scope, receive: Receive, send: Send, /) -> Awaitable[None]: ...
    @overload
    def __call__(self, scope: Scope, /) -> Callable[[Receive, Send], Awaitable[None]]: ...
    def __call__(self, first: Any, *rest: Any) -> Any:
        """Serve one request: of a WSGI server, which gives two arguments, or of an ASGI server, which gives three.

        With one argument, it is an application of ASGI 2: servers that look for a coroutine function take it for one.
        """
        if len(rest) == 1:
            return self.wsgi(first, rest[0])
        if len(rest) == 2:
            return self.asgi(first, *rest)
        return lambda receive, send: self.asgi(first, receive, send)

    async def asgi(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection of an ASGI server."""
        if scope["type"] == "lifespan":
            await gateways.asgi_lifespan(receive, send)
            return
        if scope["type"] != "http":
            raise RuntimeError(f"a TwirpApp serves HTTP, not {scope['type']!r}")
        request = gateways.asgi_request(scope)
        try:
            body = await self._asgi_body(request, receive)
        except gateways.Disconnected:
            return
        if body is None:
            response = error_response(too_large(self._config.max_body), {})
        else:
            request.body = body
            response = await arun(self.handle(request))
        await gateways.asgi_send(compressed(response, request.headers), send)

    async def _asgi_body(self, request: IncomingRequest, receive: Receive) -> bytes | None:
        limit = self._config.max_body
        return None if gateways.is_too_long(request.headers, limit) else await gateways.asgi_body(receive, limit)

    def wsgi(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request of a WSGI server.

        Raises:
            RuntimeError: A handler is async: it needs an ASGI server.
        """
        self._refuse_async("a WSGI server", RuntimeError)
        request, limit = gateways.wsgi_request(environ), self._config.max_body
        try:
            body = None if gateways.is_too_long(request.headers, limit) else gateways.wsgi_body(environ, limit)
        except gateways.Disconnected:
            body = b""  # nobody reads the response
        if body is None:
            response = error_response(too_large(limit), {})
        else:
            request.body = body
            response = run(self.handle(request))
        return gateways.wsgi_start(compressed(response, request.headers), start_response)

    def handle(self, request: IncomingRequest) -> Steps:
        """Return the steps of one request, for a driver: see `twirpkit.server.request_steps`."""
        early = self.respond_early(request)
        return respond(self._config, request) if early is None else _immediately(early)

    def respond_early(self, request: IncomingRequest) -> HttpResponse | None:
        """Return a response before routes are looked at; None, as here, for none.

        A subclass can serve what is not an RPC, such as a health check.
        """
        return None

    def transport(self) -> Transport:
        """Return a transport for sync clients in this process: ``HatsAPI("http://hats", transport=app.transport())``.

        Raises:
            TypeError: A handler is async: use `async_transport`.
        """
        self._refuse_async("a sync client", TypeError)
        return InProcessTransport(self.handle)

    def async_transport(self) -> AsyncTransport:
        """Return a transport for async clients in this process."""
        return AsyncInProcessTransport(self.handle)

    def _refuse_async(self, where: str, error: type[Exception]) -> None:
        if self._asynchronous:
            raise error(f"{self._asynchronous[0]} is async: {where} cannot call it")


def _immediately(response: HttpResponse) -> Generator[Any, Any, HttpResponse]:
    """Return steps that are over before they begin."""
    yield from ()
    return response
