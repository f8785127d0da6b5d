"""A proxy of HTTP: it tunnels by CONNECT, or says what the test wants."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

__all__ = ["Proxy", "tunnelling"]


@dataclass
class Proxy:
    """What a test sees of a proxy."""

    port: int
    asked: list[bytes] = field(default_factory=list)
    """The header blocks of its CONNECT requests."""

    def url(self, userinfo: str = "") -> str:
        """Where it is."""
        return f"http://{userinfo}127.0.0.1:{self.port}"


@contextlib.contextmanager
def tunnelling(to: int, answer: bytes = b"HTTP/1.1 200 Connection established\r\n\r\n") -> Iterator[Proxy]:
    """A proxy that connects each client, whatever it asks for, to a port of this machine."""
    listener = socket.create_server(("127.0.0.1", 0))
    proxy = Proxy(listener.getsockname()[1])
    stopping = threading.Event()

    def accept() -> None:
        with listener:
            while True:
                client, _ = listener.accept()
                if stopping.is_set():
                    client.close()
                    return
                threading.Thread(target=tunnel, args=(client,), daemon=True).start()

    def tunnel(client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            client.settimeout(10)
            head = b""
            while b"\r\n\r\n" not in head:
                head += client.recv(65536)
            proxy.asked.append(head)
            with socket.create_connection(("127.0.0.1", to), timeout=10) as upstream:
                client.sendall(answer)
                back = threading.Thread(target=pump, args=(upstream, client), daemon=True)
                back.start()
                pump(client, upstream)
                back.join(10)

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        stopping.set()
        socket.create_connection(("127.0.0.1", proxy.port), timeout=5).close()
        thread.join(5)


def pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
