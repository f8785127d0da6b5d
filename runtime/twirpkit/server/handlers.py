"""Handlers: objects with one method for each RPC of a service."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from twirpkit.errors import UnimplementedError
from twirpkit.rpc import Method

__all__ = ["AsyncHandler", "BoundHandler", "Handler", "Route", "bind", "routes", "unimplemented"]


class Handler:
    """The base of generated sync handlers.

    Under an ASGI server, its methods run in worker threads.
    """

    _methods: ClassVar[Sequence[Method[Any, Any]]] = ()
    _blocking: ClassVar[bool] = True


class AsyncHandler:
    """The base of generated async handlers."""

    _methods: ClassVar[Sequence[Method[Any, Any]]] = ()


@dataclass(frozen=True, slots=True, eq=False)
class BoundHandler:
    """An object that handles the RPCs of a service without deriving from a generated base: see `bind`."""

    methods: Sequence[Method[Any, Any]]
    handler: object


@dataclass(frozen=True, slots=True, eq=False)
class Route:
    """An RPC and the function that handles it."""

    method: Method[Any, Any]
    function: Callable[..., Any]
    is_async: bool
    blocking: bool
    """True if the function may wait, so that an event loop must not run it itself."""


def bind(base: type[Handler | AsyncHandler], handler: object) -> BoundHandler:
    """Return an object that handles a service without deriving from its generated base, for `TwirpApp`.

    Args:
        base: The generated base of the service: ``HatServiceBase``.
        handler: An object with a method for each RPC. Annotate it with ``HatServiceHandler``, and type checkers compare
            the two.

    Raises:
        TypeError: The object lacks a method; the text names it.
    """
    for method in base._methods:
        if not callable(getattr(handler, method.py_name, None)):
            raise TypeError(f"{type(handler).__name__} has no method {method.py_name!r} for {method.path}")
    return BoundHandler(base._methods, handler)


def routes(handlers: Iterable[object]) -> dict[str, Route]:
    """Return the routes of handlers by ``package.Service/Method``.

    Raises:
        TypeError: Something is not a handler, or is the class of one.
        ValueError: Two handlers have the same service.
    """
    found: dict[str, Route] = {}
    services: dict[str, object] = {}
    for each in handlers:
        if isinstance(each, Handler | AsyncHandler):
            each = BoundHandler(type(each)._methods, each)
        if not isinstance(each, BoundHandler):
            hint = ": give an instance, not the class" if isinstance(each, type) else ""
            raise TypeError(f"{each!r} is not a handler{hint}")
        for method in each.methods:
            if services.setdefault(method.service, each) is not each:
                raise ValueError(f"two handlers have the service {method.service}")
            found[method.path] = _route(method, each.handler)
    return found


def _route(method: Method[Any, Any], handler: object) -> Route:
    function = getattr(handler, method.py_name)
    is_async = inspect.iscoroutinefunction(function)
    return Route(method, function, is_async, not is_async and getattr(handler, "_blocking", True))


def unimplemented(method: Method[Any, Any]) -> UnimplementedError:
    """Return the error of an RPC that a handler does not implement."""
    return UnimplementedError(f"{method.path} is not implemented")
