"""A server that answers each request with its own body, and remembers it."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from twirpkit.testing import Request, ScriptedResponse, ScriptedServer, http


@dataclass
class Echo:
    """The server's URL, and what it was asked."""

    url: str
    received: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    """Path, headers in lower case, and body of each request."""


@contextlib.contextmanager
def echo_server() -> Iterator[Echo]:
    """The server, for as long as the block runs."""

    def script(request: Request) -> ScriptedResponse:
        headers = {name.lower(): value for name, value in request.received.headers}
        seen.received.append((request.path, headers, request.body))
        return http(200, request.body, headers={"Content-Type": "application/protobuf"})

    with ScriptedServer(script) as server:
        seen = Echo(server.url)
        yield seen
