"""The conformance suite: plays recorded exchanges through both clients and reports every mismatch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, Literal, Self, TypeAlias

from google.protobuf import json_format

from twirpkit._config.package_info import PackageInfo
from twirpkit._protocol.constants import CONTENT_LENGTH
from twirpkit._protocol.server_text import text_cleaner
from twirpkit._protocol.twirp_responses import message_from_response, read_error
from twirpkit.conformance.clients_under_test import (
    AsyncClients,
    AsyncFacade,
    ClientsUnderTest,
    Facade,
    SyncClients,
    deadline,
)
from twirpkit.conformance.compare import (
    CallResult,
    OwnError,
    request_mismatches,
    response_mismatches,
    result_mismatches,
    transport_request_mismatches,
)
from twirpkit.conformance.exchange import Exchange
from twirpkit.conformance.expected_results import is_json
from twirpkit.conformance.playback_plan import PLACEHOLDER, TOKEN, Catalogue, Plan, Route, Rpc, plan
from twirpkit.conformance.replay_server import ReplayServer
from twirpkit.conformance.request_forms import RequestForm
from twirpkit.conformance.tokens import ExpectedAuthorization
from twirpkit.errors import Code, DecodeError, Sent, TwirpError, error_class
from twirpkit.transports import async_transport as default_async_transport
from twirpkit.transports import sync_transport as default_sync_transport
from twirpkit.transports.base import AsyncTransport, HttpRequest, HttpResponse, Transport

__all__ = ["Mode", "Suite"]

Mode: TypeAlias = Literal["sync", "async"]

TRANSPORT_HEADERS: Final = frozenset(("host", CONTENT_LENGTH.lower()))
"""The headers that a transport sets itself, in lower case: the recorded ones are not sent."""


class Suite:
    """A conformance suite for the two clients of one generated package, for one ``with`` block.

    Use it from one thread, outside a running event loop.

    Args:
        facade: The sync facade.
        async_facade: The async facade.
        credentials: The keyword arguments of both facades besides the URL: ``api_key`` and ``api_secret``, ``token``,
            ``auth``, or none.
        authorization: The expected Authorization of requests: `SignedTokens`, a fixed value, or None for no header.
        own_error: Returns the name of the package's own class of an error, by its message and metadata, or None.
        transport: Makes the sync transport under test; by default that of a sync client.
        async_transport: Makes the async transport under test; by default that of an async client.
    """

    def __init__(
        self,
        facade: Facade,
        async_facade: AsyncFacade,
        *,
        credentials: Mapping[str, Any] | None = None,
        authorization: ExpectedAuthorization = None,
        own_error: OwnError | None = None,
        transport: Callable[[], Transport] | None = None,
        async_transport: Callable[[], AsyncTransport] | None = None,
    ) -> None:
        package: PackageInfo = facade.package  # type: ignore[attr-defined]  # every generated facade has it
        self.catalogue = Catalogue(package)
        self._facades = facade, async_facade
        self._credentials = dict(credentials or {})
        self._authorization = authorization
        self._own_error = own_error
        self._transports = (
            transport or (lambda: default_sync_transport(self, None)),
            async_transport or (lambda: default_async_transport(self, None)),
        )
        self._server = ReplayServer()
        self._clients: dict[Mode, ClientsUnderTest] = {}

    def __enter__(self) -> Self:
        self._server.__enter__()
        self._clients = {
            "sync": SyncClients(self._facades[0], self._transports[0]),
            "async": AsyncClients(self._facades[1], self._transports[1]),
        }
        return self

    def __exit__(self, *exc_info: object) -> None:
        for clients in self._clients.values():
            clients.close()
        self._clients = {}
        self._server.__exit__(None, None, None)

    def plan(self, exchange: Exchange) -> Plan:
        """Return the route on which an exchange is played, with the reason. The ``with`` block is not needed."""
        return plan(exchange, self.catalogue, anonymous=self._authorization is None)

    def play(self, mode: Mode, exchange: Exchange, *, forms: Iterable[RequestForm] = tuple(RequestForm)) -> list[str]:
        """Play one exchange through the clients of one mode.

        Args:
            mode: ``"sync"`` or ``"async"``.
            exchange: The exchange to play.
            forms: The forms in which a client gets the request; each is a call of its own.

        Returns:
            The mismatches, one line each; empty if the client conforms.

        Raises:
            RuntimeError: The suite is used outside its ``with`` block.
        """
        if not self._clients:
            raise RuntimeError("a suite plays exchanges only inside its 'with' block")
        clients, its_plan = self._clients[mode], self.plan(exchange)
        self._server.respond_with(exchange.raw_response)
        if its_plan.route is Route.CLIENT:
            return [f"{form}: {each}" for form in forms for each in self._call(clients, exchange, its_plan, form)]
        found = list(self._send(clients, exchange, its_plan)) if its_plan.route is Route.TRANSPORT else []
        return found + [f"response only: {each}" for each in self._respond(clients, exchange, its_plan)]

    def _call(self, clients: ClientsUnderTest, exchange: Exchange, its_plan: Plan, form: RequestForm) -> Iterator[str]:
        """Compare the request and the result of a client."""
        foreign = its_plan.authorization
        credentials = {"auth": foreign} if foreign else self._credentials
        result = clients.call(self._server.url, credentials, its_plan, form)
        if result is None:  # the form cannot express the request
            return
        received = self._server.take()
        if len(received) != len(result.attempts) or not received:
            yield f"requests: {len(received)} arrived, {len(result.attempts)} were sent"
        for each in received:
            header = self.catalogue.package.request_id_header
            yield from request_mismatches(its_plan, exchange, each, self._authorization, header)
        yield from self._result_mismatches(exchange, result, its_plan.rpc)

    def _result_mismatches(self, exchange: Exchange, result: CallResult, rpc: Rpc | None) -> Iterator[str]:
        for attempt in result.attempts:
            yield from response_mismatches(exchange, attempt)
        prefixes = [each.text for each in self.catalogue.package.known_errors if each.strip]
        response_class = rpc.method.response if rpc else None
        yield from result_mismatches(exchange, result, response_class, self._own_error, prefixes)
        if result.error is not None and result.error.attempts != len(result.attempts):
            yield f"error.attempts: expected {len(result.attempts)}, got {result.error.attempts}"

    def _respond(self, clients: ClientsUnderTest, exchange: Exchange, its_plan: Plan) -> Iterator[str]:
        """Compare the result of a client that gets the response to another request."""
        rpc = its_plan.rpc
        if exchange.request.method == "HEAD" or (rpc is None and exchange.response and exchange.response.status == 200):
            return  # a response that is complete for HEAD only, or the message of an RPC that the SDK does not have
        stand_in = Plan(Route.CLIENT, rpc=rpc or self.catalogue.first())
        result = clients.call(self._server.url, self._credentials, stand_in, RequestForm.MESSAGE)
        self._server.take()
        if result is not None:
            yield from self._result_mismatches(exchange, result, rpc)

    def _send(self, clients: ClientsUnderTest, exchange: Exchange, its_plan: Plan) -> Iterator[str]:
        """Compare the request and the result of a transport alone."""
        recorded = exchange.request
        lines = [(name, value) for name, value in recorded.headers if name.lower() not in TRANSPORT_HEADERS]
        headers = {name: value.replace(TOKEN, PLACEHOLDER) for name, value in lines}
        target = recorded.target.replace(TOKEN, PLACEHOLDER)
        request = HttpRequest(f"{self._server.url}{target}", headers, recorded.body, deadline(), method=recorded.method)
        sent = clients.send(request)
        received = self._server.take()
        if len(received) != 1:
            yield f"requests: {len(received)} arrived, 1 was sent"
        for each in received:
            yield from transport_request_mismatches(request, target, each)
        found = list(response_mismatches(exchange, sent))
        yield from found
        rpc = its_plan.rpc
        if not found and isinstance(sent, HttpResponse) and (result := _read(exchange, sent, rpc)) is not None:
            yield from result_mismatches(exchange, result, rpc.method.response if rpc else None)


def _read(exchange: Exchange, response: HttpResponse, rpc: Rpc | None) -> CallResult | None:
    """Read a response as a call does; return None for a 200 without an RPC."""
    if response.status != 200:
        error = read_error(response)
        message, meta = error.describe(text_cleaner(), text_cleaner())
        made = error_class(error.code)(error.code, message, meta=meta, status=response.status)
        return _failed(made, response, "maybe" if error.intermediary and response.status >= 500 else "yes")
    if rpc is None or exchange.response is None:
        return None
    if is_json(exchange.response):
        message = rpc.method.response()
        pool = message.DESCRIPTOR.file.pool  # for an Any
        parsed = json_format.Parse(response.body, message, ignore_unknown_fields=True, descriptor_pool=pool)
        return CallResult(parsed, None, (response,))
    message_or_problem = message_from_response(rpc.method.response, response)
    if isinstance(message_or_problem, str):
        return _failed(DecodeError(Code.INTERNAL, message_or_problem, status=200), response)
    return CallResult(message_or_problem, None, (response,))


def _failed(error: TwirpError, response: HttpResponse, sent: Sent = "yes") -> CallResult:
    error.sent = sent  # a call would set it
    return CallResult(None, error, (response,))
