"""The server's process, as the benchmark sees it: ports, certificate, and the share of time it was busy."""

from __future__ import annotations

import contextlib
import json
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import payloads
import trustme

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Load:
    """Seconds since the server started, and how many of them it spent on requests."""

    wall: float
    busy: float


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server is: its ports without and with TLS, and the folder of its certificates and responses."""

    port: int
    tls_port: int
    folder: str

    @property
    def ca(self) -> str:
        """Path of the certificate of the authority that signed the server's own."""
        return str(Path(self.folder) / "ca.pem")

    def large(self) -> bytes:
        """Return the body of the large response."""
        return (Path(self.folder) / "large").read_bytes()

    def url(self, *, tls: bool = False) -> str:
        """Return the base URL."""
        return f"https://127.0.0.1:{self.tls_port}" if tls else f"http://127.0.0.1:{self.port}"

    def context(self) -> ssl.SSLContext:
        """Return a client context that trusts the server."""
        return ssl.create_default_context(cafile=self.ca)


class Server:
    """A running `server.py`."""

    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        assert process.stdin
        assert process.stdout
        self._in: IO[str] = process.stdin
        self._out: IO[str] = process.stdout
        ports = json.loads(self._out.readline())
        self.address = Address(ports["plain"], ports["tls"], str(folder))

    def load(self) -> Load:
        """Ask the server how busy it has been."""
        self._in.write("\n")
        self._in.flush()
        return Load(**json.loads(self._out.readline()))


@contextlib.contextmanager
def serving() -> Iterator[Server]:
    """Start the server, end it after the block."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        authority = trustme.CA()
        certificate = authority.issue_cert("127.0.0.1")
        authority.cert_pem.write_to_path(folder / "ca.pem")
        certificate.private_key_pem.write_to_path(folder / "key.pem")
        certificate.cert_chain_pems[0].write_to_path(folder / "cert.pem")
        (folder / "small").write_bytes(payloads.small())
        (folder / "large").write_bytes(payloads.large())
        command = [sys.executable, str(HERE / "server.py"), name]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            try:
                yield Server(process, folder)
            finally:
                process.terminate()
