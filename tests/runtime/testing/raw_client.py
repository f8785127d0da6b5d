"""A bare socket as the client, so that a server's every byte can be seen."""

from __future__ import annotations

import socket
import threading

from twirpkit.testing import ScriptedServer

__all__ = ["ASK", "RPC", "ask", "ending", "open_to", "read", "read_all"]

RPC = ("acme.Hats", "MakeHat")
ASK = b"POST /twirp/acme.Hats/MakeHat HTTP/1.1\r\nHost: h\r\nX-Request-Id: c1\r\nContent-Length: 3\r\n\r\nabc"


def open_to(server: ScriptedServer) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=5)


def ask(call: str = "c1", body: bytes = b"abc", path: str = "/twirp/acme.Hats/MakeHat", *lines: str) -> bytes:
    head = [f"POST {path} HTTP/1.1", "Host: h", f"X-Request-Id: {call}", f"Content-Length: {len(body)}", *lines, "", ""]
    return "\r\n".join(head).encode() + body


def read(connection: socket.socket, count: int) -> bytes:
    """That many bytes, or those until the end."""
    data = b""
    while len(data) < count and (more := connection.recv(count - len(data))):
        data += more
    return data


def read_all(connection: socket.socket) -> tuple[bytes, str]:
    """All bytes, and how the connection ended."""
    data = b""
    try:
        while more := connection.recv(65536):
            data += more
    except ConnectionResetError:
        return data, "reset"
    return data, "closed"


def ending(connection: socket.socket) -> str:
    """How the connection stands now: ``open`` if nothing comes for a moment."""
    connection.settimeout(0.05)
    try:
        return read_all(connection)[1]
    except TimeoutError:
        return "open"
    finally:
        connection.settimeout(5)


def ends_all_but(before: set[threading.Thread]) -> bool:
    """Whether every thread that was not there before ends."""
    for thread in set(threading.enumerate()) - before:
        thread.join(5)
    return not set(threading.enumerate()) - before
