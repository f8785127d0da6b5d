"""A fake server on a port of this machine, for clients in other processes and in other languages."""

from __future__ import annotations

import threading
from typing import Final, Self
from urllib.parse import urlsplit

from twirpkit._protocol.constants import CONTENT_LENGTH
from twirpkit.livekit.testing.fake_application import FakeApplication
from twirpkit.server.incoming_request import IncomingRequest, join_lines
from twirpkit.server.request_steps import run
from twirpkit.server.server_responses import compressed
from twirpkit.testing.behaviours import Behaviour, break_off, delay
from twirpkit.testing.listener import HOST
from twirpkit.testing.scripted_request import Request
from twirpkit.testing.scripted_responses import http
from twirpkit.testing.scripted_server import ScriptedServer
from twirpkit.transports.base import HttpResponse

__all__ = ["FakeServer"]

TICK: Final = 0.1
"""Seconds between two looks at the clock."""

LIFE = 7 * 24 * 3600.0
"""Seconds after which a server that nobody stopped ends: far beyond any test run."""


class FakeServer:
    """A fake LiveKit on a free loopback port. It runs for one ``with`` block.

    Args:
        application: The application.
        api_key: The key that clients sign with.
        api_secret: Its secret.
        port: The port; 0 for a free one.
        host: The address to listen on.
    """

    def __init__(
        self, application: FakeApplication, api_key: str, api_secret: str, port: int = 0, host: str = HOST
    ) -> None:
        self.api_key = api_key
        """The key that clients sign with."""
        self._application = application
        self._ended = threading.Event()
        self._api_secret = api_secret
        self._server = ScriptedServer(self._behave, life=LIFE, port=port, host=host)

    @property
    def url(self) -> str:
        """The base URL. Raises RuntimeError outside the ``with`` block."""
        return self._server.url

    @property
    def api_secret(self) -> str:
        """The secret of the key."""
        return self._api_secret

    def __enter__(self) -> Self:
        self._server.__enter__()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._ended.set()
        self._server.__exit__(None, *exc_info[1:])

    def wait(self) -> None:
        """Wait until the process is interrupted, or the block ends. A clock that runs is kept up to date meanwhile."""
        while not self._ended.wait(TICK):
            self._application.now()

    def _behave(self, request: Request) -> Behaviour:
        fault = self._application.faults.network(self._application.rpc_of(request.path))
        if fault is not None and not fault.executed:
            return break_off()
        incoming = _incoming(request)
        response = _scripted(compressed(run(self._application.handle(incoming)), incoming.headers), request)
        if fault is None:
            return response
        return break_off(executed=True) if fault.dropped else delay(fault.delay, response)


def _incoming(request: Request) -> IncomingRequest:
    received = request.received
    headers = join_lines(received.headers)
    return IncomingRequest(received.method, request.path, headers, request.body, urlsplit(received.target).query)


def _scripted(response: HttpResponse, request: Request) -> Behaviour:
    own = CONTENT_LENGTH.lower()
    headers = {name.title(): value for name, value in response.headers.items() if name != own}
    body = b"" if request.received.method == "HEAD" else response.body
    return http(response.status, body, headers=headers)
