"""One request of a server, without I/O: from its bytes to the bytes of its response.

`respond` is a generator. It yields each piece of work that may wait: the check of the caller, and the handler. A driver
runs the work and sends its result back, or throws its exception in; the last value is the response. `run` and `arun`
are the two drivers.
"""

from __future__ import annotations

import functools
import inspect
import logging
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, TypeAlias

from google.protobuf.message import DecodeError, Message

from twirpkit._protocol.constants import CONTENT_TYPE, JSON, PROTOBUF
from twirpkit._schema.json_reader import from_wire_json
from twirpkit.errors import InternalError, MalformedError, TwirpError
from twirpkit.rpc import Method
from twirpkit.server.handlers import Route
from twirpkit.server.incoming_request import IncomingRequest, read_body, read_deadline
from twirpkit.server.request_context import RequestContext
from twirpkit.server.server_responses import bad_route, checked_headers, error_response, message_response
from twirpkit.transports.base import HttpResponse

__all__ = ["AuthorizeRequest", "OnError", "ServerConfig", "Steps", "Work", "arun", "log_error", "respond", "run"]

_CONTENT_TYPE: Final = CONTENT_TYPE.lower()
LOGGER: Final = logging.getLogger("twirpkit.server")

AuthorizeRequest: TypeAlias = Callable[[RequestContext, Message], Any]
"""Checks the caller of a request. It raises a `TwirpError` to refuse it; what it returns becomes ``principal``."""
OnError: TypeAlias = Callable[[RequestContext, Exception], object]
"""Receives an exception of a handler, for a log or an error tracker."""


class Work(NamedTuple):
    """A call that may wait."""

    call: Callable[[], Any]
    blocking: bool
    """True if it may block its thread."""


Steps: TypeAlias = Generator[Work, Any, HttpResponse]


def log_error(context: RequestContext, error: Exception) -> None:
    """Log an exception of a handler, with its traceback: the default of ``on_error``."""
    LOGGER.error("the handler of %s raised %s", context.method.path, type(error).__name__, exc_info=error)


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """Everything that the requests of an application have in common."""

    prefix: str
    routes: Mapping[str, Route] = field(repr=False)
    authorize: AuthorizeRequest | None
    max_body: int
    on_error: OnError


def respond(config: ServerConfig, request: IncomingRequest) -> Steps:
    """Handle one request. Every fault of it, and every exception of the application, becomes a response."""
    try:
        route, as_json = _find_route(config, request)
        message = _decode(route.method, read_body(request, config.max_body), as_json=as_json)
    except TwirpError as error:
        return error_response(error, {})
    context = RequestContext(route.method, request.headers, read_deadline(request.headers))
    try:
        if config.authorize is not None:
            context.principal = yield Work(functools.partial(config.authorize, context, message), False)
        result = yield Work(functools.partial(route.function, message, context), route.blocking)
        if not isinstance(result, route.method.response):
            wanted = route.method.response.DESCRIPTOR.full_name
            raise TypeError(f"the handler of {route.method.path} returned {type(result).__name__}, not {wanted}")
        return message_response(result, as_json=as_json, headers=checked_headers(context.response_headers))
    except Exception as error:  # whatever it is: the caller gets a Twirp error
        return _failed(config, context, error)


def _failed(config: ServerConfig, context: RequestContext, error: Exception) -> HttpResponse:
    """Return the response to a request that failed."""
    shown = _shown(config, context, error)
    try:
        return error_response(shown, checked_headers(context.response_headers))
    except (TypeError, ValueError) as bad:
        if shown is error:  # an error of the handler's own, with headers that cannot be sent
            shown = _shown(config, context, bad)
    return error_response(shown, {})


def _shown(config: ServerConfig, context: RequestContext, error: Exception) -> TwirpError:
    """Return the error that the caller gets. The text of an exception is not shown: it may hold anything."""
    # An error of a call that the handler made itself says nothing of this call: its code would mislead the caller.
    if isinstance(error, TwirpError) and not error.rpc:
        return error
    try:
        config.on_error(context, error)
    except Exception:  # of the hook itself
        LOGGER.exception("on_error raised an exception for %s", context.method.path)
    return InternalError("internal error")


def _find_route(config: ServerConfig, request: IncomingRequest) -> tuple[Route, bool]:
    """Return the route of a request, and True if it is in JSON. Raises `BadRouteError`."""
    if request.method != "POST":
        raise bad_route(request, f'unsupported method "{request.method}" (only POST is allowed)')
    path, prefix = request.path, f"{config.prefix}/"
    route = config.routes.get(path[len(prefix) :]) if path.startswith(prefix) else None
    if route is None:
        raise bad_route(request, f'no handler for path "{request.mount}{path}"')
    given = request.headers.get(_CONTENT_TYPE, "")
    content_type = given if given == PROTOBUF else given.partition(";")[0].strip().lower()
    if content_type not in (PROTOBUF, JSON):
        raise bad_route(request, f'unexpected Content-Type: "{given}"')
    return route, content_type == JSON


def _decode(method: Method[Any, Any], body: bytes, *, as_json: bool) -> Message:
    """Return the message of a request. Raises `MalformedError`."""
    try:
        message: Message = from_wire_json(method.request, body) if as_json else method.request.FromString(body)
        return message
    except (DecodeError, ValueError):  # a UnicodeDecodeError, in protobuf's pure Python engine, is a ValueError
        problem = f"the {'json' if as_json else 'protobuf'} request could not be decoded"
    raise MalformedError(problem)


def run(steps: Steps) -> HttpResponse:
    """Run the steps of a request in this thread."""
    try:
        work = next(steps)
        while True:
            try:
                result = _immediate(work.call())
            except Exception as error:
                work = steps.throw(error)
            else:
                work = steps.send(result)
    except StopIteration as done:
        response: HttpResponse = done.value
        return response


def _immediate(result: Any) -> Any:
    """Return a result. Raises TypeError for an awaitable: to go on without it could leave a caller unchecked."""
    if not isinstance(result, Message) and inspect.isawaitable(result):  # most results are messages
        if inspect.iscoroutine(result):
            result.close()
        raise TypeError("an awaitable was returned where nothing can await it: serve the application by ASGI")
    return result


async def arun(steps: Steps) -> HttpResponse:
    """Run the steps of a request in the running event loop, and what may block in a worker thread."""
    try:
        work = next(steps)
        while True:
            try:
                result = await _in_thread(work) if work.blocking else work.call()
                if not isinstance(result, Message) and inspect.isawaitable(result):  # most results are messages
                    result = await result
            except Exception as error:
                work = steps.throw(error)
            else:
                work = steps.send(result)
    except StopIteration as done:
        response: HttpResponse = done.value
        return response
    finally:
        steps.close()


async def _in_thread(work: Work) -> Any:
    import asyncio  # here: a sync server does without it

    return await asyncio.to_thread(work.call)
