"""Twirp's client test, as its program starts it: a process a call, and every byte of its streams counts."""

from __future__ import annotations

import asyncio
import io
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from clientcompat_main import main

from clientcompat_twirp import ClientCompatMessage, Code, Empty, Req, Resp
from twirpkit.conformance import ReplayServer

NOOP = ClientCompatMessage.CompatServiceMethod.NOOP
METHOD = ClientCompatMessage.CompatServiceMethod.METHOD
CLIENT = Path(__file__).parent
CLIENTS = {"sync": [], "async": ["--async"]}


@pytest.fixture
def server() -> Iterator[ReplayServer]:
    with ReplayServer() as server:
        yield server


@pytest.fixture(params=CLIENTS)
def arguments(request: pytest.FixtureRequest) -> list[str]:
    """What chooses the client."""
    return CLIENTS[request.param]


def told(address: str, method: int = NOOP, request: bytes = b"") -> bytes:
    return ClientCompatMessage(service_address=address, method=method, request=request).SerializeToString()


def http(status: int, body: bytes) -> bytes:
    head = f"HTTP/1.1 {status} Whatever\r\nContent-Type: application/protobuf\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def run(arguments: list[str], data: bytes) -> tuple[int, bytes, bytes]:
    """In this process: exit code, standard output, standard error."""
    out, err = io.BytesIO(), io.BytesIO()
    return main(arguments, io.BytesIO(data), out, err), out.getvalue(), err.getvalue()


def spawn(arguments: list[str], data: bytes, *flags: str) -> tuple[int, bytes, bytes]:
    """In one of its own, as the test does it."""
    command = [sys.executable, *flags, str(CLIENT), *arguments]
    done = subprocess.run(command, input=data, capture_output=True, check=False, timeout=60)
    return done.returncode, done.stdout, done.stderr


def nobody() -> str:
    """An address at which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return f"http://127.0.0.1:{port}"


def test_an_answer(server: ReplayServer, arguments: list[str]) -> None:
    answer = Resp(v=7).SerializeToString()
    server.respond_with(http(200, answer))

    assert run(arguments, told(server.url, METHOD, Req(v="value").SerializeToString())) == (0, answer, b"")

    (received,) = server.take()
    assert (received.method, received.target) == ("POST", "/twirp/twirp.clientcompat.CompatService/Method")
    assert received.body == Req(v="value").SerializeToString()
    assert received.values("authorization") == []


def test_an_empty_answer(server: ReplayServer, arguments: list[str]) -> None:
    server.respond_with(http(200, b""))

    assert run(arguments, told(server.url, NOOP, Empty().SerializeToString())) == (0, b"", b"")
    assert run(arguments, told(server.url, METHOD)) == (0, b"", b"")

    paths = [received.target for received in server.take()]
    assert paths == [f"/twirp/twirp.clientcompat.CompatService/{name}" for name in ("NoopMethod", "Method")]


@pytest.mark.parametrize("method", [NOOP, METHOD], ids=["noop", "method"])
@pytest.mark.parametrize("status", [408, 500, 503])
@pytest.mark.parametrize("code", list(Code))
def test_each_code(server: ReplayServer, arguments: list[str], code: Code, status: int, method: int) -> None:
    server.respond_with(http(status, f'{{"code":"{code}","msg":"failed"}}'.encode()))

    assert run(arguments, told(server.url, method)) == (0, b"", code.encode())
    assert len(server.take()) == 1


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (http(400, b"garbage"), b"internal"),
        (http(503, b"<html>"), b"unavailable"),
        (http(302, b""), b"internal"),
        (http(200, b"<html>"), b"internal"),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"unavailable"),
    ],
    ids=["400", "503", "302", "undecodable", "no-length"],
)
def test_answers_of_no_twirp_server(server: ReplayServer, arguments: list[str], answer: bytes, code: bytes) -> None:
    server.respond_with(answer)

    assert run(arguments, told(server.url)) == (0, b"", code)


def test_an_address_that_nobody_serves(arguments: list[str]) -> None:
    assert run(arguments, told(nobody())) == (0, b"", b"unavailable")


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"garbage", b"standard input does not hold a ClientCompatMessage\n"),
        (told("http://127.0.0.1:1") + b"\x08", b"standard input does not hold a ClientCompatMessage\n"),
        (told("http://127.0.0.1:1", 7), b"the service has no method 7\n"),
        (told("http://127.0.0.1:1", NOOP, b"\xff"), b"the request is not a twirp.clientcompat.Empty\n"),
        (told("http://127.0.0.1:1", METHOD, b"\x0a\x05ab"), b"the request is not a twirp.clientcompat.Req\n"),
        (b"", b"the URL is empty: give something like 'https://api.example.com'\n"),
    ],
    ids=["garbage", "cut", "method", "empty-request", "request", "nothing"],
)
def test_what_cannot_be_called(arguments: list[str], data: bytes, says: bytes) -> None:
    assert run(arguments, data) == (2, b"", says)


def test_an_address_that_is_none(arguments: list[str]) -> None:
    code, out, err = run(arguments, told("ftp://127.0.0.1"))
    assert (code, out, err.count(b"\n")) == (2, b"", 1)
    assert b"ftp" in err


@pytest.mark.parametrize("flags", [(), ("-W", "error"), ("-X", "dev")], ids=["plain", "warnings", "dev"])
@pytest.mark.slow
def test_as_a_process(server: ReplayServer, arguments: list[str], flags: tuple[str, ...]) -> None:
    """Not a byte more, whatever the interpreter, libraries or asyncio's debug mode may want to say."""
    request = Req(v="a\nb\r\n").SerializeToString()
    answer = Resp(v=13 * 128 + 10).SerializeToString()  # its bytes look like a line end
    assert answer == b"\x08\x8a\x0d"
    server.respond_with(http(200, answer))
    assert spawn(arguments, told(server.url, METHOD, request), *flags) == (0, answer, b"")

    server.respond_with(http(404, b'{"code":"not_found","msg":"no"}'))
    assert spawn(arguments, told(server.url), *flags) == (0, b"", b"not_found")

    assert [received.body for received in server.take()] == [request, b""]
    assert spawn(arguments, told(nobody()), *flags) == (0, b"", b"unavailable")


def test_a_process_that_can_call_nothing() -> None:
    assert spawn([], b"garbage") == (2, b"", b"standard input does not hold a ClientCompatMessage\n")


def test_the_client_is_the_one_that_was_asked_for(server: ReplayServer, monkeypatch: pytest.MonkeyPatch) -> None:
    loops: list[str] = []
    runs = asyncio.run
    monkeypatch.setattr(asyncio, "run", lambda coroutine: loops.append("loop") or runs(coroutine))
    server.respond_with(http(200, b""))

    run([], told(server.url))
    assert loops == []
    run(["--async"], told(server.url))
    assert loops == ["loop"]
