"""One suite for every client: plays recorded exchanges through both, and says what did not come out as recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Literal, Self, TypeAlias

from google.protobuf import json_format

from twirpkit._config.package_info import PackageInfo
from twirpkit._protocol.responses import message_from_response, read_error
from twirpkit._protocol.server_text import text_cleaner
from twirpkit.conformance.clients_under_test import AsyncFacade, AsyncWorld, Facade, SyncWorld, World, deadline
from twirpkit.conformance.compare import (
    Heard,
    OwnError,
    answer_mismatches,
    foreign_request_mismatches,
    heard_mismatches,
    request_mismatches,
)
from twirpkit.conformance.exchange import Exchange
from twirpkit.conformance.expected_results import is_json
from twirpkit.conformance.playback_plan import PLACEHOLDER, TOKEN, Catalogue, Plan, Route, Rpc, plan
from twirpkit.conformance.replay_server import ReplayServer
from twirpkit.conformance.request_forms import Form
from twirpkit.conformance.tokens import Authorization
from twirpkit.errors import Code, DecodeError, TwirpError, error_class
from twirpkit.transports import async_transport as default_async_transport
from twirpkit.transports import sync_transport as default_sync_transport
from twirpkit.transports.base import AsyncTransport, HttpRequest, HttpResponse, Transport

__all__ = ["Suite", "WorldName"]

WorldName: TypeAlias = Literal["sync", "async"]

UNPLAYED: tuple[str, ...] = ("host", "content-length")
"""Recorded headers that a transport makes itself."""


class Suite:
    """Plays exchanges through the two clients of one generated package, for one ``with`` block.

    It is used from one thread, outside of any running event loop.

    Args:
        facade: The sync facade.
        async_facade: The async facade.
        credentials: Keyword arguments that both are made with beside the URL: ``api_key`` and ``api_secret``,
            ``token``, ``auth``, or nothing.
        authorization: What requests must then carry: `SignedTokens`, the header's value, or None for no such header.
        own_error: The class that the package itself makes of an error with this metadata, by name; None where it makes
            none.
        transport: Makes the sync transport under test; by default that of requests.
        async_transport: Makes the async transport under test; by default that of aiohttp.
    """

    def __init__(
        self,
        facade: Facade,
        async_facade: AsyncFacade,
        *,
        credentials: Mapping[str, Any] | None = None,
        authorization: Authorization = None,
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
        self._worlds: dict[WorldName, World] = {}

    def __enter__(self) -> Self:
        self._server.__enter__()
        self._worlds = {
            "sync": SyncWorld(self._facades[0], self._transports[0]),
            "async": AsyncWorld(self._facades[1], self._transports[1]),
        }
        return self

    def __exit__(self, *exc_info: object) -> None:
        for world in self._worlds.values():
            world.close()
        self._worlds = {}
        self._server.__exit__(None, None, None)

    def plan(self, exchange: Exchange) -> Plan:
        """How far the exchange can be played, and why not further. Needs no ``with`` block."""
        return plan(exchange, self.catalogue, anonymous=self._authorization is None)

    def play(self, world: WorldName, exchange: Exchange, *, forms: Iterable[Form] = tuple(Form)) -> list[str]:
        """Play one exchange in one world.

        Args:
            world: ``"sync"`` or ``"async"``.
            exchange: What to play.
            forms: In which forms a client is given the request; each is a call of its own.

        Returns:
            What was not as it should be, one line each; empty if the client conforms.

        Raises:
            RuntimeError: The ``with`` block was left, or not entered.
        """
        if not self._worlds:
            raise RuntimeError("a suite plays inside of its 'with' block only")
        chosen, its_plan = self._worlds[world], self.plan(exchange)
        self._server.answer_with(exchange.raw_answer)
        if its_plan.route is Route.CLIENT:
            return [f"{form}: {each}" for form in forms for each in self._call(chosen, exchange, its_plan, form)]
        found = list(self._send(chosen, exchange, its_plan)) if its_plan.route is Route.TRANSPORT else []
        return found + [f"answer: {each}" for each in self._hear(chosen, exchange, its_plan)]

    def _call(self, world: World, exchange: Exchange, its_plan: Plan, form: Form) -> Iterator[str]:
        """Everything, by a client."""
        foreign = its_plan.authorization
        heard = world.call(self._server.url, {"auth": foreign} if foreign else self._credentials, its_plan, form)
        if heard is None:  # the form cannot say it
            return
        received = self._server.take()
        if len(received) != len(heard.steps) or not received:
            yield f"requests: {len(received)} arrived, {len(heard.steps)} were sent"
        for each in received:
            header = self.catalogue.sdk.request_id_header
            yield from request_mismatches(its_plan, exchange, each, self._authorization, header)
        yield from self._heard(exchange, heard, its_plan.rpc)

    def _heard(self, exchange: Exchange, heard: Heard, rpc: Rpc | None) -> Iterator[str]:
        for step in heard.steps:
            yield from answer_mismatches(exchange, step)
        yield from heard_mismatches(exchange, heard, rpc.method.response if rpc else None, self._own_error)
        if heard.error is not None and heard.error.attempts != len(heard.steps):
            yield f"error.attempts: expected {len(heard.steps)}, got {heard.error.attempts}"

    def _hear(self, world: World, exchange: Exchange, its_plan: Plan) -> Iterator[str]:
        """The answer alone, by a client that asked something else."""
        rpc = its_plan.rpc
        if exchange.request.method == "HEAD" or (rpc is None and exchange.response and exchange.response.status == 200):
            return  # an answer that is whole for HEAD only; a message of an RPC that the SDK does not know
        stand_in = Plan(Route.CLIENT, rpc=rpc or self.catalogue.first())
        heard = world.call(self._server.url, self._credentials, stand_in, Form.MESSAGE)
        self._server.take()
        if heard is not None:
            yield from self._heard(exchange, heard, rpc)

    def _send(self, world: World, exchange: Exchange, its_plan: Plan) -> Iterator[str]:
        """Everything, by the lower layer."""
        recorded = exchange.request
        headers = {
            name: value.replace(TOKEN, PLACEHOLDER) for name, value in recorded.headers if name.lower() not in UNPLAYED
        }
        target = recorded.target.replace(TOKEN, PLACEHOLDER)
        request = HttpRequest(f"{self._server.url}{target}", headers, recorded.body, deadline(), method=recorded.method)
        step = world.send(request)
        received = self._server.take()
        if len(received) != 1:
            yield f"requests: {len(received)} arrived, 1 was sent"
        for each in received:
            yield from foreign_request_mismatches(request, target, each)
        found = list(answer_mismatches(exchange, step))
        yield from found
        rpc = its_plan.rpc
        if not found and isinstance(step, HttpResponse) and (heard := _read(exchange, step, rpc)) is not None:
            yield from heard_mismatches(exchange, heard, rpc.method.response if rpc else None)


def _read(exchange: Exchange, step: HttpResponse, rpc: Rpc | None) -> Heard | None:
    """What the runtime makes of an answer that its lower layer got as recorded; None where that is nothing."""
    if step.status != 200:
        error = read_error(step)
        message, meta = error.describe(text_cleaner(), text_cleaner())
        return _refused(error_class(error.code)(error.code, message, meta=meta, status=step.status), step)
    if rpc is None or exchange.response is None:
        return None
    if is_json(exchange.response):
        parsed = json_format.Parse(step.body, rpc.method.response(), ignore_unknown_fields=True)
        return Heard(parsed, None, (step,))
    result = message_from_response(rpc.method.response, step)
    if isinstance(result, str):
        return _refused(DecodeError(Code.INTERNAL, result, status=200), step)
    return Heard(result, None, (step,))


def _refused(error: TwirpError, step: HttpResponse) -> Heard:
    error.sent = "yes"  # what a call would add
    return Heard(None, error, (step,))
