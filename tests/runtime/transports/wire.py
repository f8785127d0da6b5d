"""A raw-socket HTTP server that plays scripted answers, byte for byte, and remembers what it was asked.

The n-th request that arrives, on whatever connection, gets the n-th answer. It stops by itself: leaving the ``with``
block closes every socket, and each thread ends with its socket.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

__all__ = ["Answer", "Request", "Server", "http", "serve"]

Ending = Literal["keep", "close", "hold", "reset"]

PATIENCE = 10.0
"""Seconds after which the server gives up a client that says nothing."""


@dataclass(frozen=True)
class Answer:
    """What to do with one request."""

    data: bytes
    then: Ending = "close"
    """``keep`` reads the next request, ``hold`` waits until the client goes away, ``reset`` sends a RST."""
    drip: float = 0.0
    """Seconds between two bytes; 0 sends all at once."""
    drip_from: int = 0
    """The first byte that drips; those before it come at once."""
    after: bytes = b""
    """Bytes sent once the test says so, by `Server.released`; `Server.sent` then tells the test."""
    early: bool = False
    """Answer as soon as the header of the request is in, and read no more of it."""
    hold: float = PATIENCE
    """Seconds that ``hold`` waits at most, and then closes."""


@dataclass(frozen=True)
class Request:
    """One request as it came, and the number of the connection that it came on."""

    connection: int
    head: bytes
    body: bytes

    @property
    def line(self) -> str:
        """The request line."""
        return self.head.split(b"\r\n", 1)[0].decode()

    @property
    def headers(self) -> list[tuple[str, str]]:
        """The header lines in their order."""
        lines = self.head.decode().split("\r\n")[1:]
        return [(name, value) for name, _, value in (line.partition(": ") for line in lines if line)]


@dataclass
class Server:
    """What a test sees of a running server."""

    port: int
    scheme: str = "http"
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    released: threading.Event = field(default_factory=threading.Event)
    sent: threading.Event = field(default_factory=threading.Event)
    gone: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    """Released once for each connection that the client, or the script, has ended."""

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"{self.scheme}://127.0.0.1:{self.port}"


def http(
    body: bytes = b"", *headers: str, status: str = "200 OK", length: bool = True, version: str = "HTTP/1.1"
) -> bytes:
    """A well-formed answer."""
    lines = [f"{version} {status}", *headers]
    if length:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


@contextlib.contextmanager
def serve(*answers: Answer | bytes, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> Iterator[Server]:
    """Run a server for the ``with`` block. An answer given as bytes keeps the connection open."""
    script = [answer if isinstance(answer, Answer) else Answer(answer, "keep") for answer in answers]
    listener = socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=256)
    server = Server(listener.getsockname()[1], "https" if tls else "http")
    runner = _Runner(listener, server, script, tls)
    thread = threading.Thread(target=runner.accept, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        runner.stop()
        thread.join(5)


class _Runner:
    def __init__(
        self, listener: socket.socket, server: Server, script: Sequence[Answer], tls: ssl.SSLContext | None
    ) -> None:
        self.listener = listener
        self.server = server
        self.script = iter(script)
        self.tls = tls
        self.lock = threading.Lock()
        self.stopping = threading.Event()
        self.open: set[socket.socket] = set()

    def accept(self) -> None:
        with self.listener:
            while not self.stopping.is_set():
                connection, _ = self.listener.accept()
                if self.stopping.is_set():
                    connection.close()
                    return
                with self.lock:
                    self.open.add(connection)
                    number = self.server.connections
                    self.server.connections += 1
                threading.Thread(target=self.talk, args=(connection, number), daemon=True).start()

    def stop(self) -> None:
        self.stopping.set()
        self.server.released.set()
        with contextlib.suppress(OSError):
            socket.create_connection(self.listener.getsockname()[:2], timeout=1).close()
        with self.lock:
            connections = list(self.open)
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def talk(self, raw: socket.socket, number: int) -> None:
        connection = raw
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.settimeout(PATIENCE)
            if self.tls is not None:
                connection = self.tls.wrap_socket(raw, server_side=True)
            with connection:
                self.converse(connection, number)
        except OSError:
            raw.close()
        finally:
            with self.lock:
                self.open.discard(raw)
            self.server.gone.release()

    def converse(self, connection: socket.socket, number: int) -> None:
        buffer = bytearray()
        while (head := _read_until(connection, buffer, b"\r\n\r\n")) is not None:
            with self.lock:
                answer = next(self.script, None)
            body = b"" if answer is not None and answer.early else _read_body(connection, buffer, head)
            if body is None:
                return
            self.server.requests.append(Request(number, head, body))
            if answer is None or not self.play(connection, answer):
                return

    def play(self, connection: socket.socket, answer: Answer) -> bool:
        """Give the answer; whether the connection goes on."""
        if answer.drip:
            connection.sendall(answer.data[: answer.drip_from])
            for position in range(answer.drip_from, len(answer.data)):
                connection.sendall(answer.data[position : position + 1])
                if self.stopping.wait(answer.drip):
                    return False
        else:
            connection.sendall(answer.data)
        if answer.after:
            self.server.released.wait(5)
            connection.sendall(answer.after)
            self.server.sent.set()
        if answer.then == "hold":
            connection.settimeout(answer.hold)
            while connection.recv(65536):
                pass
        elif answer.then == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return answer.then == "keep"


def _read_until(connection: socket.socket, buffer: bytearray, mark: bytes) -> bytes | None:
    while mark not in buffer:
        if not (data := connection.recv(65536)):
            return None
        buffer += data
    end = buffer.index(mark)
    taken = bytes(buffer[:end])
    del buffer[: end + len(mark)]
    return taken


def _read_body(connection: socket.socket, buffer: bytearray, head: bytes) -> bytes | None:
    lengths = [line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
    length = int(lengths[0][15:]) if lengths else 0
    while len(buffer) < length:
        if not (data := connection.recv(65536)):
            return None
        buffer += data
    body = bytes(buffer[:length])
    del buffer[:length]
    return body
