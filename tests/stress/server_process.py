"""A scripted server in a process of its own: it shares no memory, descriptor or interpreter lock with the client."""

from __future__ import annotations

import contextlib
import multiprocessing
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from typing import Any

from twirpkit.testing import Cluster, Entry, ScriptedServer

__all__ = ["ServerProcess", "server_process"]

LIFE = 3600.0
"""Seconds after which the process ends by itself."""


class ServerProcess:
    """The client's side of it."""

    def __init__(self, pipe: Connection, urls: list[str]) -> None:
        self._pipe = pipe
        self.urls = urls

    @property
    def url(self) -> str:
        """Of the first server."""
        return self.urls[0]

    def entries(self) -> list[Entry]:
        """The ledger, settled."""
        entries: list[Entry] = self._ask("entries")
        return entries

    def all_closed(self) -> bool:
        """Whether the client lets go of all connections within 10 s."""
        closed: bool = self._ask("all_closed")
        return closed

    def connections(self) -> int:
        """How many connections were made to all servers."""
        made: int = self._ask("connections")
        return made

    def go_down(self, place: int = 0) -> None:
        """See `ScriptedServer.go_down`."""
        self._ask("go_down", place)

    def come_up(self, place: int = 0) -> None:
        """See `ScriptedServer.come_up`."""
        self._ask("come_up", place)

    def _ask(self, *command: Any) -> Any:
        self._pipe.send(command)
        response = self._pipe.recv()
        if isinstance(response, BaseException):
            raise response
        return response


@contextlib.contextmanager
def server_process(make: Callable[..., ScriptedServer | Cluster], *arguments: Any) -> Iterator[ServerProcess]:
    """Run what a module-level function makes, for the ``with`` block."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, make, arguments), daemon=True)
    process.start()
    theirs.close()
    try:
        yield ServerProcess(ours, ours.recv())
    finally:
        with contextlib.suppress(OSError):
            ours.send(("stop",))
        process.join(30)
        if process.is_alive():
            process.kill()
        ours.close()


def _serve(pipe: Connection, make: Callable[..., ScriptedServer | Cluster], arguments: tuple[Any, ...]) -> None:
    made = make(*arguments)
    with made:
        servers = [made] if isinstance(made, ScriptedServer) else list(made)
        pipe.send([server.url for server in servers])
        while pipe.poll(LIFE):
            try:
                command, *rest = pipe.recv()
            except EOFError:  # the client's process is gone
                return
            if command == "stop":
                return
            try:
                pipe.send(_do(made, servers, command, *rest))
            except Exception as error:
                pipe.send(error)


def _do(made: ScriptedServer | Cluster, servers: list[ScriptedServer], command: str, place: int = 0) -> Any:
    if command == "entries":
        return made.ledger.settled(30)
    if command == "all_closed":
        return all(server.all_closed() for server in servers)
    if command == "connections":
        return sum(server.connections for server in servers)
    getattr(servers[place], command)()
    return None
