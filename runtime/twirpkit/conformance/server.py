"""A server that writes ready-made answers onto the socket, byte for byte, and remembers what it was asked."""

from __future__ import annotations

import contextlib
import dataclasses
import socket
import threading
from collections.abc import Callable, Iterable
from typing import Final, Self, TypeAlias

from twirpkit.conformance.exchange import Exchange
from twirpkit.testing.framing import Received, RequestReader, ends_itself, split_interim

__all__ = ["Answerer", "ReplayServer", "by_request"]

PATIENCE: Final = 10.0
"""Seconds that the server waits for anything: the rest of a request, a client that should close, its own threads."""

Answerer: TypeAlias = Callable[[Received], bytes | None]
"""The bytes that answer a request; None closes the connection without an answer. Called from the server's threads."""


class ReplayServer:
    """A server on a free port of 127.0.0.1, for one ``with`` block.

    What it writes is never looked at but for one question: does the answer say where it ends? If so the connection goes
    on, else it is closed, as the recorded server did. Leaving the block closes every socket and ends every thread.

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
        self._received: list[Received] = []
        self._state = threading.Condition()
        self._answering = 0
        self._open: dict[socket.socket, threading.Thread] = {}
        self._stopping = False
        self._listener: socket.socket | None = None
        self._acceptor: threading.Thread | None = None

    @property
    def url(self) -> str:
        """The base URL. Raises RuntimeError outside of the ``with`` block."""
        if self._listener is None:
            raise RuntimeError("the replay server runs inside of its 'with' block only")
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def answer_with(self, answer: bytes | Answerer | None) -> None:
        """Answer every request from now on with these bytes, by this function, or (None) by closing the connection."""
        self._answer = answer if callable(answer) else lambda received: answer

    def take(self) -> list[Received]:
        """What arrived since the last time, in order, once no answer is under way any more.

        When it returns, connections that had to be closed are closed: a client's next call can see it.

        Raises:
            TimeoutError: An answer was still under way after 10 s.
        """
        with self._state:
            if not self._state.wait_for(lambda: self._answering == 0, PATIENCE):
                raise TimeoutError(f"the replay server was still answering after {PATIENCE:g} s")
            taken, self._received = self._received, []
        return taken

    def __enter__(self) -> Self:
        self._stopping = False
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self._acceptor = threading.Thread(target=self._accept, args=(self._listener,), daemon=True)
        self._acceptor.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self._listener is None or self._acceptor is None:
            return
        with self._state:
            self._stopping = True
        with contextlib.suppress(OSError):  # wakes accept()
            socket.create_connection(self._listener.getsockname(), timeout=PATIENCE).close()
        self._acceptor.join(PATIENCE)
        with self._state:
            connections = dict(self._open)
        for connection, thread in connections.items():
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            thread.join(PATIENCE)
        self._listener.close()
        self._listener = self._acceptor = None

    def _accept(self, listener: socket.socket) -> None:
        while True:
            connection, _ = listener.accept()
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            with self._state:
                if self._stopping:
                    connection.close()
                    return
                self._open[connection] = thread
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            # OSError: the client went away, or the block was left. ValueError: no HTTP came. Either way the client sees
            # its connection closed, and the caller of `take` no request.
            with connection, contextlib.suppress(OSError, ValueError):
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                reader = RequestReader(connection)
                while (head := reader.head()) is not None and self._exchange(connection, reader, head):
                    pass
        finally:
            with self._state:
                self._open.pop(connection, None)

    def _exchange(self, connection: socket.socket, reader: RequestReader, head: Received) -> bool:
        """Answer one request; whether the connection goes on. If not, it is closed before `take` returns."""
        going_on = False
        with self._state:
            self._answering += 1
        try:
            going_on = self._converse(connection, reader, head)
        finally:
            if not going_on:
                connection.close()
            with self._state:
                self._answering -= 1
                self._state.notify_all()
        return going_on

    def _converse(self, connection: socket.socket, reader: RequestReader, head: Received) -> bool:
        """Read the rest of one request and answer it; whether the connection goes on."""
        if head.waits:
            return self._converse_waiting(connection, reader, head)
        received = _with_body(reader, head)
        raw = self._note(received)
        if raw is None:
            return False
        connection.sendall(raw)
        return received.whole and ends_itself(raw, received.method)

    def _converse_waiting(self, connection: socket.socket, reader: RequestReader, head: Received) -> bool:
        """Answer a client that may hold its body back: the interim answer, or the final one, comes first."""
        raw = self._answer(head)
        interim, final = split_interim(raw or b"")
        connection.sendall(interim)
        if interim:
            received = _with_body(reader, head)
            self._remember(received)
            connection.sendall(final)
            return received.whole and ends_itself(final, received.method)
        self._remember(head)
        connection.sendall(final)
        # Both ends are closed in order, so that a body which was sent all the same does not turn into a reset that eats
        # the answer.
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(PATIENCE)
        while connection.recv(65536):
            pass
        return False

    def _note(self, received: Received) -> bytes | None:
        self._remember(received)
        return self._answer(received)

    def _remember(self, received: Received) -> None:
        with self._state:
            self._received.append(received)


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


def _with_body(reader: RequestReader, head: Received) -> Received:
    body, whole = reader.body(head)
    return dataclasses.replace(head, body=body, whole=whole)
