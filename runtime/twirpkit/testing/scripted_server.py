"""`ScriptedServer`: one port of 127.0.0.1 that does what a script says. `Cluster`: several, with one ledger."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, Self, TypeAlias, TypedDict, Unpack

from twirpkit.testing.behaviours import Behaviour, Step, steps_of
from twirpkit.testing.connection import Connection, Ended
from twirpkit.testing.http_parsing import Received
from twirpkit.testing.ledger import Entry, Ledger
from twirpkit.testing.listener import HOST, Gate
from twirpkit.testing.script import Script
from twirpkit.testing.scripted_request import Request

__all__ = ["Cluster", "ScriptedServer", "ServerOptions"]

PATIENCE: Final = 10.0
"""Seconds that leaving the ``with`` block waits for each thread."""

Key: TypeAlias = Callable[[Request], bytes | None]
OnConnect: TypeAlias = Callable[[int], Sequence[Step] | None]


class ServerOptions(TypedDict, total=False):
    """The options of a `ScriptedServer`, as a `Cluster` passes them on."""

    call_id_header: str
    key: Key | None
    on_connect: OnConnect | None
    tls: ssl.SSLContext | None
    idle: float | None
    life: float
    host: str


class ScriptedServer:
    """A server on a free port of this machine, for one ``with`` block.

    ```python
    with ScriptedServer(sequence(break_off(), reply(Hat(inches=3)))) as server:
        ...                                # call server.url; then see server.ledger
    ```

    Leaving the block ends every connection and every thread. If a script raised, it raises RuntimeError.

    Args:
        script: What to do with each request: a function, or one behaviour for all.
        call_id_header: The request header that names the logical call.
        key: Finds in a request what repeats of it are known by (a nonce). A repeat is answered, and not executed.
        on_connect: Steps for a connection before anything is read from it, TLS included, by its number. None: nothing.
        tls: Speak TLS, as the server of this context.
        idle: Seconds after which a connection on which nothing came is closed. None: never.
        life: Seconds after which the server ends, whoever may have forgotten it.
        host: The address to listen on, ``127.0.0.1`` or ``::1``.
        ledger: Default: one of its own.
    """

    def __init__(
        self,
        script: Script | Behaviour,
        *,
        call_id_header: str = "X-Request-Id",
        key: Key | None = None,
        on_connect: OnConnect | None = None,
        tls: ssl.SSLContext | None = None,
        idle: float | None = None,
        life: float = 600.0,
        host: str = HOST,
        ledger: Ledger | None = None,
    ) -> None:
        self.script: Script | Behaviour = script
        """May be replaced at any time."""
        self.ledger: Final = Ledger() if ledger is None else ledger
        self._call_id_header: Final = call_id_header
        self._key: Final = key
        self._on_connect: Final = on_connect
        self._tls: Final = tls
        self._idle: Final = idle
        self._life: Final = life
        self._host: Final = f"[{host}]" if ":" in host else host
        self._state = threading.Condition()
        self._open: dict[Connection, threading.Thread] = {}
        self._connections = 0
        self._requests = 0
        self._failures: list[Exception] = []
        self._gate = Gate(self._admit, host)
        self._stopping = threading.Event()

    @property
    def port(self) -> int:
        """Raises RuntimeError outside of the ``with`` block."""
        return self._gate.port

    @property
    def url(self) -> str:
        """The base URL. Raises RuntimeError outside of the ``with`` block."""
        return f"{'http' if self._tls is None else 'https'}://{self._host}:{self.port}"

    @property
    def connections(self) -> int:
        """How many connections were made to it."""
        return self._connections

    @property
    def open_connections(self) -> int:
        """How many of them have not ended."""
        with self._state:
            return len(self._open)

    def wait_closed(self, count: int, timeout: float = PATIENCE) -> bool:
        """Wait until so many connections have ended, since the server began; False if they do not within the timeout.

        Args:
            count: How many.
            timeout: Seconds to wait.
        """
        with self._state:
            return self._state.wait_for(lambda: self._connections - len(self._open) >= count, timeout)

    def all_closed(self, timeout: float = PATIENCE) -> bool:
        """Whether every connection ends within that many seconds: has the client let go of all?"""
        with self._state:
            return self._state.wait_for(lambda: not self._open, timeout)

    def go_down(self) -> None:
        """End all connections and refuse new ones. The port stays taken."""
        self._gate.shut()
        self._end_connections()

    def come_up(self) -> None:
        """Accept connections again."""
        self._gate.open()

    def __enter__(self) -> Self:
        self._stopping.clear()
        self._failures.clear()
        self._gate.open()
        self._timer = threading.Timer(self._life, self._stop)
        self._timer.daemon = True
        self._timer.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *exc_info: object) -> None:
        self._timer.cancel()
        self._timer.join()
        self._stop()
        if self._failures and kind is None:
            raise RuntimeError("a script raised; its exception is the cause of this one") from self._failures[0]

    def _stop(self) -> None:
        self._stopping.set()
        self._gate.release()
        with self._state:
            threads = list(self._open.values())
        self._end_connections()
        for thread in threads:
            thread.join(PATIENCE)

    def _end_connections(self) -> None:
        with self._state:
            connections = list(self._open)
        for connection in connections:
            connection.shut()

    def _admit(self, sock: socket.socket) -> None:
        """Take a connection that came, from the thread of the gate."""
        with self._state:
            connection = Connection(sock, self._connections, self._stopping)
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._connections += 1
            self._open[connection] = thread
        thread.start()

    def _serve(self, connection: Connection) -> None:
        try:
            # OSError: the client left or sent no HTTP, or the server ended. The ledger has what became of a request.
            with contextlib.suppress(Ended, OSError):
                self._begin(connection)
                while (head := connection.next_head(self._idle)) is not None:
                    self._exchange(connection, head)
        except Exception as failure:  # whatever a script raises is told when the block is left
            self._failures.append(failure)
        finally:
            connection.close()
            with self._state:
                del self._open[connection]
                self._state.notify_all()

    def _begin(self, connection: Connection) -> None:
        steps = None if self._on_connect is None else self._on_connect(connection.number)
        if steps is not None:
            connection.play(steps, self.ledger, None)
        if self._tls is not None:
            connection.start_tls(self._tls)

    def _exchange(self, connection: Connection, head: Received) -> None:
        request = self._request(connection, head)
        entry = Entry(0, request.call, 1, head.method, head.target, self.port, connection.number)
        self.ledger.open(entry)
        request.attempt = entry.attempt
        try:
            steps = steps_of(self.script(request) if callable(self.script) else self.script)
            entry.key = None if self._key is None else self._key(request)
            connection.play(steps, self.ledger, (request, entry))
            _ = request.body  # what is left of it must not be taken for the next request
        finally:
            self.ledger.close(entry)

    def _request(self, connection: Connection, head: Received) -> Request:
        with self._state:
            number = self._requests
            self._requests += 1
        return Request(
            head,
            port=self.port,
            connection=connection.number,
            number=number,
            call=next(iter(head.values(self._call_id_header)), None),
            read=lambda: connection.read_body(head),
        )


class Cluster:
    """Several scripted servers that keep one ledger: the regions of a service, or its backends.

    ```python
    with Cluster(error("unavailable"), reply(Hat())) as (first, second):
        ...
    ```

    Args:
        scripts: One server for each.
        options: Those of `ScriptedServer`, for all of them.
    """

    def __init__(self, *scripts: Script | Behaviour, **options: Unpack[ServerOptions]) -> None:
        self.ledger: Final = Ledger()
        self._servers: Final = [ScriptedServer(script, ledger=self.ledger, **options) for script in scripts]
        self._running = contextlib.ExitStack()

    @property
    def urls(self) -> list[str]:
        """The base URLs, in the order of the scripts."""
        return [server.url for server in self._servers]

    def places(self, call: str | None = None, *, method: str = "POST") -> list[int]:
        """Which servers were asked, in the order of the requests: 0 is the first.

        Args:
            call: Only for the call of this id.
            method: Only for requests of this HTTP method: those of calls, and not of a discovery.
        """
        ports = [server.port for server in self._servers]
        return [
            ports.index(entry.port)
            for entry in self.ledger.entries()
            if entry.method == method and call in (None, entry.call)
        ]

    def __len__(self) -> int:
        return len(self._servers)

    def __iter__(self) -> Iterator[ScriptedServer]:
        return iter(self._servers)

    def __getitem__(self, place: int) -> ScriptedServer:
        return self._servers[place]

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            for server in self._servers:
                stack.enter_context(server)
            self._running = stack.pop_all()
        return self

    def __exit__(self, *exc_info: Any) -> None:
        self._running.__exit__(*exc_info)
