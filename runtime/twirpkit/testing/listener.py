"""Listening on a port of 127.0.0.1 that can be shut and opened again, and one that nobody ever answers on."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Final

__all__ = ["HOST", "Gate", "black_hole"]

HOST: Final = "127.0.0.1"
_PATIENCE: Final = 10.0


class Gate:
    """A port, and a thread that takes what connects to it.

    Args:
        admit: Is given each new connection.
        host: The address to listen on.
    """

    def __init__(self, admit: Callable[[socket.socket], None], host: str = HOST) -> None:
        self._admit = admit
        self._host = host
        self._bound: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self._shutting = threading.Event()

    @property
    def port(self) -> int:
        """Raises RuntimeError before `open` and after `release`."""
        if self._bound is None:
            raise RuntimeError("a scripted server runs inside of its 'with' block only")
        port: int = self._bound.getsockname()[1]
        return port

    def open(self) -> None:
        """Accept connections, on the port that was had before, else on a free one. Twice is fine."""
        if self._thread is not None:
            return
        self._bound = self._bound or _bind(self._host, 0)
        self._bound.listen(512)
        self._shutting = threading.Event()
        self._thread = threading.Thread(target=self._accept, args=(self._bound, self._shutting), daemon=True)
        self._thread.start()

    def shut(self) -> None:
        """Refuse connections, and keep the port. Twice is fine."""
        if self._thread is not None:
            port = self.port
            self.release()
            self._bound = _bind(self._host, port)

    def release(self) -> None:
        """Give the port back. Twice is fine."""
        bound, self._bound = self._bound, None
        thread, self._thread = self._thread, None
        if bound is None:
            return
        if thread is not None:
            self._shutting.set()
            with contextlib.suppress(OSError):  # wakes accept()
                socket.create_connection(bound.getsockname()[:2], timeout=_PATIENCE).close()
            thread.join(_PATIENCE)
        bound.close()

    def _accept(self, listener: socket.socket, shutting: threading.Event) -> None:
        while True:
            connection, _ = listener.accept()
            if shutting.is_set():
                connection.close()
                return
            self._admit(connection)


def _bind(host: str, port: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind((host, port))
    return bound


@contextlib.contextmanager
def black_hole() -> Iterator[str]:
    """The URL of a port on which connecting hangs: its queue is full, and nobody takes from it. (Linux and macOS.)"""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(_bind(HOST, 0))
        listener.listen(0)
        for _ in range(4):
            client = stack.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(listener.getsockname())
        yield f"http://{HOST}:{listener.getsockname()[1]}"
