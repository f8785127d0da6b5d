"""The sync transport alone: threads, life, and what it borrows from a session."""

from __future__ import annotations

import contextlib
import gc
import gzip
import io
import logging
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest
import requests
from proxies import tunnelling
from requests.adapters import BaseAdapter, HTTPAdapter
from scenes import full_backlog
from urllib3 import HTTPResponse
from urllib3.exceptions import ProtocolError, ReadTimeoutError
from urllib3.util import Retry
from wire import Answer, http, serve
from worlds import HEADERS, TOKEN, SyncWorld, make_request

from twirpkit.transports._connect import dial
from twirpkit.transports._http import MAX_ERROR
from twirpkit.transports.base import Phase, Transport, TransportFailure
from twirpkit.transports.sync_sockets import RequestsTransport

PEM = Path(__file__).with_name("localhost.pem")


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        yield session


@pytest.fixture
def tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(PEM)
    return context


def test_it_is_a_transport() -> None:
    transport: Transport = RequestsTransport()
    transport.close()


@pytest.mark.parametrize("wrong", ["session", 1, object(), requests, requests.Session, Path()])
def test_a_wrong_kind_of_session(wrong: Any) -> None:
    kind = f"{type(wrong).__module__}.{type(wrong).__qualname__}"
    with pytest.raises(TypeError, match=f"^session must be a requests.Session, not {kind}$"):
        RequestsTransport(wrong)


def test_it_does_not_load_asyncio_or_aiohttp() -> None:
    code = (
        "import sys, twirpkit.transports.sync_sockets; sys.exit(any(m in sys.modules for m in ('aiohttp', 'asyncio')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_close() -> None:
    with serve(http(b"hi"), http(b"hi")) as server:
        transport = RequestsTransport()
        transport.send(make_request(server.url))
        transport.close()
        assert server.gone.acquire(timeout=5), "the idle connection is closed"
        transport.close()
        with pytest.raises(RuntimeError, match=r"^this RequestsTransport is closed$"):
            transport.send(make_request(server.url))
        with pytest.raises(RuntimeError, match="closed"):
            transport.send(make_request(server.url, timeout=-1))
    assert len(server.requests) == 1


def test_close_before_any_use() -> None:
    transport = RequestsTransport()
    transport.close()
    with pytest.raises(RuntimeError, match="closed"):
        transport.send(make_request("http://127.0.0.1:1/"))


def test_close_while_a_request_runs() -> None:
    transport = RequestsTransport()
    got = []
    with serve(Answer(b"HTTP/1.1 200 OK\r\n", "keep", after=b"Content-Length: 2\r\n\r\nhi")) as server:
        thread = threading.Thread(target=lambda: got.append(transport.send(make_request(server.url))), daemon=True)
        thread.start()
        while not server.requests:
            time.sleep(0.001)
        transport.close()
        server.released.set()
        thread.join(5)
        assert [each.body for each in got] == [b"hi"]
        assert server.gone.acquire(timeout=5), "its connection is closed when it is done"


def test_dropped_it_closes_its_connections_without_a_word() -> None:
    with serve(http(b"hi")) as server:
        transport = RequestsTransport()
        transport.send(make_request(server.url))
        del transport
        gc.collect()
        assert server.gone.acquire(timeout=5)


def test_sixty_four_threads(caplog: pytest.LogCaptureFixture) -> None:
    """Each gets its own answer, no connection is thrown away, and nothing warns."""
    transport = RequestsTransport()
    start = threading.Barrier(64)
    again = threading.Barrier(64)
    failures: list[object] = []

    with serve(*[Answer(b"HTTP/1.1 200 OK\r\n", "keep", after=b"Content-Length: 2\r\n\r\nhi")] * 64 * 3) as server:

        def call() -> None:
            try:
                start.wait(10)
                for _ in range(3):
                    assert transport.send(make_request(server.url)).body == b"hi"
                    again.wait(10)
            except BaseException as error:
                failures.append(error)
                again.abort()

        threads = [threading.Thread(target=call, daemon=True) for _ in range(64)]
        with caplog.at_level(logging.WARNING):
            for thread in threads:
                thread.start()
            while len(server.requests) < 64 and not failures:
                time.sleep(0.001)
            server.released.set()
            for thread in threads:
                thread.join(20)
        transport.close()
    assert not failures
    assert server.connections == 64
    assert not caplog.records


def test_a_signal_leaves_no_half_read_connection() -> None:
    class Woken(BaseException):
        pass

    def wake(*_: object) -> None:
        raise Woken

    transport = RequestsTransport()
    before = signal.signal(signal.SIGALRM, wake)
    try:
        for answer in (Answer(b"", "hold"), Answer(http(b"hello")[:-2], "hold")):
            with serve(answer, http(b"next")) as server:
                signal.setitimer(signal.ITIMER_REAL, 0.05)
                with pytest.raises(Woken):
                    transport.send(make_request(server.url))
                assert server.gone.acquire(timeout=5)
                assert transport.send(make_request(server.url)).body == b"next"
                assert server.connections == 2
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        transport.close()


def test_failures_leak_no_descriptor() -> None:
    transport = RequestsTransport()
    answers = [Answer(b""), Answer(b"junk"), Answer(http(b"hello")[:-1]), http(b"fine"), Answer(http(b"x"), "reset")]
    with serve(*answers * 10) as server:
        for _ in range(len(answers)):
            _quietly(transport, server.url)
        gc.collect()
        before = len(os.listdir("/dev/fd"))
        for _ in range(len(answers) * 9):
            _quietly(transport, server.url)
        assert len(os.listdir("/dev/fd")) <= before + 2  # the server's ends live in this process too
    transport.close()


def _quietly(transport: RequestsTransport, url: str) -> None:
    try:
        transport.send(make_request(url))
    except TransportFailure:
        return


# The addresses of a name


def address(sock: socket.socket) -> Any:
    return (socket.AF_INET, socket.SOCK_STREAM, 0, "", sock.getsockname())


def test_the_next_address_is_tried() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening, socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        for deadline in (None, time.monotonic() + 5):
            got = dial([address(silent), address(silent), address(listening), address(silent)], deadline)
            assert got.sock.getpeername() == listening.getsockname()
            assert got.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            got.close()


def test_addresses_share_the_budget() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening, full_backlog() as url:
        hanging = (socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", int(url.rpartition(":")[2])))
        before = time.monotonic()
        got = dial([hanging, address(listening)], before + 0.3)
        assert got.sock.getpeername() == listening.getsockname()
        got.close()
        assert time.monotonic() - before > 0.14
        before = time.monotonic()
        with pytest.raises(TimeoutError):
            dial([hanging] * 3, before + 0.2)
        assert time.monotonic() - before > 0.19


def test_a_name_without_addresses() -> None:
    with pytest.raises(OSError, match=r"^the name has no address$"):
        dial([], None)


def test_the_last_addresses_failure_counts() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        with pytest.raises(ConnectionRefusedError):
            dial([address(silent)] * 2, None)
    with pytest.raises(OSError, match="no address"):
        dial([], None)


# TLS


def test_tls_of_the_session(session: requests.Session, tls: ssl.SSLContext) -> None:
    session.verify = str(PEM)
    with serve(http(b"one"), http(b"two"), tls=tls) as server:
        world = SyncWorld(session)
        assert world.send(server.url).body == b"one"
        assert world.send(server.url).body == b"two"
        world.end()
    assert server.connections == 1
    assert dict(server.requests[0].headers)["Host"] == f"127.0.0.1:{server.port}"


def test_tls_not_verified(session: requests.Session, tls: ssl.SSLContext) -> None:
    session.verify = False
    with serve(http(b"one"), tls=tls) as server:
        world = SyncWorld(session)
        assert world.send(server.url).body == b"one"
        world.end()


def test_the_sessions_settings_count_at_the_time_of_the_call(session: requests.Session, tls: ssl.SSLContext) -> None:
    with serve(http(b"one"), tls=tls) as server:
        world = SyncWorld(session)
        assert world.fail(server.url).phase is Phase.NOT_SENT
        session.verify = False
        assert world.send(server.url).body == b"one"
        session.verify = True
        assert world.fail(server.url).phase is Phase.NOT_SENT
        world.end()


def test_an_unknown_certificate(tls: ssl.SSLContext, session: requests.Session) -> None:
    for borrowed in (None, session):
        with serve(http(b"hi"), tls=tls) as server:
            world = SyncWorld(borrowed)
            failed = world.fail(server.url)
            world.end()
        assert failed.phase is Phase.NOT_SENT
        assert type(failed.cause) is ssl.SSLCertVerificationError
        assert "certificate verify failed" in failed.reason
        assert not server.requests


def test_the_systems_store_is_trusted(tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(PEM))
    with serve(http(b"one"), http(b"two"), tls=tls) as server:
        world = SyncWorld()
        assert world.send(server.url).body == b"one"
        assert world.send(server.url.replace("127.0.0.1", "localhost")).body == b"two"
        world.end()
    assert server.connections == 2


def test_a_certificate_for_another_name(tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(PEM))
    with serve(http(b"one"), tls=tls, host="127.0.0.2") as server:
        world = SyncWorld()
        failed = world.fail(f"https://127.0.0.2:{server.port}")
        world.end()
    assert failed.phase is Phase.NOT_SENT
    assert type(failed.cause) is ssl.SSLCertVerificationError


def test_a_client_certificate(session: requests.Session, tls: ssl.SSLContext) -> None:
    tls.verify_mode = ssl.CERT_REQUIRED
    tls.load_verify_locations(PEM)
    session.verify = str(PEM)
    with serve(http(b"hi"), http(b"hi"), tls=tls) as server:
        world = SyncWorld(session)
        world.fail(server.url)
        session.cert = str(PEM)
        assert world.send(server.url).body == b"hi"
        world.end()


def test_a_client_certificate_and_its_key_in_two_files(
    session: requests.Session, tls: ssl.SSLContext, tmp_path: Path
) -> None:
    both = PEM.read_text()
    start = both.index("-----BEGIN CERTIFICATE-----")
    (tmp_path / "key.pem").write_text(both[:start])
    (tmp_path / "cert.pem").write_text(both[start:])
    tls.verify_mode = ssl.CERT_REQUIRED
    tls.load_verify_locations(PEM)
    session.verify = str(PEM)
    session.cert = (str(tmp_path / "cert.pem"), str(tmp_path / "key.pem"))
    with serve(http(b"hi"), tls=tls) as server:
        world = SyncWorld(session)
        assert world.send(server.url).body == b"hi"
        world.end()


def test_a_folder_of_certificates_of_the_session(
    session: requests.Session, tls: ssl.SSLContext, tmp_path: Path
) -> None:
    (tmp_path / "53d9c5de.0").write_bytes(PEM.read_bytes())  # the hash of its subject, as `openssl rehash` names it
    session.verify = str(tmp_path)
    with serve(http(b"hi"), tls=tls) as server:
        world = SyncWorld(session)
        assert world.send(server.url).body == b"hi"
        world.end()


@pytest.mark.parametrize("borrowed", [False, True], ids=["own", "of the session"])
def test_http_1_is_asked_for(
    session: requests.Session, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch, borrowed: bool
) -> None:
    asked: list[Any] = []
    tls.set_alpn_protocols(["h2", "http/1.1"])
    tls.sni_callback = lambda talk, *_: asked.append(talk)
    monkeypatch.setenv("SSL_CERT_FILE", str(PEM))
    session.verify = str(PEM)
    with serve(http(b"one"), tls=tls) as server:
        world = SyncWorld(session if borrowed else None)
        assert world.send(server.url.replace("127.0.0.1", "localhost")).body == b"one"
        assert asked[0].selected_alpn_protocol() == "http/1.1"
        world.end()


def test_the_certificate_is_for_the_name_as_given(tls: ssl.SSLContext) -> None:
    with serve(http(b"hi"), tls=tls) as server, tunnelling(server.port) as proxy:
        world = SyncWorld(proxy=proxy.url(), tls=PEM)
        assert world.send("https://localhost./").body == b"hi", "its last dot is no part of a certificate's"
        assert "'X.example.X'" in world.fail("https://X.example.X/").reason
        world.end()


def test_a_ca_file_that_is_not_there(session: requests.Session) -> None:
    session.verify = "/no/such/file.pem"
    with pytest.raises(ValueError, match=r"verify.*file\.pem"):
        SyncWorld(session).send("https://127.0.0.1:1/")


def test_a_cut_tls_body(session: requests.Session, tls: ssl.SSLContext) -> None:
    session.verify = False
    with serve(Answer(http(b"hello")[:-1]), Answer(http(b"hello")[:-8]), tls=tls) as server:
        world = SyncWorld(session)
        assert world.send(server.url).body_error
        assert world.fail(server.url).phase is Phase.CUT
        world.end()


# What is not taken from a session


def test_nothing_of_the_session_goes_out(session: requests.Session) -> None:
    session.headers.update({"X-Own": "1", "Authorization": "theirs", "Accept": "*/*"})
    session.cookies.set("a", "b", domain="127.0.0.1", path="/")
    session.auth = ("user", "password")
    session.params = {"q": "1"}
    called: list[object] = []
    session.hooks["response"].append(lambda *a, **k: called.append(a))
    before = (dict(session.headers), dict(session.cookies), dict(session.adapters), dict(session.hooks))
    with serve(http(b"", "Set-Cookie: c=d; Path=/"), http(b"")) as server:
        world = SyncWorld(session)
        world.send(server.url)
        world.send(server.url)
        world.end()
    for request in server.requests:
        own = {"Host": f"127.0.0.1:{server.port}", "Content-Length": "3"}
        assert sorted(request.headers) == sorted({**HEADERS, **own}.items())
        assert request.line == "POST / HTTP/1.1"
    assert not called
    assert (dict(session.headers), dict(session.cookies), dict(session.adapters), dict(session.hooks)) == before


def test_the_session_is_not_closed(session: requests.Session) -> None:
    with serve(http(b"ours"), Answer(http(b"theirs"))) as server:
        world = SyncWorld(session)
        world.send(server.url)
        world.end()
        assert session.get(server.url).content == b"theirs"


def test_retries_of_a_stock_adapter_do_not_count(session: requests.Session) -> None:
    session.mount("http://", HTTPAdapter(max_retries=Retry(5, allowed_methods=None, status_forcelist=[503])))
    with serve(Answer(b""), http(b"", status="503 No"), http(b"again")) as server:
        world = SyncWorld(session)
        assert world.fail(server.url).phase is Phase.NO_ANSWER
        assert world.send(server.url).status == 503
        world.end()
    assert len(server.requests) == 2


def test_its_http_proxy(session: requests.Session) -> None:
    with serve(http(b"proxied"), http(b"proxied")) as proxy:
        session.proxies = {"http": f"http://user:pa%3Ass@127.0.0.1:{proxy.port}"}
        world = SyncWorld(session)
        assert world.send("http://name.invalid:81/x?y").body == b"proxied"
        assert world.send("http://name.invalid:81/x?y").body == b"proxied"
        session.proxies = {}
        assert world.fail("http://name.invalid:81/x").phase is Phase.NOT_SENT
        world.end()
    for request in proxy.requests:
        assert request.line == "POST http://name.invalid:81/x?y HTTP/1.1"
        assert dict(request.headers)["Host"] == "name.invalid:81"
        assert dict(request.headers)["Proxy-Authorization"].startswith("Basic ")
        assert dict(request.headers)["Authorization"] == TOKEN
    assert proxy.connections == 1


def test_its_https_proxy_tunnels(session: requests.Session, tls: ssl.SSLContext) -> None:
    session.verify = str(PEM)
    with serve(http(b"through"), http(b"again"), tls=tls) as server, socket.create_server(("127.0.0.1", 0)) as listener:
        asked: list[bytes] = []

        def tunnel() -> None:
            client, _ = listener.accept()
            asked.append(client.recv(65536))
            upstream = socket.create_connection(("127.0.0.1", server.port))
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            pumps = [
                threading.Thread(target=pump, args=ends, daemon=True)
                for ends in ((client, upstream), (upstream, client))
            ]
            for each in pumps:
                each.start()
            for each in pumps:
                each.join(5)
            client.close()
            upstream.close()

        def pump(source: socket.socket, sink: socket.socket) -> None:
            with contextlib.suppress(OSError):
                while data := source.recv(65536):
                    sink.sendall(data)
                sink.shutdown(socket.SHUT_WR)

        thread = threading.Thread(target=tunnel, daemon=True)
        thread.start()
        session.proxies = {"https": f"http://127.0.0.1:{listener.getsockname()[1]}"}
        world = SyncWorld(session)
        url = f"https://localhost:{server.port}/x"
        assert world.send(url).body == b"through"
        assert world.send(url).body == b"again"
        world.end()
        thread.join(5)
    assert asked[0].startswith(f"CONNECT localhost:{server.port} HTTP/1.".encode())
    assert TOKEN.encode() not in asked[0]
    assert server.requests[0].line == "POST /x HTTP/1.1"


def test_a_proxy_that_refuses(session: requests.Session) -> None:
    with serve(Answer(http(b"", status="407 Proxy Authentication Required"))) as proxy:
        session.proxies = {"https": f"http://user:secret@127.0.0.1:{proxy.port}"}
        world = SyncWorld(session)
        failed = world.fail("https://name.invalid/x")
        world.end()
    assert failed.phase is Phase.NOT_SENT
    assert "407" in failed.reason
    assert "secret" not in failed.reason


def test_a_socks_proxy(session: requests.Session) -> None:
    session.proxies = {"http": "socks5://127.0.0.1:1"}
    with pytest.raises(ValueError, match=r"^the proxy's URL must begin with http:// "):
        SyncWorld(session).send("http://127.0.0.1:1/")


# An adapter of the user's


class Mounted(HTTPAdapter):
    """A subclass: used as it is."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.sent: list[dict[str, Any]] = []

    def send(self, request: Any, **kwargs: Any) -> Any:
        self.sent.append({"request": request, **kwargs})
        return super().send(request, **kwargs)


@pytest.fixture
def mounted(session: requests.Session) -> Mounted:
    adapter = Mounted()
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return adapter


def test_a_mounted_adapter_is_used(session: requests.Session, mounted: Mounted) -> None:
    session.headers["X-Own"] = "1"
    session.auth = ("user", "password")
    session.verify = False
    with serve(http(b"hi"), http(b"", "Set-Cookie: a=b"), http(b"")) as server:
        world = SyncWorld(session)
        got = world.send(server.url + "/x//y?y=1")
        assert (got.status, got.body, got.body_error, got.headers) == (200, b"hi", None, {"content-length": "2"})
        world.send(server.url, body=b"")
        world.send(server.url, headers={}, method="GET", body=b"")
        world.end()
    assert server.connections == 1
    own = {"Host": f"127.0.0.1:{server.port}", "Content-Length": "3"}
    assert sorted(server.requests[0].headers) == sorted({**HEADERS, **own}.items())
    assert server.requests[0].line == "POST /x//y?y=1 HTTP/1.1"
    assert dict(server.requests[1].headers)["Content-Length"] == "0"
    assert {name for name, _ in server.requests[2].headers} == {"Host"}
    assert len(mounted.sent) == 3
    assert (mounted.sent[0]["verify"], mounted.sent[0]["cert"], mounted.sent[0]["stream"]) == (False, None, True)
    assert 4 < mounted.sent[0]["timeout"] <= 5


def test_a_mounted_adapter_only_where_it_is_mounted(session: requests.Session) -> None:
    adapter = Mounted()
    with serve(http(b"a"), http(b"b")) as server:
        session.mount(server.url + "/special", adapter)
        world = SyncWorld(session)
        assert world.send(server.url + "/plain").body == b"a"
        assert not adapter.sent
        assert world.send(server.url + "/special/x").body == b"b"
        assert len(adapter.sent) == 1
        world.end()


def on_status(status: int, times: int = 2, allowed_methods: Any = None) -> Retry:
    """Tries again for that alone."""
    return Retry(
        total=None,
        connect=0,
        read=0,
        other=0,
        redirect=0,
        status=times,
        status_forcelist=[status],
        allowed_methods=allowed_methods,
    )


REFUSED = {
    "a number": 3,
    "one": 1,
    "total": Retry(3),
    "any method": Retry(3, allowed_methods=None),
    "POST": Retry(1, allowed_methods={"POST"}),
    "read": Retry(total=None, read=1, other=0, connect=0, allowed_methods=None),
    "POST, read": Retry(total=None, read=1, other=0, connect=0, allowed_methods={"POST"}),
    "status": on_status(503),
    "POST, status": on_status(503, allowed_methods={"POST"}),
    "the first status": on_status(200),
    "the last status": on_status(599),
    "Retry-After": Retry(total=2, read=False, other=0, allowed_methods=None),
    "other": Retry(total=None, connect=0, read=0, other=2),
}
ALLOWED = {
    "none": 0,
    "the default": Retry(0, read=False),
    "False": Retry(False),
    "connect": Retry(total=None, connect=3, read=0, other=0, status=0),
    "status, not once": on_status(503, times=0),
    "status, not POST": on_status(503, allowed_methods={"GET"}),
    "connect, not the methods": Retry(3, read=False, other=0, allowed_methods={"GET"}, status_forcelist=[503]),
}


TWICE = "^the session's {} may send a request twice: make it with max_retries=0, and leave retries to the client$"


@pytest.mark.parametrize("name", REFUSED)
def test_an_adapter_that_may_send_twice_is_refused(session: requests.Session, name: str) -> None:
    session.mount("http://", Mounted(max_retries=REFUSED[name]))
    with serve(http(b"hi")) as server:
        with pytest.raises(ValueError, match=TWICE.format("Mounted")):
            SyncWorld(session).send(server.url)
    assert server.connections == 0


@pytest.mark.parametrize("name", ALLOWED)
def test_an_adapter_that_sends_once_is_used(session: requests.Session, name: str) -> None:
    session.mount("http://", Mounted(max_retries=ALLOWED[name]))
    with serve(http(b"hi"), Answer(b""), http(b"again")) as server:
        world = SyncWorld(session)
        assert world.send(server.url).body == b"hi"
        assert world.fail(server.url).phase is Phase.NO_ANSWER
    assert len(server.requests) == 2


class Invented(BaseAdapter):
    """No HTTPAdapter at all: makes answers up, as test doubles do."""

    def __init__(self, answer: bytes | Exception, status: int = 200, **headers: str) -> None:
        super().__init__()
        self.answer = answer
        self.status = status
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        self.seen: list[requests.PreparedRequest] = []
        self.options: dict[str, Any] = {}

    def send(self, request: Any, **kwargs: Any) -> Any:
        self.seen.append(request)
        self.options = kwargs
        if isinstance(self.answer, Exception):
            raise self.answer
        response = requests.Response()
        response.status_code = self.status
        response.raw = HTTPResponse(
            io.BytesIO(self.answer),
            headers=self.headers,
            status=self.status,
            preload_content=False,
            enforce_content_length=False,
        )
        return response

    def close(self) -> None:
        pass


def test_an_adapter_that_keeps_a_number_of_retries(session: requests.Session) -> None:
    """As HTTPAdapter does not, which makes a Retry of it."""
    adapter: Any = Invented(b"made up", Content_Length="7")
    session.mount("http://", adapter)
    adapter.max_retries = 1
    with pytest.raises(ValueError, match=TWICE.format("Invented")):
        SyncWorld(session).send("http://name.invalid/x")
    adapter.max_retries = 0
    assert SyncWorld(session).send("http://name.invalid/x").body == b"made up"


def test_an_adapter_that_makes_answers_up(session: requests.Session) -> None:
    adapter = Invented(b"made up", Content_Length="7")
    session.mount("http://", adapter)
    got = SyncWorld(session).send("http://name.invalid/x", headers={"X": "y"})
    assert (got.body, got.body_error, got.headers) == (b"made up", None, {"content-length": "7"})
    assert dict(adapter.seen[0].headers) == {"Host": "name.invalid", "X": "y", "Content-Length": "3"}
    assert (adapter.seen[0].method, adapter.seen[0].url, adapter.seen[0].body) == (
        "POST",
        "http://name.invalid/x",
        b"ask",
    )


@pytest.mark.parametrize(
    ("headers", "flaw"),
    [
        ({}, "the answer has neither a Content-Length nor a chunked body"),
        ({"Content_Length": "8"}, "the answer's body has another length than its Content-Length"),
        ({"Content_Length": "6"}, "the answer's body has another length than its Content-Length"),
    ],
)
def test_a_made_up_answer_needs_its_length_too(session: requests.Session, headers: dict[str, str], flaw: str) -> None:
    session.mount("http://", Invented(b"made up", 500, X="y", **headers))
    got = SyncWorld(session).send("http://name.invalid/x")
    assert (got.status, got.body, got.body_error) == (500, b"made up", flaw)
    assert got.headers == {"x": "y", **{name.replace("_", "-").lower(): value for name, value in headers.items()}}


def test_what_an_adapter_is_given(session: requests.Session) -> None:
    adapter = Invented(b"", Content_Length="0")
    session.mount("http://", adapter)
    session.cert = ("cert.pem", "key.pem")
    session.proxies = {"https": "http://127.0.0.1:1"}
    for verify, expected in ((True, True), (False, False), ("ca.pem", "ca.pem"), (None, True)):
        session.verify = verify
        SyncWorld(session).send("http://name.invalid/x", timeout=None)
        assert adapter.options == {
            "stream": True,
            "timeout": None,
            "verify": expected,
            "cert": ("cert.pem", "key.pem"),
            "proxies": {"https": "http://127.0.0.1:1"},
        }
    assert adapter.options["proxies"] is not session.proxies


def test_what_an_adapter_is_given_of_time(session: requests.Session) -> None:
    adapter = Invented(b"", Content_Length="0")
    session.mount("http://", adapter)
    for timeout, connecting, most in ((5.0, 1.0, (1.0, 5.0)), (1.0, 5.0, (1.0, 1.0)), (None, 1.0, (1.0, None))):
        SyncWorld(session).send("http://name.invalid/x", timeout=timeout, connecting=connecting)
        for given, bound in zip(adapter.options["timeout"], most, strict=True):
            assert given == bound or bound - 0.5 < given < bound
    SyncWorld(session).send("http://name.invalid/x", connecting=-1.0)
    assert adapter.options["timeout"][0] == 0.001, "requests refuses 0; a kept connection needs no time"


def test_what_an_adapter_is_given_of_the_environment(
    session: requests.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    adapter = Invented(b"", Content_Length="0")
    session.mount("http://", adapter)
    monkeypatch.setenv("http_proxy", "socks5://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)

    def given(url: str = "http://name.invalid/x") -> dict[str, str]:
        SyncWorld(session).send(url)
        proxies: dict[str, str] = adapter.options["proxies"]
        return proxies

    assert given() == {"http": "socks5://127.0.0.1:1"}
    assert given("http://127.0.0.1/x") == {}
    session.proxies = {"http": "http://own"}
    assert given() == {"http": "http://own"}
    session.proxies = {}
    session.trust_env = False
    assert given() == {}


def test_a_made_up_answer_longer_than_one_piece(session: requests.Session) -> None:
    session.mount("http://", Invented(bytes(200_000), Content_Length="200000"))
    got = SyncWorld(session).send("http://name.invalid/x")
    assert (got.body, got.body_error) == (bytes(200_000), None)


def test_a_made_up_answer_is_decoded_once(session: requests.Session) -> None:
    data = gzip.compress(b"made up")
    session.mount("http://", Invented(data, Content_Length=str(len(data)), Content_Encoding="gzip"))
    got = SyncWorld(session).send("http://name.invalid/x")
    assert (got.body, got.body_error) == (b"made up", None)


def test_a_made_up_answer_without_a_body(session: requests.Session) -> None:
    session.mount("http://", Invented(b"", 204))
    assert SyncWorld(session).send("http://name.invalid/x").body_error is None
    session.mount("http://", Invented(b"", Content_Length="5"))
    assert SyncWorld(session).send("http://name.invalid/x", method="HEAD").body_error is None


@pytest.mark.parametrize("status", [100, 102, 103, 199])
def test_a_made_up_interim_answer(session: requests.Session, status: int) -> None:
    session.mount("http://", Invented(b"", status, Content_Length="0"))
    failed = SyncWorld(session).fail("http://name.invalid/x")
    assert (failed.phase, failed.reason) == (
        Phase.CUT,
        "the session's adapter took an interim answer for the answer",
    )


def test_a_made_up_101(session: requests.Session) -> None:
    session.mount("http://", Invented(b"", 101))
    got = SyncWorld(session).send("http://name.invalid/x")
    assert (got.status, got.body_error) == (101, None)


def test_a_made_up_answer_that_is_too_large(session: requests.Session) -> None:
    session.mount("http://", Invented(bytes(11), Content_Length="11"))
    got = SyncWorld(session).send("http://name.invalid/x", max_body=10)
    assert (got.body, got.body_error, got.oversized) == (b"", "the answer's body is larger than 10 bytes", True)
    session.mount("http://", Invented(bytes(11), 500, Content_Length="11"))
    got = SyncWorld(session).send("http://name.invalid/x", max_body=10)
    assert (got.body, got.body_error, got.oversized) == (bytes(10), "the answer's body is larger than 10 bytes", True)
    session.mount("http://", Invented(b"", Content_Length="11"))
    got = SyncWorld(session).send("http://name.invalid/x", max_body=10)
    assert (got.body_error, got.oversized) == ("the answer's body is larger than 10 bytes", True), "its length tells"


@pytest.mark.parametrize(("status", "whole"), [(200, True), (500, False)])
def test_a_made_up_error_may_have_a_mebibyte(session: requests.Session, status: int, whole: bool) -> None:
    session.mount("http://", Invented(bytes(MAX_ERROR + 1), status, Content_Length=str(MAX_ERROR + 1)))
    got = SyncWorld(session).send("http://name.invalid/x")
    assert (len(got.body), got.oversized) == (MAX_ERROR + 1 if whole else MAX_ERROR, not whole)


def test_a_made_up_header_that_is_none(session: requests.Session) -> None:
    session.mount("http://", Invented(b"", Content_Length="+0"))
    failed = SyncWorld(session).fail("http://name.invalid/x")
    assert (failed.phase, failed.reason) == (Phase.CUT, "the answer's Content-Length is not one number")


def test_a_made_up_header_that_http_could_not_carry(session: requests.Session) -> None:
    session.mount("http://", Invented(b"", Content_Length="0", X="1 \u20ac"))
    assert SyncWorld(session).send("http://name.invalid/x").headers["x"] == "1 ?"


class Plain(io.BytesIO):
    """A body that is not urllib3's: no headers of its own, and it ends as the test says."""

    def __init__(self, data: bytes, ending: Exception | None) -> None:
        super().__init__(data)
        self.ending = ending

    def read1(self, size: int | None = -1, /, *, decode_content: bool = True) -> bytes:
        data = super().read1(-1 if size is None else size)
        if not data and self.ending is not None:
            raise self.ending
        return data


class Odd(BaseAdapter):
    """Its answers hold no urllib3 response."""

    def __init__(self, status: int, ending: Exception | None = None) -> None:
        super().__init__()
        self.status = status
        self.ending = ending

    def send(self, *args: Any, **kwargs: Any) -> Any:
        response = requests.Response()
        response.status_code = self.status
        response.headers.update({"Content-Length": "4", "X": "y"})
        response.raw = Plain(b"body", self.ending)
        return response

    def close(self) -> None:
        pass


@pytest.mark.parametrize(
    ("ending", "flaw"),
    [
        (None, None),
        (TimeoutError(), "the answer was cut inside its body"),
        (ReadTimeoutError(None, "/", "late"), "the answer was cut inside its body"),  # type: ignore[arg-type]
        (ProtocolError("cut"), "the answer was cut inside its body"),
        (ConnectionResetError(), "the answer was cut inside its body"),
        (HTTPException(), "the answer was cut inside its body"),
    ],
)
def test_an_odd_answer(session: requests.Session, ending: Exception | None, flaw: str | None) -> None:
    session.mount("http://", Odd(500, ending))
    got = SyncWorld(session).send("http://name.invalid/x")
    assert (got.status, got.body, got.body_error) == (500, b"body", flaw)
    assert got.headers == {"content-length": "4", "x": "y"}
    session.mount("http://", Odd(200, ending))
    assert SyncWorld(session).send("http://name.invalid/x").body_error == flaw


class Slow(Invented):
    """Fails when the time is over."""

    def send(self, request: Any, **kwargs: Any) -> Any:
        time.sleep(kwargs["timeout"])
        return super().send(request, **kwargs)


@pytest.mark.parametrize(
    ("error", "phase"),
    [
        (requests.ConnectionError("x"), Phase.NO_ANSWER),
        (requests.ReadTimeout("x"), Phase.NO_ANSWER),
        (requests.ConnectTimeout("x"), Phase.NOT_SENT),
    ],
)
def test_an_adapter_that_fails_late(session: requests.Session, error: Exception, phase: Phase) -> None:
    session.mount("http://", Slow(error))
    failed = SyncWorld(session).fail("http://name.invalid/x", timeout=0.02)
    assert (failed.phase, failed.timed_out) == (phase, True)


@pytest.mark.parametrize(
    ("error", "phase"),
    [
        (requests.ConnectTimeout("x"), Phase.NOT_SENT),
        (requests.ReadTimeout("x"), Phase.NO_ANSWER),
        (requests.ConnectionError("x"), Phase.NO_ANSWER),
        (requests.exceptions.SSLError("x"), Phase.NO_ANSWER),
        (ConnectionResetError("x"), Phase.NO_ANSWER),
        (TimeoutError("x"), Phase.NO_ANSWER),
        (OSError(), Phase.NO_ANSWER),
    ],
)
def test_an_adapter_that_fails(session: requests.Session, error: Exception, phase: Phase) -> None:
    """A timeout of its own that fires before the deadline is not the deadline."""
    session.mount("http://", Invented(error))
    failed = SyncWorld(session).fail("http://name.invalid/x")
    assert (failed.phase, failed.timed_out) == (phase, False)
    assert failed.cause is None
    assert failed.reason == f"the session's adapter failed: {type(error).__name__}"


def test_a_bug_in_an_adapter_is_not_hidden(session: requests.Session) -> None:
    session.mount("http://", Invented(ZeroDivisionError("bug")))
    with pytest.raises(ZeroDivisionError, match="bug"):
        SyncWorld(session).send("http://name.invalid/x")


def test_a_refused_connection_of_an_adapter(session: requests.Session, mounted: Mounted) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        failed = SyncWorld(session).fail(f"http://127.0.0.1:{held.getsockname()[1]}")
    assert (failed.phase, failed.timed_out) == (Phase.NOT_SENT, False)


MOUNTED = {
    "whole": (http(b"hello"), b"hello", None),
    "chunks": (http(b"5\r\nhello\r\n0\r\n\r\n", "Transfer-Encoding: chunked", length=False), b"hello", None),
    "cut": (http(b"hello")[:-1], b"hell", "cut"),
    "cut chunks": (http(b"9\r\nhello", "Transfer-Encoding: chunked", length=False), None, "cut"),
    "neither": (http(b"hello", length=False), b"hello", "Content-Length"),
    "br": (http(b"hello", "Content-Encoding: br"), b"", "br"),
}


@pytest.mark.parametrize("name", MOUNTED)
def test_framing_by_a_mounted_adapter(session: requests.Session, mounted: Mounted, name: str) -> None:
    data, body, flaw = MOUNTED[name]
    with serve(Answer(data)) as server:
        got = SyncWorld(session).send(server.url)
    assert body is None or got.body == body
    assert (flaw or "") in (got.body_error or "")
    assert bool(flaw) == bool(got.body_error)


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhi",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nhi",
    ],
)
def test_two_readings_by_a_mounted_adapter(session: requests.Session, mounted: Mounted, data: bytes) -> None:
    with serve(Answer(data)) as server:
        assert SyncWorld(session).fail(server.url).phase is not Phase.NOT_SENT


@pytest.mark.parametrize("status", [200, 500])
def test_the_deadline_of_a_mounted_adapter(session: requests.Session, mounted: Mounted, status: int) -> None:
    for data, drip in ((b"Content-Length: 9\r\n\r\nhi", 0.0), (b"Content-Length: 800\r\n\r\n" + b"hi" * 400, 0.01)):
        start = f"HTTP/1.1 {status} X\r\n".encode() + data
        answer = Answer(start, "hold", drip=drip, drip_from=start.index(b"\r\n\r\n") + 4, hold=2.0)
        with serve(answer) as server:
            if status == 200:
                failed = SyncWorld(session).fail(server.url, timeout=0.2)
                assert (failed.phase, failed.timed_out) == (Phase.CUT, True)
            else:
                got = SyncWorld(session).send(server.url, timeout=0.2)
                assert "deadline" in (got.body_error or "")


# The listed limits of a mounted adapter: each must be as docs/sessions.md says, or leave the list


def test_limit_a_cut_header_passes_for_a_whole_one(session: requests.Session, mounted: Mounted) -> None:
    with serve(Answer(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX")) as server:
        assert SyncWorld(session).send(server.url).body_error is None


def test_limit_a_cut_trailer_passes(session: requests.Session, mounted: Mounted) -> None:
    data = http(b"2\r\nhi\r\n0\r\n", "Transfer-Encoding: chunked", length=False)
    with serve(Answer(data)) as server:
        assert SyncWorld(session).send(server.url).body_error is None


def test_limit_a_dripping_header_stretches_the_deadline(session: requests.Session, mounted: Mounted) -> None:
    with serve(Answer(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 30 + b"\r\nContent-Length: 0\r\n\r\n", drip=0.01)) as server:
        before = time.monotonic()
        assert SyncWorld(session).send(server.url, timeout=0.2).body_error is None
        assert time.monotonic() - before > 0.3


def test_limit_an_interim_answer_ends_the_call(session: requests.Session, mounted: Mounted) -> None:
    with serve(Answer(b"HTTP/1.1 103 Early\r\n\r\n" + http(b"hi"))) as server:
        try:
            assert SyncWorld(session).send(server.url).body == b"hi"
        except TransportFailure as failed:
            assert failed.phase is Phase.CUT
            assert "interim" in failed.reason


def test_limit_three_hundred_header_lines_are_refused(session: requests.Session, mounted: Mounted) -> None:
    with serve(Answer(http(b"hi", *[f"X-{number}: y" for number in range(300)]))) as server:
        assert SyncWorld(session).fail(server.url).phase is Phase.NO_ANSWER
