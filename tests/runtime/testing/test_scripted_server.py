"""The server itself: scripts, clusters, TLS and tunnels, going down, and that it ends."""

from __future__ import annotations

import contextlib
import email.utils
import json
import socket
import ssl
import threading
import time
from pathlib import Path

import pytest
from google.protobuf.wrappers_pb2 import Int32Value
from raw_client import ASK, ask, ending, ends_all_but, open_to, read, read_all

from twirpkit.testing import (
    Behaviour,
    Cluster,
    Request,
    ScriptedServer,
    Step,
    black_hole,
    break_off,
    by_path,
    by_rpc,
    error,
    http,
    mix,
    regions,
    reply,
    retry_after,
    sequence,
    tunnel,
)
from twirpkit.testing.listener import Listener

ONE, TWO, THREE = (reply(Int32Value(value=value)) for value in (1, 2, 3))
PEM = Path(__file__).parents[1] / "transports" / "localhost.pem"


def server_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(PEM)
    return context


def client_context() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=PEM)


def play(server: ScriptedServer, *requests: bytes) -> list[bytes]:
    """The last byte of each answer: each of the answers here says a number."""
    said = []
    with open_to(server) as connection:
        for request in requests:
            connection.sendall(request)
            said.append(read(connection, len(ONE))[-1:])
    return said


def test_sequence() -> None:
    with ScriptedServer(sequence(ONE, lambda request: TWO, THREE)) as server:
        assert play(server, ASK, ASK, ASK, ASK) == [b"\1", b"\2", b"\3", b"\3"]
    with pytest.raises(ValueError, match="at least one"):
        sequence()


def test_by_rpc_and_by_path() -> None:
    script = by_path({"/settings": THREE}, by_rpc({("acme.Hats", "MakeHat"): ONE}, TWO))
    with ScriptedServer(script) as server:
        paths = (
            "/a/b/acme.Hats/MakeHat?q=1",
            "http://h/acme.Hats/MakeHat",
            "/acme.Hats/SellHat",
            "/settings",
            "http://h",
        )
        asked = [ask("c", b"", path) for path in paths]
        assert play(server, *asked) == [b"\1", b"\1", b"\2", b"\3", b"\2"]


def test_mix_is_the_same_for_the_same_call() -> None:
    script = mix(ONE, (0.3, TWO), (0.3, lambda request: THREE), seed=7)
    calls = [ask(f"call-{number}") for number in range(60)]
    with ScriptedServer(script) as server:
        first = play(server, *calls)
    with ScriptedServer(script) as server:
        assert play(server, *reversed(calls)) == first[::-1]
    assert {b"\1", b"\2", b"\3"} == set(first)
    with ScriptedServer(mix(ONE, (0.3, TWO), (0.3, THREE), seed=8)) as server:
        assert play(server, *calls) != first
    with pytest.raises(ValueError, match=r"1\.1"):
        mix(ONE, (0.6, TWO), (0.5, THREE))


def test_shares_of_a_mix() -> None:
    with ScriptedServer(mix(ONE, (0.25, TWO), (0.5, THREE))) as server:
        said = play(server, *(ask(str(number)) for number in range(400)))
    assert [said.count(each) for each in (b"\1", b"\2", b"\3")] == pytest.approx([100, 100, 200], abs=45)


def test_what_a_script_sees() -> None:
    seen: list[Request] = []

    def script(request: Request) -> Behaviour:
        seen.append(request)
        assert not request.is_read
        assert request.message(Int32Value).value == 5
        return reply(request.body)

    body = Int32Value(value=5).SerializeToString()
    with ScriptedServer(script) as server, open_to(server) as connection:
        connection.sendall(ask("c", body, "/x/acme.Hats/MakeHat", "A: b"))
        assert read(connection, len(ONE))[-1:] == b"\5"
        connection.sendall(ask("c", body))
        read(connection, len(ONE))
    first, second = seen
    assert (first.rpc, first.path, first.call, first.header("a")) == (
        ("acme.Hats", "MakeHat"),
        "/x/acme.Hats/MakeHat",
        "c",
        "b",
    )
    assert (first.port, first.connection, first.number, second.number) == (server.ledger.entries()[0].port, 0, 0, 1)
    assert (first.attempt, second.attempt, first.header("c")) == (1, 2, None)


def test_call_ids_keys_and_attempts() -> None:
    with ScriptedServer(ONE, call_id_header="X-Call", key=lambda request: request.body or None) as server:
        for call, body in (("a", b"1"), ("b", b"1"), ("a", b""), ("", b"2")):
            lines = [f"X-Call: {call}"] if call else []
            play(server, ask("other", body, "/s/m", *lines))
        entries = server.ledger.settled()
    assert [(entry.call, entry.attempt, entry.key) for entry in entries] == [
        ("a", 1, b"1"),
        ("b", 1, b"1"),
        ("a", 2, None),
        (None, 1, b"2"),
    ]
    assert [(entry.executed is not None, entry.repeated) for entry in entries] == [
        (True, False),
        (False, True),
        (True, False),
        (True, False),
    ]
    assert [entry.connection for entry in entries] == [0, 1, 2, 3]


def test_a_script_that_raises_is_told() -> None:
    def script(request: Request) -> Behaviour:
        raise ValueError("a bug in the test")

    def run(failure: Exception | None) -> None:
        with ScriptedServer(script) as server, open_to(server) as connection:
            connection.sendall(ASK)
            assert read_all(connection)[0] == b""
            if failure is not None:
                raise failure

    with pytest.raises(RuntimeError, match="a script raised") as caught:
        run(None)
    assert str(caught.value.__cause__) == "a bug in the test"
    with pytest.raises(KeyError):  # the test's own failure comes first
        run(KeyError())


def test_script_may_be_replaced() -> None:
    with ScriptedServer(ONE) as server:
        assert play(server, ASK) == [b"\1"]
        server.script = TWO
        assert play(server, ASK) == [b"\2"]


def test_tls() -> None:
    with ScriptedServer(sequence(ONE, break_off(reset=False)), tls=server_context()) as server:
        assert server.url.startswith("https://127.0.0.1:")
        with client_context().wrap_socket(open_to(server), server_hostname="localhost") as connection:
            connection.sendall(ASK)
            assert read(connection, len(ONE)) == ONE.raw
            connection.sendall(ASK)
            assert connection.recv(1) == b""  # a proper end of TLS
        with open_to(server) as plain:
            plain.sendall(ASK)
            read_all(plain)
        with client_context().wrap_socket(open_to(server), server_hostname="localhost") as connection:
            pass
    assert server.ledger.total == 2


def test_leaving_ends_tls_connections_too() -> None:
    before = set(threading.enumerate())
    with ScriptedServer(ONE, tls=server_context()) as server:
        connection = client_context().wrap_socket(open_to(server), server_hostname="localhost")
        connection.sendall(ASK)
        assert read(connection, len(ONE)) == ONE.raw
    with connection, contextlib.suppress(OSError):
        assert connection.recv(1) == b""
    assert ends_all_but(before)


CONNECT = b"CONNECT livekit.example.com:443 HTTP/1.1\r\nHost: livekit.example.com:443\r\n\r\n"


@pytest.mark.parametrize("secure", [False, True])
def test_tunnel(secure: bool) -> None:
    script = sequence(tunnel(server_context() if secure else None), ONE)
    with ScriptedServer(script) as server, open_to(server) as raw:
        raw.sendall(CONNECT)
        established = b"HTTP/1.1 200 OK\r\n\r\n"
        assert read(raw, len(established)) == established
        connection = client_context().wrap_socket(raw, server_hostname="localhost") if secure else raw
        connection.sendall(ASK)
        assert read(connection, len(ONE)) == ONE.raw
        connection.close()
    assert [entry.method for entry in server.ledger.entries()] == ["CONNECT", "POST"]


def test_going_down_and_coming_up() -> None:
    with ScriptedServer(ONE) as server, open_to(server) as connection:
        connection.sendall(ASK)
        assert read(connection, len(ONE)) == ONE.raw
        url = server.url
        server.go_down()
        server.go_down()
        assert ending(connection) in ("closed", "reset")
        assert server.url == url
        for _ in range(2):
            with pytest.raises(ConnectionRefusedError):
                open_to(server)
        assert server.all_closed()
        server.come_up()
        server.come_up()
        assert play(server, ASK) == [b"\1"]
        assert (server.url, server.connections) == (url, 2)


def test_open_connections() -> None:
    with ScriptedServer(ONE) as server:
        with open_to(server) as connection:
            connection.sendall(ASK)
            read(connection, len(ONE))
            assert server.open_connections == 1
            assert not server.all_closed(0.01)
        assert server.all_closed()
        assert server.open_connections == 0


def test_waits_for_so_many_connections_to_end() -> None:
    with ScriptedServer(error("unavailable")) as server, open_to(server):
        assert server.wait_closed(0, timeout=0)
        assert not server.wait_closed(1, timeout=0.01)
        open_to(server).close()
        assert server.wait_closed(1)
        assert not server.wait_closed(2, timeout=0.01)


def test_over_ipv6() -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6")
    with ScriptedServer(error("unavailable"), host="::1") as server:
        server.go_down()
        server.come_up()
        assert server.url == f"http://[::1]:{server.port}"
        with socket.create_connection(("::1", server.port), timeout=5) as connection:
            connection.sendall(ASK)
            assert connection.recv(12) == b"HTTP/1.1 503"


def test_runs_in_its_block_only_and_again() -> None:
    before = set(threading.enumerate())
    server = ScriptedServer(ONE)
    for _ in range(2):
        with server, open_to(server) as idle:
            assert play(server, ASK) == [b"\1"]
        with idle, contextlib.suppress(OSError):
            assert idle.recv(1) == b""
        for ask_for in ("url", "port"):
            with pytest.raises(RuntimeError, match="'with' block"):
                getattr(server, ask_for)
    assert ends_all_but(before)


def test_a_request_that_arrives_while_it_stops_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    accepted, released = threading.Event(), threading.Event()

    def release(listener: Listener) -> None:
        release_port(listener)
        released.set()

    def wait(number: int) -> list[Step]:
        accepted.set()
        released.wait(5)
        return []

    release_port = Listener.release
    monkeypatch.setattr(Listener, "release", release)
    with ScriptedServer(ONE, on_connect=wait) as server:
        connection = open_to(server)
        connection.sendall(ASK)
        port = server.port
        assert accepted.wait(5)
    with connection:
        assert [entry.port for entry in server.ledger.entries()] == [port]


def test_its_life_is_bounded() -> None:
    with ScriptedServer(ONE, life=0.05) as server, open_to(server) as connection:
        assert read_all(connection)[0] == b""
        assert server.all_closed()


def test_cluster() -> None:
    with Cluster(ONE, TWO, THREE, call_id_header="X-Call") as cluster:
        assert len(cluster) == 3
        assert cluster.urls == [server.url for server in cluster]
        for place in (2, 0, 1, 1):
            assert play(cluster[place], ask("x", b"", "/s/m", f"X-Call: {place % 2}")) == [b"\1\2\3"[place : place + 1]]
        assert cluster.server_order() == [2, 0, 1, 1]
        assert cluster.server_order("0") == [2, 0]
        assert [entry.attempt for entry in cluster.ledger.entries()] == [1, 2, 1, 2]
    assert cluster[0].ledger is cluster.ledger


def test_a_list_of_regions() -> None:
    raw = regions(["https://a", "https://b"], max_age=30).raw
    head, _, body = raw.partition(b"\r\n\r\n")
    assert b"Cache-Control: max-age=30" in head
    assert json.loads(body) == {
        "regions": [
            {"region": "region-1", "url": "https://a", "distance": "0"},
            {"region": "region-2", "url": "https://b", "distance": "1"},
        ]
    }
    raw = regions({"west": "https://w"}).raw
    assert b"Cache-Control" not in raw
    assert b'"west"' in raw


def test_retry_after() -> None:
    assert retry_after(2) == {"Retry-After": "2"}
    moment = email.utils.parsedate_to_datetime(retry_after(60, date=True)["Retry-After"])
    assert abs(moment.timestamp() - time.time() - 60) < 5
    assert b"\r\nRetry-After: 1\r\n" in error("resource_exhausted", "slowly", headers=retry_after(1)).raw


def test_black_hole() -> None:
    with black_hole() as url:
        port = int(url.rpartition(":")[2])
        with pytest.raises(TimeoutError):
            socket.create_connection(("127.0.0.1", port), timeout=0.1)


def test_redirect_and_pin_are_answers() -> None:
    with ScriptedServer(sequence(http(307, headers={"Location": "/else"}), http(451))) as server:
        with open_to(server) as connection:
            connection.sendall(ASK + ASK)
            assert b"307 Temporary Redirect\r\nLocation: /else" in read(connection, 76)
    assert [entry.status for entry in server.ledger.settled()] == [307, 451]
