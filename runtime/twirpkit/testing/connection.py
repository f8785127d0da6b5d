"""One connection of a scripted server: reads requests, performs steps, and records both in the ledger."""

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
from twirpkit.testing.http_parsing import ReceivedRequest, RequestReader, ends_itself
from twirpkit.testing.ledger import Entry, Ledger
from twirpkit.testing.scripted_request import Request
from twirpkit.testing.scripted_responses import ScriptedResponse

__all__ = ["Connection", "ConnectionEnded"]

PATIENCE: Final = 10.0
"""Seconds that the server waits, after closing its side of a connection, for the client to close the other."""
_RESET: Final = struct.pack("ii", 1, 0)
_RECV: Final = 65536

ActiveRequest: TypeAlias = tuple[Request, Entry]
"""The request that the steps belong to, and its entry in the ledger."""


class ConnectionEnded(Exception):
    """Raised after a step that ends the connection."""


class Connection:
    """One accepted connection. Its methods raise OSError if the client or the stopping server ends it.

    Args:
        sock: The accepted socket.
        number: The number of the connection at the server.
        stopping: Set when the server stops.
    """

    def __init__(self, sock: socket.socket, number: int, stopping: threading.Event) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.number: Final = number
        self.port: Final[int] = sock.getsockname()[1]
        """The port of the server, which has none any more while it stops."""
        self._sock = sock
        self._stopping = stopping
        self._reader = RequestReader(sock)

    def start_tls(self, context: ssl.SSLContext) -> None:
        """Start TLS on the connection, as the server."""
        self._sock = context.wrap_socket(self._sock, server_side=True, suppress_ragged_eofs=True)
        self._reader = RequestReader(self._sock)

    def next_head(self, idle: float | None) -> ReceivedRequest | None:
        """Read the next request without its body.

        Return None if the client closed the connection, or sent nothing for `idle` seconds.
        """
        if not self._readable(idle):
            return None
        try:
            return self._reader.head()
        except ValueError as error:
            raise ConnectionError(f"the client sent bytes that are not HTTP: {error}") from error

    def read_body(self, head: ReceivedRequest) -> tuple[bytes, bool]:
        """Read the body of a request; return it, and True if it is complete."""
        try:
            return self._reader.body(head)
        except ValueError as error:
            raise ConnectionError(f"the client sent bytes that are not HTTP: {error}") from error

    def play(self, steps: Sequence[Step], ledger: Ledger, active: ActiveRequest | None) -> None:
        """Perform the steps.

        Args:
            steps: The steps of one request, or those before the first.
            ledger: Records the progress of the request.
            active: The request and its entry; None before the first request.

        Raises:
            ConnectionEnded: A step ended the connection, or the server stops.
        """
        keeps = False
        for step in steps:
            match step:
                case Read():
                    _read(active)
                case Execute() if active is not None:
                    _read(active)
                    ledger.execute(active[1])
                case Execute():
                    raise ValueError("Execute() needs a request: it cannot be a step of on_connect")
                case Send():
                    keeps = self._send(step, ledger, active)
                case Wait():
                    self._wait(step.until)
                case Signal():
                    step.event.set()
                case Keep():
                    keeps = True
                case Hang():
                    self._hang(read=_is_read(active))
                case Close():
                    self._close(ledger, active)
                case Reset():
                    self._reset()
                case CloseOnNext():
                    _settle(ledger, active)
                    self._readable(None)
                    raise ConnectionEnded
                case StartTls():
                    self.start_tls(step.context)
        if active is not None and not keeps:
            self._close(ledger, active)

    def _send(self, step: Send, ledger: Ledger, active: ActiveRequest | None) -> bool:
        """Write a response or a part of it; return True if it is complete and the connection can be reused."""
        response, entry = step.response, None if active is None else active[1]
        stop = len(response) if step.stop is None else min(step.stop, len(response))
        if entry is not None and stop > step.start:
            ledger.begin_response(entry, response.status, gateway=response.is_gateway_error)
        if step.every:
            for position in range(step.start, stop):
                self._write(response, position, position + 1, ledger, entry)
                self._wait(step.every)
        else:
            self._write(response, step.start, stop, ledger, entry)
        if step.stop is None and response.stream is not None:
            for data in response.stream():
                self._sock.sendall(data)
        return stop == len(response) and self._finish(response, ledger, active)

    def _write(self, response: ScriptedResponse, start: int, stop: int, ledger: Ledger, entry: Entry | None) -> None:
        rest = memoryview(response.raw)[start:stop]
        if start < response.head_length <= stop:
            # The head of a long response is sent alone: the client may close the connection before it reads the rest.
            first = len(rest) if len(rest) <= _RECV else response.head_length - start
            self._sock.sendall(rest[:first])
            rest = rest[first:]
            if entry is not None and response.status is not None:
                ledger.finish_head(entry)
        if rest:  # even sending nothing fails once the client has closed the connection
            self._sock.sendall(rest)

    def _finish(self, response: ScriptedResponse, ledger: Ledger, active: ActiveRequest | None) -> bool:
        method = "POST" if active is None else active[0].received.method
        complete = response.stream is None and ends_itself(response.raw, method)
        if complete and active is not None:
            ledger.finish_response(active[1], response.content)
        return complete

    def _wait(self, until: float | threading.Event) -> None:
        if isinstance(until, threading.Event):
            while not until.wait(0.05):
                if self._stopping.is_set():
                    raise ConnectionEnded
        elif self._stopping.wait(until):
            raise ConnectionEnded

    def _hang(self, *, read: bool) -> None:
        if not read:
            self._stopping.wait()
        else:
            self._sock.settimeout(None)
            while self._sock.recv(_RECV):
                pass
        raise ConnectionEnded

    def _close(self, ledger: Ledger, active: ActiveRequest | None) -> None:
        """Close the connection. An unread request would turn this into a reset, so the rest of it is read first."""
        with contextlib.suppress(OSError):
            if isinstance(self._sock, ssl.SSLSocket):
                self._sock.settimeout(0)
                self._sock.unwrap()
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self._sock, socket.SHUT_WR)
        _settle(ledger, active)
        with contextlib.suppress(OSError):
            self._sock.settimeout(PATIENCE)
            while not _is_read(active) and self._sock.recv(_RECV):
                pass
        raise ConnectionEnded

    def _reset(self) -> None:
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._sock.close()
        raise ConnectionEnded

    def _readable(self, timeout: float | None) -> bool:
        """Wait until the connection has bytes to read or was closed; return False after the timeout."""
        if self._reader.pending or (isinstance(self._sock, ssl.SSLSocket) and self._sock.pending()):
            return True
        with selectors.DefaultSelector() as selector:
            selector.register(self._sock, selectors.EVENT_READ)
            return bool(selector.select(timeout))

    def shut_down(self) -> None:
        """Shut the socket down, from another thread, so that every wait on it ends."""
        with contextlib.suppress(OSError):
            socket.socket.shutdown(
                self._sock, socket.SHUT_RDWR
            )  # SSLSocket's own method would drop its state during a read

    def close(self) -> None:
        """Close the socket."""
        self._sock.close()


def _is_read(active: ActiveRequest | None) -> bool:
    return active is None or active[0].is_read


def _read(active: ActiveRequest | None) -> None:
    if active is not None:
        _ = active[0].body


def _settle(ledger: Ledger, active: ActiveRequest | None) -> None:
    if active is not None:
        ledger.close(active[1])
