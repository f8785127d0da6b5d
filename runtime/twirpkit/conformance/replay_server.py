"""A server that sends prepared responses, byte for byte, and stores the requests it received."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Self, TypeAlias

from twirpkit.conformance.exchange import Exchange
from twirpkit.testing import (
    Close,
    Read,
    ReceivedRequest,
    Request,
    ScriptedResponse,
    ScriptedServer,
    Send,
    Step,
    respond_early,
)
from twirpkit.testing.http_parsing import split_interim

__all__ = ["ReplayServer", "Responder", "by_request"]

PATIENCE: Final = 10.0
"""Maximum number of seconds that `ReplayServer.take` waits."""

Responder: TypeAlias = Callable[[ReceivedRequest], bytes | None]
"""A function that returns the bytes of the response to a request, or None to close the connection without one.

It is called in the threads of the server.
"""


class ReplayServer:
    """A scripted server for prepared responses. It runs for one ``with`` block.

    A connection stays open after a response that defines its own end; otherwise it is closed, as by the recorded
    server.

    ```python
    with ReplayServer() as server:
        server.respond_with(exchange.response.raw)
        ...                                # call server.url
        (received,) = server.take()
    ```

    Args:
        responder: Returns the responses; `respond_with` replaces it. None closes every connection.
    """

    def __init__(self, responder: Responder | None = None) -> None:
        self._responder: Responder = responder or (lambda received: None)
        self._requests: list[Request] = []
        self._lock = threading.Lock()
        self._server = ScriptedServer(self._steps)

    @property
    def url(self) -> str:
        """The base URL. Raises RuntimeError outside the ``with`` block."""
        return self._server.url

    def respond_with(self, response: bytes | Responder | None) -> None:
        """Set the response to all requests from now on.

        Args:
            response: The bytes of the response, a function that returns them, or None to close the connection.
        """
        self._responder = response if callable(response) else lambda received: response

    def take(self) -> list[ReceivedRequest]:
        """Wait until no request is in progress, and return the requests received since the last call, in order.

        When it returns, all connections that had to be closed are closed, so that a client's next call notices it.

        Raises:
            TimeoutError: A request is still in progress after 10 s.
        """
        self._server.ledger.settle(PATIENCE)
        with self._lock:
            taken, self._requests = self._requests, []
        return [request.received for request in taken]

    def __enter__(self) -> Self:
        self._server.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, *exc_info: object) -> None:
        self._server.__exit__(kind, *exc_info)

    def _steps(self, request: Request) -> Sequence[Step]:
        if request.received.expects_continue:
            return self._before_the_body(request)
        with contextlib.suppress(ConnectionError):  # a request with a cut body gets a response, too
            _ = request.body
        if not request.is_read:
            return [Close()]  # not HTTP: no response, and not stored
        self._store(request)
        raw = self._responder(request.received)
        return [Close()] if raw is None else [Send(ScriptedResponse(raw))]

    def _before_the_body(self, request: Request) -> Sequence[Step]:
        """Return the steps for a client that may wait before it sends its body: a response comes first."""
        interim, final = split_interim(self._responder(request.received) or b"")
        self._store(request)
        return (
            [Send(ScriptedResponse(interim)), Read(), Send(ScriptedResponse(final))]
            if interim
            else respond_early(ScriptedResponse(final))
        )

    def _store(self, request: Request) -> None:
        with self._lock:
            self._requests.append(request)


def by_request(exchanges: Iterable[Exchange], otherwise: bytes | None = None) -> Responder:
    """Return a responder that looks up the recorded response by method, target and body, else by method and target.

    The first of several exchanges with the same request is used.

    Args:
        exchanges: The recorded exchanges.
        otherwise: The response to all other requests; None closes the connection.
    """
    responses: dict[tuple[str, str, bytes | None], bytes | None] = {}
    for exchange in exchanges:
        request, raw = exchange.request, exchange.raw_response
        responses.setdefault((request.method, request.target, request.body), raw)
        responses.setdefault((request.method, request.target, None), raw)

    def respond(received: ReceivedRequest) -> bytes | None:
        loose = responses.get((received.method, received.target, None), otherwise)
        return responses.get((received.method, received.target, received.body), loose)

    return respond
