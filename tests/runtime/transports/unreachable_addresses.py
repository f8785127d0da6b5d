"""Places where a connection fails before a server could speak."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

__all__ = ["full_backlog", "refusing_port"]


@contextlib.contextmanager
def full_backlog() -> Iterator[str]:
    """A listener that accepts nothing and whose queue is full: a further connection hangs in its handshake."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            client = stack.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@contextlib.contextmanager
def refusing_port() -> Iterator[str]:
    """A port that refuses: bound, and nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}"
