"""A server in a process of its own that answers each request with its body: no fork of a test copies its sockets."""

from __future__ import annotations

import contextlib
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from twirpkit.testing import Request, ScriptedResponse, ScriptedServer, http

__all__ = ["echo_process"]

PEM = Path(__file__).with_name("localhost.pem")


@contextlib.contextmanager
def echo_process(encrypted: bool = False) -> Iterator[str]:
    """Its URL."""
    with subprocess.Popen(
        [sys.executable, __file__, "tls" if encrypted else "plain"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        yield server.stdout.readline().strip()
        server.stdin.close()  # it ends with its input
        server.wait(10)


def main(encrypted: bool) -> None:
    """Serve until the input ends."""
    context = None
    if encrypted:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(PEM)
    with ScriptedServer(echo, tls=context) as server:
        print(server.url, flush=True)
        sys.stdin.read()


def echo(request: Request) -> ScriptedResponse:
    """Answer with the request's body."""
    return http(200, request.body)


if __name__ == "__main__":
    main(sys.argv[1] == "tls")
