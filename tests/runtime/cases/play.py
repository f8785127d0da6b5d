"""Plays rows of the table: one server at a socket, both clients before it."""

from __future__ import annotations

import asyncio
import contextlib
import pickle
import socket
import struct
import threading
from collections.abc import Iterator, Sequence
from typing import Any, Self

from scripted import every_text

from cases.case import Case, Step
from livekit_twirp import AsyncLiveKitAPI, LiveKitAPI
from twirpkit import TransportError, TwirpError
from twirpkit.conformance.framing import RequestReader

__all__ = ["CLIENTS", "Player", "Stage"]

REQUEST_ID = "id-of-this-call"
PATIENCE = 10.0


class Stage:
    """A server that plays one script after the other: the n-th request since `play` gets its n-th step.

    It listens on 127.0.0.1 for one ``with`` block; leaving it closes every socket, and each thread ends with its own.
    """

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._lock = threading.Lock()
        self._script: Iterator[Step] = iter(())
        self._open: set[socket.socket] = set()
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self.asked = 0
        """Requests since `play`."""

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def play(self, steps: Sequence[Step]) -> None:
        """Begin a script. A request that it has no step for is answered with a closed connection."""
        with self._lock:
            self._script = iter(steps)
            self.asked = 0

    def __enter__(self) -> Self:
        self._acceptor.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes accept()
        self._acceptor.join(PATIENCE)
        self._listener.close()
        with self._lock:
            connections = list(self._open)
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                with self._lock:
                    self._open.add(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection, contextlib.suppress(OSError, ValueError):  # ValueError: no HTTP came
                connection.settimeout(PATIENCE)
                reader = RequestReader(connection)
                while (received := reader.head()) is not None:
                    reader.body(received)
                    with self._lock:
                        step = next(self._script, Step())
                        self.asked += 1
                    if not _perform(connection, step):
                        return
        finally:
            with self._lock:
                self._open.discard(connection)


def _perform(connection: socket.socket, step: Step) -> bool:
    """Do what the step says; whether the connection goes on."""
    connection.sendall(step.data)
    if step.then == "hold":
        while connection.recv(65536):
            pass
    elif step.then == "reset":
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    elif step.then == "close":
        # In order: closing with something unread would turn into a reset, which may overtake the answer.
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass
    return step.then == "keep"


class Player:
    """Plays rows over one of the clients."""

    def __init__(self, stage: Stage, client: str) -> None:
        self._stage = stage
        self._runner = asyncio.Runner() if client == "async" else None

    def play(self, case: Case) -> None:
        """Make the row's call. Raises AssertionError where it does not end as the row says."""
        self._stage.play(case.steps)
        outcome = self._outcome(case)
        assert self._stage.asked == case.attempts, f"{self._stage.asked} requests"
        if case.answer is not None:
            assert outcome == case.answer
        else:
            assert isinstance(outcome, TwirpError), f"an answer came: {outcome!r}"
            check(case, outcome)

    def close(self) -> None:
        if self._runner is not None:
            self._runner.close()

    def _outcome(self, case: Case) -> Any:
        options = {"name": "standup", "extra_headers": {"X-Livekit-Request-Id": REQUEST_ID}, **case.options}
        try:
            if self._runner is not None:
                return self._runner.run(self._called(case, options))
            with LiveKitAPI(self._stage.url, token=case.token, retry=False) as client:
                return client.room.create_room(**options)
        except TwirpError as error:
            return error

    async def _called(self, case: Case, options: dict[str, Any]) -> Any:
        async with AsyncLiveKitAPI(self._stage.url, token=case.token, retry=False) as client:
            return await client.room.create_room(**options)


CLIENTS = ("sync", "async")


def check(case: Case, error: TwirpError) -> None:
    """Hold an error against its row, and against what holds of every error."""
    assert type(error) is case.error, repr(error)
    assert error.code is case.code
    assert error.status in (case.statuses or (case.status,))
    assert error.sent == case.sent
    assert error.attempts == case.attempts
    assert error.request_id == REQUEST_ID
    assert error.__cause__ is None or (isinstance(error, TransportError) and isinstance(error.__cause__, OSError))
    if case.message is not None:
        assert error.message == case.message
    if case.meta is not None:
        assert error.meta == case.meta
    assert [part for part in case.says if part not in str(error)] == [], str(error)
    assert len(str(error)) <= len(error.code) + 2 + 512 + 1
    assert len(error.message) <= 64 * 1024 + 512 + 200
    assert max([0, *(len(text.encode()) for item in error.meta.items() for text in item)]) <= 64 * 1024
    assert [text for text in every_text(error) if case.token in text] == []
    assert case.token.encode() not in pickle.dumps(error)
