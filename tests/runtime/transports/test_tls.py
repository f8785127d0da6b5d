"""``tls=``: who vouches for the server (rule E2)."""

from __future__ import annotations

import contextlib
import errno
import re
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from byte_server import http, serve
from tunnels import tunnelling
from worlds import WORLDS, World

from twirpkit.errors import InsecureTransportWarning
from twirpkit.transports import async_transport, sync_transport
from twirpkit.transports._net import tls
from twirpkit.transports.async_sockets import AsyncSocketTransport
from twirpkit.transports.base import Phase
from twirpkit.transports.sync_sockets import SocketTransport

PEM = Path(__file__).with_name("localhost.pem")
KINDS = [SocketTransport, AsyncSocketTransport]


@pytest.fixture(params=WORLDS)
def make(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Makes worlds of one kind, and ends them."""
    made: list[World] = []

    def make(**options: Any) -> World:
        made.append(WORLDS[request.param](**options))
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
    wanted = r"^tls= is a context that does not verify the server's certificate: .* tls=\"ca\.pem\"$"
    with serve(http(b"one"), tls=server_tls, host="127.0.0.2") as server:
        with pytest.warns(InsecureTransportWarning, match=wanted):
            world = make(tls=context)
        assert world.send(f"https://127.0.0.2:{server.port}").body == b"one"
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

    def note(talk: ssl.SSLObject | ssl.SSLSocket, *_: object) -> None:
        asked.append(talk)

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


# Failures that would come again, each with what to do (rule C9)


EXPIRED = Path(__file__).with_name("expired.pem")
CA_GIVEN = 'if you trust this server, give its CA as tls="ca.pem" or in SSL_CERT_FILE'


def context_of(pem: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


def test_a_certificate_that_nobody_vouches_for(make: Any, server_tls: ssl.SSLContext) -> None:
    with serve(http(b"hi"), tls=server_tls) as server:
        failed = make(tls=EXPIRED).fail(server.url)
    assert not server.requests
    assert (failed.phase, failed.final, type(failed.cause)) == (Phase.NOT_SENT, True, ssl.SSLCertVerificationError)
    assert failed.cause.__context__ is None
    assert re.fullmatch(
        rf"could not connect to 127\.0\.0\.1:{server.port}: certificate verify failed: self[- ]signed certificate; "
        rf"{re.escape(CA_GIVEN)}",
        failed.reason,
    )


def test_an_expired_certificate(make: Any) -> None:
    with serve(http(b"hi"), tls=context_of(EXPIRED)) as server:
        failed = make(tls=EXPIRED).fail(server.url)
    assert (failed.phase, failed.final) == (Phase.NOT_SENT, True)
    assert failed.reason == (
        f"could not connect to 127.0.0.1:{server.port}: certificate verify failed: certificate has expired "
        "(by the clock of this machine)"
    )


@pytest.mark.parametrize(("host", "said"), [("127.0.0.2", "IP address"), ("ip6-localhost", "Hostname")])
def test_a_certificate_for_another_name(
    make: Any, server_tls: ssl.SSLContext, host: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda _, *rest, **options: real("127.0.0.2", *rest, **options))
    with serve(http(b"one"), tls=server_tls, host="127.0.0.2") as server:
        failed = make(tls=PEM).fail(f"https://{host}:{server.port}")
    assert (failed.phase, failed.final) == (Phase.NOT_SENT, True)
    assert failed.reason == (
        f"could not connect to {host}:{server.port}: certificate verify failed: {said} mismatch, "
        f"certificate is not valid for '{host}'"
    )


def test_no_version_of_tls_in_common(make: Any, server_tls: ssl.SSLContext) -> None:
    server_tls.maximum_version = ssl.TLSVersion.TLSv1_2
    context = ssl.create_default_context(cafile=PEM)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    with serve(http(b"one"), tls=server_tls) as server:
        failed = make(tls=context).fail(server.url)
    assert (failed.phase, failed.final) == (Phase.NOT_SENT, True)
    assert failed.reason == (
        f"could not connect to 127.0.0.1:{server.port}: the server and this client have no TLS version in common; "
        "tls= takes an ssl.SSLContext that allows others"
    )


WANTS = {
    ssl.TLSVersion.TLSv1_2: (
        "the server refuses the TLS handshake; it may want a client certificate, or other ciphers; "
        "tls= takes an ssl.SSLContext with one: load_cert_chain()"
    ),
    ssl.TLSVersion.TLSv1_3: (
        "the server wants a client certificate; tls= takes an ssl.SSLContext with one: load_cert_chain()"
    ),
}


@pytest.mark.parametrize("size", [3, 1_000_000])
@pytest.mark.parametrize("version", WANTS)
def test_a_server_that_wants_a_client_certificate(
    make: Any, server_tls: ssl.SSLContext, version: ssl.TLSVersion, size: int
) -> None:
    """Under TLS 1.3 it says so after the client's handshake is done: with the first bytes that the client reads."""
    server_tls.verify_mode = ssl.CERT_REQUIRED
    server_tls.load_verify_locations(PEM)
    server_tls.minimum_version = server_tls.maximum_version = version
    with serve(http(b"one"), tls=server_tls) as server:
        failed = make(tls=PEM).fail(server.url, body=bytes(size))
    assert not server.requests
    assert failed.reason == f"could not connect to 127.0.0.1:{server.port}: {WANTS[version]}"
    assert (failed.phase, failed.final, failed.timed_out) == (Phase.NOT_SENT, True, False)
    assert type(failed.cause) is ssl.SSLError


def test_a_server_that_refuses_the_client_certificate(make: Any, server_tls: ssl.SSLContext) -> None:
    server_tls.verify_mode = ssl.CERT_REQUIRED
    server_tls.load_verify_locations(PEM)
    context = ssl.create_default_context(cafile=PEM)
    context.load_cert_chain(EXPIRED)
    with serve(http(b"one"), tls=server_tls) as server:
        failed = make(tls=context).fail(server.url)
    assert (failed.phase, failed.final) == (Phase.NOT_SENT, True)
    assert ": the server refuses the client certificate: " in failed.reason


def test_an_alert_after_a_response_is_not_one_of_the_handshake(make: Any) -> None:
    """Then the request may have run."""
    alert = b"\x15\x03\x03\x00\x13" + bytes(19)  # a record that nothing decrypts
    with _scripted_tls(http(b"one"), alert) as url:
        world = make(tls=PEM)
        assert world.send(url).body == b"one"
        failed = world.fail(url)
    assert failed.phase in (Phase.STALE, Phase.NO_ANSWER)
    assert not failed.final


def test_a_client_certificate_that_is_wanted_later(make: Any, server_tls: ssl.SSLContext) -> None:
    """A server may ask for one after the handshake (TLS 1.3): on a kept connection the request may have run."""
    server_tls.verify_mode = ssl.CERT_REQUIRED
    server_tls.load_verify_locations(PEM)
    server_tls.post_handshake_auth = True
    context = ssl.create_default_context(cafile=PEM)
    context.post_handshake_auth = True
    refused: list[ssl.SSLError] = []

    def read_request(connection: ssl.SSLSocket) -> None:
        while b"ask" not in connection.recv(65536):
            pass

    def talk(listener: socket.socket) -> None:
        raw, _ = listener.accept()
        with server_tls.wrap_socket(raw, server_side=True) as connection:
            read_request(connection)
            connection.sendall(http(b"one"))
            read_request(connection)
            connection.verify_client_post_handshake()
            connection.do_handshake()
            try:
                connection.recv(65536)
            except ssl.SSLError as error:
                refused.append(error)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=talk, args=(listener,), daemon=True)
        thread.start()
        world = make(tls=context)
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        assert world.send(url).body == b"one"
        failed = world.fail(url)
        thread.join(5)
    assert [error.reason for error in refused] == ["PEER_DID_NOT_RETURN_A_CERTIFICATE"]
    assert (failed.phase, failed.final, failed.timed_out) == (Phase.STALE, False, False)


def test_a_handshake_that_is_cut(make: Any) -> None:
    def hang_up(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        connection.recv(65536)
        connection.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=hang_up, args=(listener,), daemon=True)
        thread.start()
        failed = make(tls=PEM).fail(f"https://127.0.0.1:{listener.getsockname()[1]}")
        thread.join(5)
    assert (failed.phase, failed.final) == (Phase.NOT_SENT, False)
    assert "the connection was closed" in failed.reason


@pytest.mark.parametrize("host", [".", ".a"])
def test_a_name_that_no_certificate_can_have(make: Any, host: str) -> None:
    with serve(http(b"one")) as server, tunnelling(server.port) as proxy:
        failed = make(tls=PEM, proxy=proxy.url()).fail(f"https://{host}/")
    assert failed.phase is Phase.NOT_SENT
    assert failed.reason.endswith(": no certificate can be for this name")


# The system's store


@pytest.fixture
def no_contexts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget what the process has read."""
    monkeypatch.setattr(tls, "_contexts", {})


def test_the_systems_store_is_trusted(
    make: Any, server_tls: ssl.SSLContext, no_contexts: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(PEM))
    talks: list[Any] = []
    server_tls.sni_callback = lambda talk, *_: talks.append(talk)
    with serve(http(b"one"), http(b"two"), tls=server_tls) as server:
        world = make()
        assert world.send(server.url).body == b"one"
        assert world.send(server.url.replace("127.0.0.1", "localhost")).body == b"two"
        assert talks[-1].selected_alpn_protocol() == "http/1.1"
    assert server.connections == 2


def test_it_is_read_once_a_process(no_contexts: None, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[ssl.SSLContext] = []
    create = ssl.create_default_context
    monkeypatch.setattr(ssl, "create_default_context", lambda: made.append(create()) or made[-1])
    context = tls.default_context()
    assert tls.default_context() is context
    assert len(made) == 1
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("SSL_CERT_DIR", str(PEM.parent))
        assert tls.default_context() is not context
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("SSL_CERT_FILE", str(PEM))
        other = tls.default_context()
        assert other is not context
        assert tls.default_context() is other
    assert tls.default_context() is context


def test_it_is_read_by_nobody_who_needs_it_not(make: Any, no_contexts: None) -> None:
    with serve(http(b"one")) as server:
        assert make().send(server.url).body == b"one"
    assert not tls._contexts


def test_a_store_that_could_not_be_read_is_read_again(
    make: Any, server_tls: ssl.SSLContext, no_contexts: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OpenSSL leaves it out without a word when there are no descriptors."""
    monkeypatch.setenv("SSL_CERT_FILE", str(PEM))

    def load_nothing(context: ssl.SSLContext, *_: object) -> None:
        return

    def fail(context: ssl.SSLContext, *_: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    with serve(http(b"one"), tls=server_tls) as server:
        with monkeypatch.context() as without:
            without.setattr(ssl.SSLContext, "set_default_verify_paths", load_nothing)
            without.setattr(ssl.SSLContext, "load_verify_locations", fail)
            world = make()
            failed = world.fail(server.url)
        assert (failed.phase, failed.final) == (Phase.NOT_SENT, False)
        assert failed.reason == f"could not connect to 127.0.0.1:{server.port}: Too many open files"
        assert world.send(server.url).body == b"one"


def test_a_store_that_is_read_after_all(no_contexts: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(PEM))
    monkeypatch.setattr(ssl.SSLContext, "set_default_verify_paths", lambda *_: None)
    assert tls.default_context().cert_store_stats()["x509"] == 1


def test_an_empty_store(
    make: Any, tmp_path: Path, no_contexts: None, monkeypatch: pytest.MonkeyPatch, server_tls: ssl.SSLContext
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    monkeypatch.setattr(ssl.SSLContext, "set_default_verify_paths", lambda *_: None)
    with serve(http(b"one"), tls=server_tls) as server:
        failed = make().fail(server.url)
    assert (failed.phase, failed.final) == (Phase.NOT_SENT, True)
    paths = ssl.get_default_verify_paths()
    assert failed.reason == (
        f"could not connect to 127.0.0.1:{server.port}: no CA certificates were found in {paths.openssl_cafile} or "
        f'{paths.openssl_capath}; give them as tls="ca.pem" or in SSL_CERT_FILE'
    )
    (tmp_path / "53d9c5de.0").write_bytes(PEM.read_bytes())
    assert tls.default_context() is tls.default_context(), "a folder is read when a certificate needs it"


@contextlib.contextmanager
def _scripted_tls(*pieces: bytes) -> Iterator[str]:
    """A server that answers the first request properly, and each further one with raw bytes."""
    context = context_of(PEM)

    def talk() -> None:
        raw, _ = listener.accept()
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        talk = context.wrap_bio(incoming, outgoing, server_side=True)
        with raw, contextlib.suppress(OSError):
            while True:
                try:
                    talk.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    raw.sendall(outgoing.read())
                    incoming.write(raw.recv(65536))
            raw.sendall(outgoing.read())
            for number, piece in enumerate(pieces):
                while True:
                    try:
                        talk.read(65536)
                        break
                    except ssl.SSLWantReadError:
                        incoming.write(raw.recv(65536))
                if number == 0:
                    talk.write(piece)
                    piece = outgoing.read()
                raw.sendall(piece)
            raw.recv(65536)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=talk, daemon=True)
        thread.start()
        yield f"https://127.0.0.1:{listener.getsockname()[1]}"
        thread.join(5)
