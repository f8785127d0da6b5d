"""``tls=``: who vouches for the server (rule E2)."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from wire import http, serve
from worlds import WORLDS, World

from twirpkit.transports import async_transport, sync_transport
from twirpkit.transports.async_sockets import AsyncSocketTransport
from twirpkit.transports.base import Phase
from twirpkit.transports.sync_sockets import SocketTransport

PEM = Path(__file__).with_name("localhost.pem")
KINDS = [SocketTransport, AsyncSocketTransport]


@pytest.fixture(params=WORLDS)
def make(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Makes worlds of one kind, and ends them."""
    made: list[World] = []

    def make(*args: Any, **options: Any) -> World:
        made.append(WORLDS[request.param](*args, **options))
        return made[-1]

    yield make
    for world in made:
        world.end()


@pytest.fixture
def server_tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(PEM)
    context.set_alpn_protocols(["h2", "http/1.1"])
    return context


@pytest.mark.parametrize("as_text", [False, True])
def test_a_file(make: Any, server_tls: ssl.SSLContext, as_text: bool) -> None:
    with serve(http(b"one"), http(b"two"), tls=server_tls) as server:
        world = make(tls=str(PEM) if as_text else PEM)
        assert world.send(server.url).body == b"one"
        assert world.send(server.url.replace("127.0.0.1", "localhost")).body == b"two"


def test_the_name_is_checked(make: Any, server_tls: ssl.SSLContext) -> None:
    with serve(http(b"one"), tls=server_tls, host="127.0.0.2") as server:
        failed = make(tls=PEM).fail(f"https://127.0.0.2:{server.port}")
    assert failed.phase is Phase.NOT_SENT
    assert "certificate verify failed" in failed.reason
    assert "127.0.0.2" in failed.reason


def test_a_server_without_tls_is_told_from_one_with_another(make: Any) -> None:
    def refuse(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=refuse, args=(listener,), daemon=True)
        thread.start()
        failed = make(tls=PEM).fail(f"https://127.0.0.1:{listener.getsockname()[1]}")
        thread.join(5)
    assert failed.phase is Phase.NOT_SENT
    assert failed.reason.endswith(" (does it speak http, without TLS?)")


def test_a_folder(make: Any, server_tls: ssl.SSLContext, tmp_path: Path) -> None:
    (tmp_path / "53d9c5de.0").write_bytes(PEM.read_bytes())  # the hash of its subject, as `openssl rehash` names it
    with serve(http(b"one"), tls=server_tls) as server:
        assert make(tls=tmp_path).send(server.url).body == b"one"


def test_a_context(make: Any, server_tls: ssl.SSLContext) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with serve(http(b"one"), tls=server_tls, host="127.0.0.2") as server:
        assert make(tls=context).send(f"https://127.0.0.2:{server.port}").body == b"one"
    assert (context.check_hostname, context.verify_mode) == (False, ssl.CERT_NONE)


def test_a_certificate_of_the_clients(make: Any, server_tls: ssl.SSLContext) -> None:
    server_tls.verify_mode = ssl.CERT_REQUIRED
    server_tls.load_verify_locations(PEM)
    context = ssl.create_default_context(cafile=PEM)
    context.load_cert_chain(PEM)
    with serve(http(b"one"), tls=server_tls) as server:
        assert make(tls=context).send(server.url).body == b"one"


def test_others_do_not_vouch(make: Any, server_tls: ssl.SSLContext, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(PEM))
    with serve(http(b"one"), tls=server_tls) as server:
        assert make(tls=tmp_path).fail(server.url).phase is Phase.NOT_SENT


def test_http_1_is_asked_for(make: Any) -> None:
    """A server that speaks HTTP/2 too would choose it."""
    asked: list[Any] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(PEM)
    context.set_alpn_protocols(["h2", "http/1.1"])

    def note(tls: ssl.SSLObject | ssl.SSLSocket, *_: object) -> None:
        asked.append(tls)

    context.sni_callback = note
    with serve(http(b"one"), tls=context) as server:
        assert make(tls=PEM).send(server.url.replace("127.0.0.1", "localhost")).body == b"one"
        assert asked[0].selected_alpn_protocol() == "http/1.1"


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_tls(kind: Any, tmp_path: Path) -> None:
    missing = tmp_path / "no-such.pem"
    with pytest.raises(ValueError, match=r"^tls: there is no file or folder '.*no-such\.pem'$"):
        kind(tls=missing)
    junk = tmp_path / "junk.pem"
    junk.write_text("junk")
    unreadable = r"^tls: '.*junk\.pem' cannot be read as CA certificates: .*no certificate or crl found"
    with pytest.raises(ValueError, match=unreadable) as caught:
        kind(tls=str(junk))
    assert caught.value.__context__ is None
    wanted = r"^tls must be a context for clients: ssl\.create_default_context\(\) makes one$"
    with pytest.raises(ValueError, match=wanted):
        kind(tls=ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
    for wrong in (True, 1, b"ca.pem", ssl.SSLContext):
        with pytest.raises(TypeError, match=f"^tls must be .*, not {type(wrong).__name__}$"):
            kind(tls=wrong)


@pytest.mark.parametrize("make", [sync_transport, async_transport])
def test_they_are_handed_on(make: Any) -> None:
    with pytest.raises(ValueError, match="no file or folder"):
        make(object(), None, tls="/no/such/file")
    with pytest.raises(ValueError, match="must begin with http://"):
        make(object(), None, proxy="socks5://x")


@pytest.mark.parametrize("make", [sync_transport, async_transport])
@pytest.mark.parametrize("options", [{"proxy": "http://p"}, {"proxy": False}, {"tls": PEM}])
def test_beside_a_transport_they_are_refused(make: Any, options: Any) -> None:
    given: Any = object()
    with pytest.raises(ValueError, match=r"^with transport=…, proxy and tls are the transport's own matter"):
        make(object(), None, given, **options)
    assert make(object(), None, given) is given
