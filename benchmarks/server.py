"""The server that the benchmarks call: prepared responses over HTTP/1.1 keep-alive, plain and TLS, in its own process.

python benchmarks/server.py FOLDER

FOLDER holds ``small`` and ``large``, the bodies of the two responses, and ``key.pem`` and ``cert.pem``. The first line
of output is a JSON object with the two ports. Each line of input then gets one line of output, a JSON object: `wall` is
the seconds since the server started, `busy` the seconds that it spent on requests. It ends with its input.

After a request the server looks for the next one without sleeping, for a while: a client is then not charged for waking
it, as it would not be charged for a server on another machine.
"""

from __future__ import annotations

import json
import re
import select
import socket
import ssl
import sys
import time
from pathlib import Path

SPIN = 0.002
"""Seconds without a request after which the server sleeps until the next one."""
IDLE = 600.0
"""Seconds without a request or a line of input after which it ends, whatever holds its input open."""
CHUNK = 1 << 18
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
LARGE = re.compile(rb"POST [^ ]*/ListRooms ")
WOULD_BLOCK = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


def response(body: bytes) -> bytes:
    """Return the bytes of a whole response, with the headers that LiveKit's server sends."""
    head = (
        "HTTP/1.1 200 OK\r\nContent-Type: application/protobuf\r\nVary: Origin\r\n"
        f"Date: Sun, 22 Nov 2026 15:26:31 GMT\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Connection:
    """One client connection: collects requests, sends a prepared response for each."""

    def __init__(self, connected: socket.socket, small: bytes, large: bytes) -> None:
        self.socket = connected
        self.small = small
        self.large = large
        self.received = b""
        self.unsent = memoryview(b"")
        self.tls = self.handshaking = isinstance(connected, ssl.SSLSocket)

    def ready(self) -> bool:
        """Read, respond and write as far as it goes; False when the connection is over."""
        try:
            if self.handshaking:
                assert isinstance(self.socket, ssl.SSLSocket)
                self.socket.do_handshake()
                self.handshaking = False
            while True:
                self._write()
                data = self.socket.recv(CHUNK)
                if not data:
                    return False
                self._respond(self.received + data if self.received else data)
                if len(data) < CHUNK and not self.tls:  # a short read has emptied the socket; TLS may hold bytes back
                    return True
        except WOULD_BLOCK:
            return True
        except OSError:
            return False

    def _respond(self, data: bytes) -> None:
        out = b""
        start = 0
        while (end := data.find(b"\r\n\r\n", start)) >= 0:
            length = LENGTH.search(data, start, end + 2)
            after = end + 4 + (int(length[1]) if length else 0)
            if after > len(data):
                break
            out += self.large if LARGE.match(data, start) else self.small
            start = after
        self.received = data[start:] if start < len(data) else b""
        self.unsent = memoryview(out)
        self._write()

    def _write(self) -> None:
        while self.unsent:
            self.unsent = self.unsent[self.socket.send(self.unsent[:CHUNK]) :]


def serve(folder: Path) -> None:
    """Serve until the input ends."""
    small, large = (response((folder / name).read_bytes()) for name in ("small", "large"))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    listeners = [socket.create_server(("127.0.0.1", 0), backlog=1024) for _ in range(2)]
    encrypted = listeners[1].fileno()
    connections: dict[int, Connection] = {}
    poller = select.epoll()
    accepting = {listener.fileno(): listener for listener in listeners}
    for number, listener in accepting.items():
        listener.setblocking(False)
        poller.register(number, select.EPOLLIN)
    poller.register(0, select.EPOLLIN)
    print(json.dumps({"plain": listeners[0].getsockname()[1], "tls": listeners[1].getsockname()[1]}), flush=True)

    clock = time.perf_counter
    started = last = clock()
    busy = 0.0
    while True:
        events = poller.poll(0 if clock() - last < SPIN else IDLE)
        if not events:
            if clock() - last > IDLE:
                return
            continue
        begun = clock()
        for number, _ in events:
            if (connection := connections.get(number)) is not None:
                if not connection.ready():
                    poller.unregister(number)
                    del connections[number]
                    connection.socket.close()
            elif number == 0:
                if not sys.stdin.buffer.raw.read(100):  # type: ignore[attr-defined]  # a FileIO, which has no buffer
                    return
                print(json.dumps({"wall": clock() - started, "busy": busy}), flush=True)
            else:
                connected, _ = accepting[number].accept()
                connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if number == encrypted:
                    connected = tls.wrap_socket(connected, server_side=True, do_handshake_on_connect=False)
                connected.setblocking(False)
                connections[connected.fileno()] = Connection(connected, small, large)
                # Edge-triggered: it tells of room to write without being asked each time.
                poller.register(connected.fileno(), select.EPOLLIN | select.EPOLLOUT | select.EPOLLET)
        last = clock()
        busy += last - begun


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
