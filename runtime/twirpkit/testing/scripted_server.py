"""The scripted server, and clusters of scripted servers that share a ledger."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, Self, TypeAlias, TypedDict, Unpack

from twirpkit.testing.behaviours import Behaviour, Step, steps_of
from twirpkit.testing.connection import Connection, ConnectionEnded
from twirpkit.testing.http_parsing import ReceivedRequest
from twirpkit.testing.ledger import Entry, Ledger
from twirpkit.testing.listener import HOST, Listener
from twirpkit.testing.script import Script
from twirpkit.testing.scripted_request import Request

__all__ = ["Cluster", "ScriptedServer", "ServerOptions"]

PATIENCE: Final = 10.0
"""Seconds to wait for each thread at the end of the ``with`` block."""

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
    """An HTTP server on a free local port that follows a script. It runs for one ``with`` block.

    ```python
    with ScriptedServer(sequence(break_off(), reply(Hat(inches=3)))) as server:
        ...                                # call server.url, then read server.ledger
    ```

    Leaving the block ends every connection and every thread, and raises RuntimeError if a script raised.

    Args:
        script: A function that returns the behaviour for each request, or one behaviour for all.
        call_id_header: The request header that identifies the logical call.
        key: Returns the nonce of a request. A request whose nonce was executed before gets a response but is not
            executed.
        on_connect: Returns the steps for a new connection, by its number, before anything is read from it or TLS
            starts; None for no steps.
        tls: The server's TLS context; None for plain HTTP.
        idle: Seconds after which an idle connection is closed; None for never.
        life: Seconds after which the server stops in any case.
        host: The address to listen on, ``127.0.0.1`` or ``::1``.
        ledger: The ledger to use; by default a new one.
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
        """The script or behaviour. It may be replaced at any time."""
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
        self._listener = Listener(self._accept, host)
        self._stopping = threading.Event()

    @property
    def port(self) -> int:
        """The port. Raises RuntimeError outside the ``with`` block."""
        return self._listener.port

    @property
    def url(self) -> str:
        """The base URL. Raises RuntimeError outside the ``with`` block."""
        return f"{'http' if self._tls is None else 'https'}://{self._host}:{self.port}"

    @property
    def connections(self) -> int:
        """The number of connections accepted so far."""
        return self._connections

    @property
    def open_connections(self) -> int:
        """The number of connections that have not ended."""
        with self._state:
            return len(self._open)

    def wait_closed(self, count: int, timeout: float = PATIENCE) -> bool:
        """Wait until this many connections have ended since the server started; return False after the timeout.

        Args:
            count: The number of ended connections to wait for.
            timeout: Seconds to wait.
        """
        with self._state:
            return self._state.wait_for(lambda: self._connections - len(self._open) >= count, timeout)

    def all_closed(self, timeout: float = PATIENCE) -> bool:
        """Wait until no connection is open; return False after `timeout` seconds."""
        with self._state:
            return self._state.wait_for(lambda: not self._open, timeout)

    def go_down(self) -> None:
        """End all connections and refuse new ones. The port stays reserved."""
        self._listener.refuse()
        self._end_connections()

    def come_up(self) -> None:
        """Accept connections again."""
        self._listener.open()

    def __enter__(self) -> Self:
        self._stopping.clear()
        self._failures.clear()
        self._listener.open()
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
        self._listener.release()
        with self._state:
            threads = list(self._open.values())
        self._end_connections()
        for thread in threads:
            thread.join(PATIENCE)

    def _end_connections(self) -> None:
        with self._state:
            connections = list(self._open)
        for connection in connections:
            connection.shut_down()

    def _accept(self, sock: socket.socket) -> None:
        """Start a thread for a new connection. Called in the thread of the listener."""
        with self._state:
            connection = Connection(sock, self._connections, self._stopping)
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._connections += 1
            self._open[connection] = thread
        thread.start()

    def _serve(self, connection: Connection) -> None:
        try:
            # OSError: the client closed the connection or sent other bytes than HTTP, or the server stopped. The
            # ledger has recorded the state of the request.
            with contextlib.suppress(ConnectionEnded, OSError):
                self._begin(connection)
                while (head := connection.next_head(self._idle)) is not None:
                    self._exchange(connection, head)
        except Exception as failure:  # a script may raise anything; it is reported when the block is left
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

    def _exchange(self, connection: Connection, head: ReceivedRequest) -> None:
        request = self._request(connection, head)
        entry = Entry(0, request.call, 1, head.method, head.target, connection.port, connection.number)
        self.ledger.open(entry)
        request.attempt = entry.attempt
        try:
            steps = steps_of(self.script(request) if callable(self.script) else self.script)
            entry.key = None if self._key is None else self._key(request)
            connection.play(steps, self.ledger, (request, entry))
            _ = request.body  # the rest of it must not be read as the next request
        finally:
            self.ledger.close(entry)

    def _request(self, connection: Connection, head: ReceivedRequest) -> Request:
        with self._state:
            number = self._requests
            self._requests += 1
        return Request(
            head,
            port=connection.port,
            connection=connection.number,
            number=number,
            call=next(iter(head.values(self._call_id_header)), None),
            read=lambda: connection.read_body(head),
        )


class Cluster:
    """Several scripted servers with one ledger: the regions or the backends of a service.

    ```python
    with Cluster(error("unavailable"), reply(Hat())) as (first, second):
        ...
    ```

    Args:
        scripts: One script or behaviour for each server.
        options: Options of `ScriptedServer`, for all servers.
    """

    def __init__(self, *scripts: Script | Behaviour, **options: Unpack[ServerOptions]) -> None:
        self.ledger: Final = Ledger()
        self._servers: Final = [ScriptedServer(script, ledger=self.ledger, **options) for script in scripts]
        self._running = contextlib.ExitStack()

    @property
    def urls(self) -> list[str]:
        """The base URLs, in the order of the scripts."""
        return [server.url for server in self._servers]

    def server_order(self, call: str | None = None, *, method: str = "POST") -> list[int]:
        """Return the indexes of the servers that received the requests, in the order of the requests.

        Args:
            call: Only requests of the call with this id; None for all.
            method: Only requests with this HTTP method: POST for calls, GET for region discovery.
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

    def __getitem__(self, index: int) -> ScriptedServer:
        return self._servers[index]

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            for server in self._servers:
                stack.enter_context(server)
            self._running = stack.pop_all()
        return self

    def __exit__(self, *exc_info: Any) -> None:
        self._running.__exit__(*exc_info)
