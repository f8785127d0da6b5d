"""A server in a process of its own that answers each request with its body: no fork of a test copies its sockets."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

__all__ = ["echoing"]

PEM = Path(__file__).with_name("localhost.pem")


@contextlib.contextmanager
def echoing(encrypted: bool = False) -> Iterator[str]:
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


async def main(encrypted: bool) -> None:
    """Serve until the input ends."""
    context = None
    if encrypted:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(PEM)
    server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=context)
    print(f"http{'s' if encrypted else ''}://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    os._exit(0)


async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer until the client goes."""
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(re.search(rb"(?i)content-length: (\d+)", head)[1])
            body = await reader.readexactly(length)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (length, body))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] == "tls"))
