"""Deadlines over a lent session, and how far a request had come (rules B1, B3, C)."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path
from typing import Any

import pytest
from byte_server import Canned, serve
from byte_server import http as answer
from cases.limits import DRIPS, HANDSHAKES
from lent_worlds import LentWorld, SyncLentWorld, lend
from unreachable_addresses import full_backlog, refusing_port

from twirpkit.transports.base import HttpResponse, Phase, TransportFailure

HERE = Path(__file__).parent
pytestmark = pytest.mark.slow  # many that wait: for a deadline each, over every library and event loop


def test_a_silent_server(lent: LentWorld) -> None:
    with serve(Canned(b"", "hold")) as server:
        failed = lent.fail(server.url, timeout=0.2)
    assert (failed.phase, failed.timed_out) == (Phase.NO_ANSWER, True)


def test_a_header_that_drips(lent: LentWorld, request: pytest.FixtureRequest) -> None:
    if isinstance(lent, SyncLentWorld):
        request.applymarker(pytest.mark.xfail(reason=DRIPS.line, strict=True))
    with serve(Canned(answer(b"hi"), "hold", drip=0.02)) as server:
        got = lent.send(server.url, timeout=0.2)
    assert isinstance(got, TransportFailure)
    assert (got.phase, got.timed_out) == (Phase.NO_ANSWER, True)


@pytest.mark.parametrize("status", [200, 503])
def test_a_body_that_drips(lent: LentWorld, status: int) -> None:
    data = answer(b"x" * 100, status=f"{status} X")
    with serve(Canned(data, "hold", drip=0.02, drip_from=len(data) - 100)) as server:
        got = lent.send(server.url, timeout=0.6)
    if status == 200:
        assert isinstance(got, TransportFailure)
        assert (got.phase, got.timed_out) == (Phase.CUT, True)
    else:
        assert isinstance(got, HttpResponse)
        assert (got.status, got.body_error) == (503, "the deadline passed during the response's body")
        assert 0 < len(got.body) < 100


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_that_stops(lent: LentWorld, chunked: bool) -> None:
    head = b"HTTP/1.1 200 OK\r\n"
    data = head + (b"Transfer-Encoding: chunked\r\n\r\n5\r\nhe" if chunked else b"Content-Length: 5\r\n\r\nhe")
    with serve(Canned(data, "hold")) as server:
        got = lent.send(server.url, timeout=0.6)
    assert isinstance(got, TransportFailure)
    assert (got.phase, got.timed_out) == (Phase.CUT, True)


def test_a_deadline_that_has_passed(lent: LentWorld) -> None:
    with serve(answer(b"hi")) as server:
        failed = lent.fail(server.url, timeout=-1.0)
    assert (failed.phase, failed.timed_out) == (Phase.NOT_SENT, True)
    assert server.requests == []


def test_no_deadline(lent: LentWorld) -> None:
    with serve(answer(b"hi")) as server:
        assert lent.send(server.url, timeout=None).body == b"hi"


def test_nobody_listens(lent: LentWorld) -> None:
    with refusing_port() as url:
        failed = lent.fail(url)
    assert (failed.phase, failed.timed_out) == (Phase.NOT_SENT, False)
    assert failed.reason.startswith(f"could not connect to {url.removeprefix('http://')}: ")


@pytest.mark.parametrize("for_good", [False, True])
def test_a_connection_that_hangs(lent: LentWorld, for_good: bool) -> None:
    limits: dict[str, Any] = {"timeout": 0.3} if for_good else {"timeout": 5.0, "connecting": 0.2}
    with full_backlog() as url:
        failed = lent.fail(url, **limits)
    assert (failed.phase, failed.timed_out) == (Phase.NOT_SENT, for_good)


def test_a_name_that_does_not_exist(lent: LentWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    if _on_uvloop(lent):
        pytest.skip("uvloop resolves names by itself")
    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    failed = lent.fail("http://nowhere.invalid/x")
    assert failed.phase is Phase.NOT_SENT
    assert "Name or service not known" in failed.reason


def _on_uvloop(lent: LentWorld) -> bool:
    return not isinstance(lent, SyncLentWorld) and "uvloop" in type(lent.runner.get_loop()).__module__


@pytest.fixture
def tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(HERE / "localhost.pem")
    return context


def test_a_certificate_that_is_not_trusted(lent: LentWorld, tls: ssl.SSLContext) -> None:
    with serve(answer(b"hi"), tls=tls) as server:
        failed = lent.fail(server.url)
    assert (failed.phase, failed.final) == (Phase.NOT_SENT, True)
    assert "certificate verify failed: " in failed.reason
    assert failed.reason.endswith("; the session decides whom to trust")
    assert type(failed.cause) is ssl.SSLCertVerificationError


@pytest.mark.parametrize(
    "name", [pytest.param("requests", marks=pytest.mark.xfail(reason=HANDSHAKES.line, strict=True)), "httpx"]
)
def test_a_handshake_that_hangs(name: str) -> None:
    lent = lend(name)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        failed = lent.fail(f"https://127.0.0.1:{listener.getsockname()[1]}", timeout=0.3)
    lent.end()
    assert (failed.phase, failed.timed_out) == (Phase.NOT_SENT, True)
