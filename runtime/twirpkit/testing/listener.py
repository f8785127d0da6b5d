"""A local port that can refuse connections and accept them again, and a port on which connecting hangs."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Final

__all__ = ["HOST", "Listener", "black_hole"]

HOST: Final = "127.0.0.1"
_PATIENCE: Final = 10.0


class Listener:
    """A listening port with a thread that accepts its connections.

    Args:
        on_connection: Called with the socket of each new connection, in that thread.
        host: The address to listen on.
        port: The port to listen on; 0 for a free one.
    """

    def __init__(self, on_connection: Callable[[socket.socket], None], host: str = HOST, port: int = 0) -> None:
        self._on_connection = on_connection
        self._host = host
        self._wanted = port
        self._bound: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()

    @property
    def port(self) -> int:
        """The port. Raises RuntimeError before `open` and after `release`."""
        if self._bound is None:
            raise RuntimeError("a scripted server runs only inside its 'with' block")
        port: int = self._bound.getsockname()[1]
        return port

    def open(self) -> None:
        """Accept connections, on the same port as before or else on a free one. May be called twice."""
        if self._thread is not None:
            return
        self._bound = self._bound or _bind(self._host, self._wanted)
        self._bound.listen(512)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._accept, args=(self._bound, self._stopping), daemon=True)
        self._thread.start()

    def refuse(self) -> None:
        """Refuse connections but keep the port. May be called twice."""
        if self._thread is not None:
            port = self.port
            self.release()
            self._bound = _bind(self._host, port)

    def release(self) -> None:
        """Give up the port. May be called twice."""
        bound, self._bound = self._bound, None
        thread, self._thread = self._thread, None
        if bound is None:
            return
        if thread is not None:
            self._stopping.set()
            with contextlib.suppress(OSError):  # wakes accept()
                socket.create_connection(bound.getsockname()[:2], timeout=_PATIENCE).close()
            thread.join(_PATIENCE)
        bound.close()

    def _accept(self, listener: socket.socket, stopping: threading.Event) -> None:
        while True:
            connection, _ = listener.accept()
            if stopping.is_set():
                connection.close()
                return
            self._on_connection(connection)


def _bind(host: str, port: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind((host, port))
    return bound


@contextlib.contextmanager
def black_hole() -> Iterator[str]:
    """Open a port on which connecting hangs, because its queue is full; yield its URL. Linux and macOS only."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(_bind(HOST, 0))
        listener.listen(0)
        for _ in range(4):
            client = stack.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(listener.getsockname())
        yield f"http://{HOST}:{listener.getsockname()[1]}"
