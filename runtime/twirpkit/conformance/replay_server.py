"""A server that writes ready-made answers onto the socket, byte for byte, and remembers what it was asked."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Self, TypeAlias

from twirpkit.conformance.exchange import Exchange
from twirpkit.testing import Answer, Close, Read, Received, Request, ScriptedServer, Send, Step, early
from twirpkit.testing.http_parsing import split_interim

__all__ = ["Answerer", "ReplayServer", "by_request"]

PATIENCE: Final = 10.0
"""Seconds that `ReplayServer.take` waits at most."""

Answerer: TypeAlias = Callable[[Received], bytes | None]
"""The bytes that answer a request; None closes the connection without an answer. Called from the server's threads."""


class ReplayServer:
    """A scripted server for ready-made responses, for one ``with`` block.

    The server looks at what it writes for one reason only: if the response says where it ends, the connection
    stays open; otherwise it is closed, as the recorded server did.

    ```python
    with ReplayServer() as server:
        server.answer_with(exchange.response.raw)
        ...                                # call server.url
        (received,) = server.take()
    ```

    Args:
        answer: What to answer; `answer_with` replaces it.
    """

    def __init__(self, answer: Answerer | None = None) -> None:
        self._answer: Answerer = answer or (lambda received: None)
        self._requests: list[Request] = []
        self._lock = threading.Lock()
        self._server = ScriptedServer(self._steps)

    @property
    def url(self) -> str:
        """The base URL. Raises RuntimeError outside of the ``with`` block."""
        return self._server.url

    def answer_with(self, answer: bytes | Answerer | None) -> None:
        """Answer every request from now on with these bytes, by this function, or (None) by closing the connection."""
        self._answer = answer if callable(answer) else lambda received: answer

    def take(self) -> list[Received]:
        """Return what arrived since the last time, in order, once no answer is under way any more.

        When it returns, connections that had to be closed are closed: a client's next call can see it.

        Raises:
            TimeoutError: An answer was still under way after 10 s.
        """
        self._server.ledger.settled(PATIENCE)
        with self._lock:
            taken, self._requests = self._requests, []
        return [request.received for request in taken]

    def __enter__(self) -> Self:
        self._server.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, *exc_info: object) -> None:
        self._server.__exit__(kind, *exc_info)

    def _steps(self, request: Request) -> Sequence[Step]:
        if request.received.waits:
            return self._before_the_body(request)
        with contextlib.suppress(ConnectionError):  # a body that is cut gets a response, too
            _ = request.body
        if not request.is_read:
            return [Close()]  # not HTTP: neither answered nor remembered
        self._remember(request)
        raw = self._answer(request.received)
        return [Close()] if raw is None else [Send(Answer(raw))]

    def _before_the_body(self, request: Request) -> Sequence[Step]:
        """Answer a client that may hold its body back: the interim response, or the final one, comes first."""
        interim, final = split_interim(self._answer(request.received) or b"")
        self._remember(request)
        return [Send(Answer(interim)), Read(), Send(Answer(final))] if interim else early(Answer(final))

    def _remember(self, request: Request) -> None:
        with self._lock:
            self._requests.append(request)


def by_request(exchanges: Iterable[Exchange], otherwise: bytes | None = None) -> Answerer:
    """Answer each request as the exchange that asked the same: method, target and body, else method and target.

    Of several that asked the same, the first counts.

    Args:
        exchanges: What to answer from.
        otherwise: The answer to all other requests.
    """
    answers: dict[tuple[str, str, bytes | None], bytes | None] = {}
    for exchange in exchanges:
        request, raw = exchange.request, exchange.raw_answer
        answers.setdefault((request.method, request.target, request.body), raw)
        answers.setdefault((request.method, request.target, None), raw)

    def answer(received: Received) -> bytes | None:
        loose = answers.get((received.method, received.target, None), otherwise)
        return answers.get((received.method, received.target, received.body), loose)

    return answer
