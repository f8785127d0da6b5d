"""A scripted server whose responses are given one by one, in the order of the requests, byte for byte."""

from __future__ import annotations

import contextlib
import ssl
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from twirpkit.testing import Close, Hang, Keep, Reset, ScriptedServer, Send, Signal, Step, Wait
from twirpkit.testing import Request as Incoming
from twirpkit.testing import ScriptedResponse as Bytes

__all__ = ["Canned", "Request", "Server", "http", "serve"]

Ending = Literal["keep", "close", "hold", "reset"]

PATIENCE = 10.0
"""Seconds after which a server of a test gives up a client that says nothing."""


@dataclass(frozen=True)
class Canned:
    """The response to one request: its bytes, and what follows them."""

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
    """Respond as soon as the header of the request is in."""
    hold: float | None = None
    """Seconds after which ``hold`` ends the connection; None waits for the client."""


@dataclass(frozen=True)
class Request:
    """One request as it came, and the number of the connection that it came on."""

    connection: int
    line: str
    headers: list[tuple[str, str]]
    """The header lines in their order."""
    body: bytes

    @property
    def head(self) -> bytes:
        """The request line and the header lines."""
        return "\r\n".join([self.line, *(f"{name}: {value}" for name, value in self.headers)]).encode()


@dataclass
class Gone:
    """Counts the connections that the client, or the script, has ended."""

    server: ScriptedServer
    seen: int = 0

    def acquire(self, timeout: float) -> bool:
        """Wait for one more to end; return False if none does."""
        ended = self.server.wait_closed(self.seen + 1, timeout)
        self.seen += ended
        return ended


@dataclass
class Server:
    """A running server, as a test sees it."""

    scripted: ScriptedServer
    url: str
    port: int
    gone: Gone
    requests: list[Request] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)
    sent: threading.Event = field(default_factory=threading.Event)

    @property
    def connections(self) -> int:
        """How many connections were made to it."""
        return self.scripted.connections


def http(
    body: bytes = b"", *headers: str, status: str = "200 OK", length: bool = True, version: str = "HTTP/1.1"
) -> bytes:
    """A well-formed response."""
    lines = [f"{version} {status}", *headers]
    if length:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


@contextlib.contextmanager
def serve(*responses: Canned | bytes, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> Iterator[Server]:
    """Run a server for the ``with`` block. A response given as bytes keeps the connection open.

    A request for which there is no response ends its connection.
    """
    script = iter([response if isinstance(response, Canned) else Canned(response, "keep") for response in responses])
    lock = threading.Lock()

    def play(incoming: Incoming) -> Sequence[Step]:
        with lock:
            response = next(script, None)
        body = b"" if response is not None and response.early else incoming.body
        got = incoming.received
        line = f"{got.method} {got.target} {got.version}"
        headers = [(name, value.encode("latin-1").decode()) for name, value in got.headers]
        server.requests.append(Request(incoming.connection, line, headers, body))
        return [Close()] if response is None else list(steps(response, server))

    with ScriptedServer(play, tls=tls, host=host) as scripted:
        server = Server(scripted, scripted.url, scripted.port, Gone(scripted))
        yield server


def steps(response: Canned, server: Server) -> Iterator[Step]:
    """The steps of a response."""
    data = Bytes(response.data)
    if response.drip:
        yield Send(data, stop=response.drip_from)
        yield Send(data, start=response.drip_from, every=response.drip)
    else:
        yield Send(data)
    if response.after:
        yield Wait(server.released)
        yield Send(Bytes(response.after))
        yield Signal(server.sent)
    match response.then:
        case "keep":
            yield Keep()
        case "close":
            yield Close()
        case "reset":
            yield Reset()
        case "hold" if response.hold is None:
            yield Hang()
        case "hold":
            yield Wait(response.hold)
            yield Close()
