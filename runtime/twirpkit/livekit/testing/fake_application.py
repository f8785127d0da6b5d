"""The Twirp application of a fake server: tokens, grants, calls noted, and faults in front of the handlers."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

from google.protobuf.message import Message

from twirpkit._protocol.constants import AUTHORIZATION
from twirpkit._schema.claims import claims as filled_claims
from twirpkit.errors import CanceledError, UnauthenticatedError
from twirpkit.livekit.grant_policy import missing_grants
from twirpkit.livekit.testing.fake_state import WRAPPED, FakeState, Unanswered, copied
from twirpkit.livekit.testing.fake_tokens import FakeTokens, text_response
from twirpkit.livekit.testing.scripted_faults import Faults
from twirpkit.rpc import Method
from twirpkit.server.application import TwirpApp
from twirpkit.server.handlers import BoundHandler, unimplemented
from twirpkit.server.incoming_request import IncomingRequest
from twirpkit.server.request_context import RequestContext
from twirpkit.transports.base import HttpResponse

__all__ = ["Call", "FakeApplication"]

MAX_BODY = 64 << 20
"""Bytes of a request's body: livekit-server has no limit of its own."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call that reached the fake server, with a token that allows it."""

    rpc: str
    """``package.Service/Method``."""
    request: Any = field(repr=False)
    """Its message: a copy."""
    claims: Mapping[str, Any] = field(repr=False)
    """The claims of its token."""
    headers: Mapping[str, str] = field(repr=False)
    """Its headers, with names in lower case; without the token."""
    at: datetime
    """The time on the fake's clock."""


class FakeApplication(TwirpApp):
    """The application of a fake server.

    Args:
        state: The shared state.
        handlers: Handlers by the full name of their service. An RPC that one lacks is `unimplemented`.
        tokens: The check of tokens.
    """

    def __init__(self, state: FakeState, handlers: Mapping[str, object], tokens: FakeTokens) -> None:
        package = state.package
        methods = {name: _methods(package.name, package.services[name].attribute) for name in handlers}
        self.faults = Faults(method.path for each in methods.values() for method in each)
        self.calls: list[Call] = []
        """Calls in their order."""
        self._state = state
        self._handlers = {method: handlers[name] for name, each in methods.items() for method in each}
        self._tokens = tokens
        self._prefix = package.prefix
        self._services = frozenset(handlers)
        bound = [BoundHandler(each, _Locked(state, handlers[name])) for name, each in methods.items()]
        super().__init__(bound, prefix=package.prefix, authorize=self._authorize, max_body=MAX_BODY)

    def respond_early(self, request: IncomingRequest) -> HttpResponse | None:
        """Return the response to what is not a call: a health check, a path without a service, a bad token."""
        if request.path == "/":
            return text_response(200, "OK")
        if request.path.startswith("//"):
            request.path = f"/{request.path.lstrip('/')}"
        service = request.path.removeprefix(f"{self._prefix}/").partition("/")[0]
        authorization = _authorization(request)
        if authorization is not None:
            refused = self._tokens.claims(authorization)
            if isinstance(refused, HttpResponse):
                return refused
            request.headers = {**request.headers, AUTHORIZATION.lower(): authorization}
        if service not in self._services or not request.path.startswith(f"{self._prefix}/"):
            return text_response(404, "404 page not found\n")
        return None

    def now(self) -> datetime:
        """Return the time on the fake's clock; what is due by then has happened."""
        with self._state.changing():
            return self._state.clock.now()

    def rpc_of(self, path: str) -> str:
        """Return the RPC of a path: ``package.Service/Method``."""
        return path.removeprefix(f"{self._prefix}/")

    def _authorize(self, context: RequestContext, request: Message) -> Mapping[str, Any]:
        """Check a call: limits that come before grants, grants, and faults; note it; and return its claims."""
        method = context.method
        check = getattr(self._handlers[method], f"check_{method.py_name}", None)
        if check is not None:
            check(request)
        claims = self._tokens.claims(context.headers.get(AUTHORIZATION.lower(), ""))
        if isinstance(claims, HttpResponse) or missing_grants(filled_claims(method.grants or {}, request), claims):
            raise UnauthenticatedError("permissions denied")
        headers = {name: value for name, value in context.headers.items() if name != AUTHORIZATION.lower()}
        self.calls.append(Call(method.path, copied(request), claims, headers, self.now()))
        error = self.faults.error(method.path)
        if error is not None:
            raise error
        return claims


class _Locked:
    """A handler whose methods run one at a time, and return copies."""

    _blocking = False

    def __init__(self, state: FakeState, handler: object) -> None:
        self._state = state
        self._handler = handler

    def __getattr__(self, name: str) -> Callable[[Any, RequestContext], Any]:
        function = getattr(self._handler, name, None)

        def handle(request: Any, context: RequestContext, /) -> Any:
            if function is None:
                raise unimplemented(context.method)
            try:
                with self._state.changing():
                    return copied(function(request, context))
            except Unanswered as unanswered:
                left = context.time_left()
                if left is None or left >= unanswered.seconds:
                    raise
            raise CanceledError(f"{WRAPPED}request canceled")

        return handle


def _methods(package: str, attribute: str) -> tuple[Method[Any, Any], ...]:
    found: tuple[Method[Any, Any], ...] = importlib.import_module(f"{package}._methods.{attribute}").METHODS
    return found


def _authorization(request: IncomingRequest) -> str | None:
    """Return the Authorization header of a request, or one made of its query; None if there is neither."""
    given = request.headers.get(AUTHORIZATION.lower())
    if given is not None:
        return given
    token = parse_qs(request.query).get("access_token") if request.query else None
    return f"Bearer {token[0]}" if token else None
