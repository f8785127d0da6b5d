"""One connection of a scripted server: requests out of a socket, steps onto it, and what happened into the ledger."""

from __future__ import annotations

import contextlib
import selectors
import socket
import ssl
import struct
import threading
from collections.abc import Sequence
from typing import Final, TypeAlias

from twirpkit.testing.behaviours import (
    Close,
    CloseOnNext,
    Execute,
    Hang,
    Keep,
    Read,
    Reset,
    Send,
    Signal,
    StartTls,
    Step,
    Wait,
)
from twirpkit.testing.http_parsing import Received, RequestReader, ends_itself
from twirpkit.testing.ledger import Entry, Ledger
from twirpkit.testing.scripted_request import Request
from twirpkit.testing.scripted_responses import Answer

__all__ = ["Connection", "Ended"]

PATIENCE: Final = 10.0
"""Seconds that a server that ends a connection in order waits for its client to do the same."""
_RESET: Final = struct.pack("ii", 1, 0)
_RECV: Final = 65536

Made: TypeAlias = tuple[Request, Entry]


class Ended(Exception):
    """The connection is over, as its script wanted it."""


class Connection:
    """A socket that a client opened. Its methods raise OSError where the client, or the server's end, ends it.

    Args:
        sock: As accepted.
        number: Its number at the server.
        stopping: Set when the server ends.
    """

    def __init__(self, sock: socket.socket, number: int, stopping: threading.Event) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.number: Final = number
        self._sock = sock
        self._stopping = stopping
        self._reader = RequestReader(sock)

    def start_tls(self, context: ssl.SSLContext) -> None:
        """Speak TLS from here on."""
        self._sock = context.wrap_socket(self._sock, server_side=True, suppress_ragged_eofs=True)
        self._reader = RequestReader(self._sock)

    def next_head(self, idle: float | None) -> Received | None:
        """The next request without its body; None: the client left, or sent nothing for that many seconds."""
        if not self._readable(idle):
            return None
        try:
            return self._reader.head()
        except ValueError as error:
            raise ConnectionError(f"the client sent no HTTP: {error}") from error

    def read_body(self, head: Received) -> tuple[bytes, bool]:
        """Read the body that belongs to a head; return it, and whether it came to its end."""
        try:
            return self._reader.body(head)
        except ValueError as error:
            raise ConnectionError(f"the client sent no HTTP: {error}") from error

    def play(self, steps: Sequence[Step], ledger: Ledger, made: Made | None) -> None:
        """Perform the steps.

        Args:
            steps: Those of one request, or those before the first.
            ledger: Is told what happened to the request.
            made: The request and its entry, None before the first.

        Raises:
            Ended: The connection is to be closed.
        """
        keeps = False
        for step in steps:
            match step:
                case Read():
                    _read(made)
                case Execute() if made is not None:
                    _read(made)
                    ledger.execute(made[1])
                case Execute():
                    raise ValueError("nothing can be executed before a request has come")
                case Send():
                    keeps = self._send(step, ledger, made)
                case Wait():
                    self._wait(step.until)
                case Signal():
                    step.event.set()
                case Keep():
                    keeps = True
                case Hang():
                    self._hang(read=_is_read(made))
                case Close():
                    self._close(ledger, made)
                case Reset():
                    self._reset()
                case CloseOnNext():
                    _settle(ledger, made)
                    self._readable(None)
                    raise Ended
                case StartTls():
                    self.start_tls(step.context)
        if made is not None and not keeps:
            self._close(ledger, made)

    def _send(self, step: Send, ledger: Ledger, made: Made | None) -> bool:
        """Write; whether a whole answer is out that lets the connection go on."""
        answer, entry = step.answer, None if made is None else made[1]
        stop = len(answer) if step.stop is None else min(step.stop, len(answer))
        if entry is not None and stop > step.start:
            ledger.begin(entry, answer.status)
        if step.every:
            for position in range(step.start, stop):
                self._write(answer, position, position + 1, ledger, entry)
                self._wait(step.every)
        else:
            self._write(answer, step.start, stop, ledger, entry)
        if step.stop is None and answer.pours is not None:
            for data in answer.pours():
                self._sock.sendall(data)
        return stop == len(answer) and self._finish(answer, ledger, made)

    def _write(self, answer: Answer, start: int, stop: int, ledger: Ledger, entry: Entry | None) -> None:
        rest = memoryview(answer.raw)[start:stop]
        if start < answer.head_length <= stop:
            # Of a long answer the head goes out alone: the client may hang up before it has read the rest.
            first = len(rest) if len(rest) <= _RECV else answer.head_length - start
            self._sock.sendall(rest[:first])
            rest = rest[first:]
            if entry is not None and answer.status is not None:
                ledger.head(entry)
        if rest:  # sending nothing fails, too, once the client has left
            self._sock.sendall(rest)

    def _finish(self, answer: Answer, ledger: Ledger, made: Made | None) -> bool:
        method = "POST" if made is None else made[0].received.method
        whole = answer.pours is None and ends_itself(answer.raw, method)
        if whole and made is not None:
            ledger.answer(made[1], answer.content)
        return whole

    def _wait(self, until: float | threading.Event) -> None:
        if isinstance(until, threading.Event):
            while not until.wait(0.05):
                if self._stopping.is_set():
                    raise Ended
        elif self._stopping.wait(until):
            raise Ended

    def _hang(self, *, read: bool) -> None:
        if not read:
            self._stopping.wait()
        else:
            self._sock.settimeout(None)
            while self._sock.recv(_RECV):
                pass
        raise Ended

    def _close(self, ledger: Ledger, made: Made | None) -> None:
        """End in order. A request that nobody read would turn the end into a reset: so it is taken now."""
        with contextlib.suppress(OSError):
            if isinstance(self._sock, ssl.SSLSocket):
                self._sock.settimeout(0)
                self._sock.unwrap()
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self._sock, socket.SHUT_WR)
        _settle(ledger, made)
        with contextlib.suppress(OSError):
            self._sock.settimeout(PATIENCE)
            while not _is_read(made) and self._sock.recv(_RECV):
                pass
        raise Ended

    def _reset(self) -> None:
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._sock.close()
        raise Ended

    def _readable(self, timeout: float | None) -> bool:
        """Wait until bytes, or the connection's end, have come."""
        if self._reader.pending or (isinstance(self._sock, ssl.SSLSocket) and self._sock.pending()):
            return True
        with selectors.DefaultSelector() as selector:
            selector.register(self._sock, selectors.EVENT_READ)
            return bool(selector.select(timeout))

    def shut(self) -> None:
        """Wake whatever waits for this connection, from another thread."""
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self._sock, socket.SHUT_RDWR)  # an SSLSocket's own would drop its state under a read

    def close(self) -> None:
        """Give the socket back."""
        self._sock.close()


def _is_read(made: Made | None) -> bool:
    return made is None or made[0].is_read


def _read(made: Made | None) -> None:
    if made is not None:
        _ = made[0].body


def _settle(ledger: Ledger, made: Made | None) -> None:
    if made is not None:
        ledger.close(made[1])
