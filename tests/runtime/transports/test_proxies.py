"""Proxies: the same ones in both transports, and their credentials never shown (rules E1, E2)."""

from __future__ import annotations

import asyncio
import base64
import re
import socket
import ssl
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from byte_server import Canned, http, serve
from tunnels import tunnelling
from unreachable_addresses import refusing_port
from worlds import HEADERS, TOKEN, WORLDS, AsyncWorld, SyncWorld, World, make_request

from twirpkit._http1.request import parse_target
from twirpkit.transports._net import proxy as proxies
from twirpkit.transports.async_sockets import AsyncSocketTransport
from twirpkit.transports.base import Phase
from twirpkit.transports.sync_sockets import SocketTransport

PEM = Path(__file__).with_name("localhost.pem")
CANARY = "c4n4ry"
VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """One without proxies."""
    for name in (*VARIABLES, "REQUEST_METHOD"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


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


def server_tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(PEM)
    return context


def basic(userinfo: bytes) -> str:
    return f"Basic {base64.b64encode(userinfo).decode()}"


# Through a proxy


def test_plain_requests_go_to_the_proxy(make: Any) -> None:
    with serve(http(b"one"), http(b"two"), http(b"three")) as proxy:
        world = make(proxy=f"http://user:pa%3Ass@127.0.0.1:{proxy.port}")
        assert world.send("http://name.invalid:81/x?y").body == b"one"
        assert world.send("http://name.invalid:81/x?y").body == b"two"
        assert world.send("http://127.0.0.1:1/").body == b"three", "a proxy that was given counts for this machine too"
    assert proxy.connections == 2
    for request in proxy.requests[:2]:
        own = {"Host": "name.invalid:81", "Content-Length": "3", "Proxy-Authorization": basic(b"user:pa:ss")}
        assert request.line == "POST http://name.invalid:81/x?y HTTP/1.1"
        assert sorted(request.headers) == sorted({**HEADERS, **own}.items())


def test_requests_over_tls_go_through_a_tunnel(make: Any) -> None:
    with serve(http(b"one"), http(b"two"), tls=server_tls()) as server, tunnelling(server.port) as proxy:
        world = make(proxy=proxy.url(f"user:{CANARY}@"), tls=PEM)
        url = f"https://localhost:{server.port}/x"
        assert world.send(url).body == b"one"
        assert world.send(url).body == b"two"
    [asked] = proxy.asked
    lines = asked.decode().split("\r\n")
    assert re.fullmatch(rf"CONNECT localhost:{server.port} HTTP/1\.1", lines[0])
    assert f"Host: localhost:{server.port}" in lines
    assert asked.endswith(b"\r\n\r\n"), "and nothing follows"
    assert f"Proxy-Authorization: {basic(f'user:{CANARY}'.encode())}" in lines
    assert TOKEN.encode() not in asked
    assert [request.line for request in server.requests] == ["POST /x HTTP/1.1"] * 2
    assert all(name.lower() != "proxy-authorization" for name, _ in server.requests[0].headers)


def test_a_tunnel_without_credentials(make: Any) -> None:
    with serve(http(b"one"), tls=server_tls()) as server, tunnelling(server.port) as proxy:
        assert make(proxy=proxy.url(), tls=PEM).send(f"https://127.0.0.1:{server.port}/x").body == b"one"
    assert b"authorization" not in proxy.asked[0].lower()


def test_the_certificate_is_the_targets(make: Any) -> None:
    """localhost's does not vouch for another name."""
    with serve(http(b"one"), tls=server_tls()) as server, tunnelling(server.port) as proxy:
        failed = make(proxy=proxy.url(), tls=PEM).fail("https://name.invalid/x")
    assert failed.phase is Phase.NOT_SENT
    assert failed.reason.startswith(f"could not connect to name.invalid through the proxy {proxy.url()}: ")
    assert type(failed.cause) is ssl.SSLCertVerificationError
    assert proxy.asked[0].startswith(b"CONNECT name.invalid:443 HTTP/1.1\r\n")


def test_an_ipv6_target(make: Any) -> None:
    with serve(Canned(http(b"", status="502 No"))) as proxy:
        make(proxy=proxy.url).fail("https://[2001:db8::1]/x")
    assert proxy.requests[0].line == "CONNECT [2001:db8::1]:443 HTTP/1.1"


REFUSALS = {
    # name: the proxy's response to CONNECT, the reason, and whether another attempt may help
    "407": (
        http(b"who?", status="407 Proxy Authentication Required"),
        "the proxy refused: 407 authentication required",
        False,
    ),
    "403": (http(b"no", status="403 Forbidden"), "the proxy refused: 403 forbidden", False),
    "400": (http(b"what?", status="400 Bad Request"), "the proxy answered 400 to CONNECT", False),
    "429": (http(b"later", status="429 Too Many Requests"), "the proxy answered 429 to CONNECT", True),
    "408": (http(b"late", status="408 Request Timeout"), "the proxy answered 408 to CONNECT", True),
    "500": (http(b"down", status="500 Internal Server Error"), "the proxy answered 500 to CONNECT", True),
    "502": (http(b"down", status="502 Bad Gateway"), "the proxy answered 502 to CONNECT", True),
    "204": (http(b"", status="204 No Content", length=False), "the proxy answered 204 to CONNECT", True),
    "302": (http(b"", "Location: /", status="302 Found"), "the proxy answered 302 to CONNECT", True),
    "399": (http(b"", status="399 Odd"), "the proxy answered 399 to CONNECT", True),
    "closed": (b"", "the connection was closed", True),
    "cut": (b"HTTP/1.1 200 OK\r\n", "the connection was closed", True),
    "no HTTP": (b"hello\r\n\r\n", "the proxy's response to CONNECT is not HTTP/1.x", True),
    "more than a response": (
        b"HTTP/1.1 200 OK\r\n\r\nhello",
        "the proxy's response to CONNECT is not HTTP/1.x",
        True,
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_proxy_that_makes_no_tunnel(make: Any, name: str) -> None:
    data, reason, again = REFUSALS[name]
    with serve(Canned(data)) as proxy:
        url = f"http://127.0.0.1:{proxy.port}"
        failed = make(proxy=f"http://{CANARY}:{CANARY}@127.0.0.1:{proxy.port}").fail("https://name.invalid/x")
    assert (failed.phase, failed.timed_out, failed.final) == (Phase.NOT_SENT, False, not again)
    assert failed.reason == f"could not connect to name.invalid through the proxy {url}: {reason}"
    assert failed.cause is None
    assert "Authorization: Bearer" not in proxy.requests[0].head.decode()
    for secret in (CANARY, base64.b64encode(f"{CANARY}:{CANARY}".encode()).decode()):
        assert secret not in repr(failed)


def test_a_proxy_that_resets(make: Any) -> None:
    with serve(Canned(b"", "reset")) as proxy:
        failed = make(proxy=proxy.url).fail("https://name.invalid/x")
    assert failed.phase is Phase.NOT_SENT
    assert failed.reason.endswith(": the connection was closed")


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_is_not_there(make: Any, scheme: str) -> None:
    with refusing_port() as url:
        failed = make(proxy=url).fail(f"{scheme}://name.invalid/x")
    assert failed.phase is Phase.NOT_SENT
    assert failed.reason == f"could not connect to name.invalid through the proxy {url}: Connection refused"
    assert isinstance(failed.cause, ConnectionRefusedError)


@pytest.mark.parametrize("hang", [b"", b"HTTP/1.1 200 OK\r\nX: " + b"y" * 900])
@pytest.mark.parametrize("connecting", [None, 0.3])
def test_a_proxy_that_drips(make: Any, hang: bytes, connecting: float | None) -> None:
    with serve(Canned(hang, "hold", drip=0.01, hold=2.0)) as proxy:
        failed = make(proxy=proxy.url).fail(
            "https://name.invalid/x", timeout=5.0 if connecting else 0.3, connecting=connecting
        )
    place = f"name.invalid through the proxy {proxy.url}"
    assert (failed.phase, failed.timed_out) == (Phase.NOT_SENT, connecting is None)
    assert failed.reason == (
        f"connecting to {place} took too long" if connecting else f"the deadline passed while connecting to {place}"
    )


def test_a_proxy_that_does_not_know_us_says_so_to_a_plain_request(make: Any) -> None:
    """The request was not passed on. What else a proxy answers cannot be told from the target's own."""
    asks = http(b"who?", status="407 Proxy Authentication Required")
    with serve(asks, http(b"no", status="403 Forbidden"), http(b"fine")) as proxy:
        world = make(proxy=proxy.url)
        failed = world.fail("http://name.invalid/x")
        assert (world.send("http://name.invalid/x").status, world.send("http://name.invalid/x").body) == (403, b"fine")
    assert (failed.phase, failed.timed_out, failed.final) == (Phase.NOT_SENT, False, True)
    place = f"name.invalid through the proxy {proxy.url}"
    assert failed.reason == f"could not connect to {place}: the proxy refused: 407 authentication required"
    assert proxy.connections == 1


def test_a_407_of_the_target_is_a_response(make: Any) -> None:
    asks = http(b"who?", status="407 Odd")
    with serve(asks) as server:
        assert make().send(server.url).status == 407
    with serve(asks, tls=server_tls()) as server, tunnelling(server.port) as proxy:
        assert make(proxy=proxy.url(), tls=PEM).send(f"https://localhost:{server.port}/x").status == 407


def test_a_proxy_that_closes_a_kept_connection(make: Any) -> None:
    with serve(http(b"one"), Canned(b"")) as proxy:
        world = make(proxy=proxy.url)
        world.send("http://name.invalid/x")
        assert world.fail("http://name.invalid/x").phase is Phase.STALE


@pytest.mark.parametrize("name", [name for name in WORLDS if name != "sync"])
def test_cancelled_while_the_proxy_is_asked_no_frame_shows_its_password(name: str) -> None:
    world = WORLDS[name](proxy=f"http://{CANARY}:{CANARY}@127.0.0.1:1")
    assert isinstance(world, AsyncWorld)

    async def scene(transport: AsyncSocketTransport) -> BaseException:
        call = asyncio.create_task(transport.send(make_request("https://name.invalid/x")))
        while not proxy.requests:
            await asyncio.sleep(0.001)
        call.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await call
        await transport.aclose()
        return caught.value

    with serve(Canned(b"", "hold")) as proxy:
        transport = AsyncSocketTransport(proxy=f"http://{CANARY}:{CANARY}@127.0.0.1:{proxy.port}")
        cancelled = world.runner.run(scene(transport))
    world.end()
    report = traceback.TracebackException.from_exception(cancelled, capture_locals=True)
    shown = "".join(repr(frame.locals) for frame in report.stack if "twirpkit" in frame.filename)
    assert "_go_on" in "".join(frame.name for frame in report.stack)
    for secret in (CANARY, base64.b64encode(f"{CANARY}:{CANARY}".encode()).decode(), TOKEN):
        assert secret not in shown


# Which proxy


@pytest.mark.parametrize("kind", [SocketTransport, AsyncSocketTransport])
@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("https://proxy:1", "must begin with http://"),
        ("socks5://proxy:1", "must begin with http://"),
        ("ftp://proxy:1", "must begin with http://"),
        ("", "must be like"),
        ("http://", "must be like"),
        ("http://proxy:port", "must be like"),
        ("http://proxy:70000", "must be like"),
        ("http://proxy:1/path", "must be like"),
        ("http://proxy:1/?x", "must be like"),
        (f"http://user:{CANARY}", "must be like"),
        (f"http://user:{CANARY}@", "must be like"),
        (f"http://user:{CANARY}@a b", "must be like"),
    ],
)
def test_a_url_that_is_no_proxys(kind: type[SocketTransport | AsyncSocketTransport], url: str, text: str) -> None:
    with pytest.raises(ValueError, match=f"^the proxy's URL {text}") as caught:
        kind(proxy=url)
    report = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert CANARY not in "".join(repr(frame.locals) for frame in report.stack if "twirpkit" in frame.filename)
    assert CANARY not in "".join(traceback.format_exception(caught.value))
    assert caught.value.__context__ is None


@pytest.mark.parametrize("kind", [SocketTransport, AsyncSocketTransport])
@pytest.mark.parametrize("wrong", [True, 1, b"http://proxy", {"https": "http://proxy"}])
def test_a_proxy_of_a_wrong_type(kind: Any, wrong: Any) -> None:
    with pytest.raises(TypeError, match=f"^proxy must be a URL, None or False, not {type(wrong).__name__}$"):
        kind(proxy=wrong)


PROXIES = {
    "http://proxy:3128": ("http://proxy:3128", "proxy", 3128, None),
    "http://proxy": ("http://proxy", "proxy", 80, None),
    "HTTP://Proxy:3128/": ("http://proxy:3128", "proxy", 3128, None),
    "proxy:3128": ("http://proxy:3128", "proxy", 3128, None),
    "http://[::1]:3128": ("http://[::1]:3128", "::1", 3128, None),
    "http://user@proxy:1": ("http://proxy:1", "proxy", 1, b"user:"),
    "http://user:pass@proxy:1": ("http://proxy:1", "proxy", 1, b"user:pass"),
    "http://user:p%40:%C3%A9/@@proxy:1": ("http://proxy:1", "proxy", 1, "user:p@:é/@".encode()),
    "user:pass@proxy:1": ("http://proxy:1", "proxy", 1, b"user:pass"),
    "http://user:pass://word@proxy:1": ("http://proxy:1", "proxy", 1, b"user:pass://word"),
}


@pytest.mark.parametrize("url", PROXIES)
def test_a_proxys_url(url: str) -> None:
    origin, name, port, userinfo = PROXIES[url]
    proxy = proxies.parse_proxy(url)
    assert (proxy.origin, proxy.name, proxy.port) == (origin, name, port)
    shown = None if proxy.authorization is None else proxy.authorization.reveal()
    assert shown == (None if userinfo is None else basic(userinfo))
    assert "pass" not in repr(proxy)
    assert base64.b64encode(userinfo or b"user").decode() not in repr(proxy)


P, Q = "http://p:1", "http://q:2"
ENVIRONMENTS: dict[str, tuple[dict[str, str], str, str | None]] = {
    "nothing": ({}, "https://a.example/", None),
    "https": ({"HTTPS_PROXY": P}, "https://a.example/", P),
    "https, lower case": ({"https_proxy": P}, "https://a.example/", P),
    "lower case wins": ({"https_proxy": P, "HTTPS_PROXY": Q}, "https://a.example/", P),
    "http is not for https": ({"HTTP_PROXY": P}, "https://a.example/", None),
    "http": ({"HTTP_PROXY": P}, "http://a.example/", P),
    "https is not for http": ({"HTTPS_PROXY": P}, "http://a.example/", None),
    "all": ({"ALL_PROXY": P}, "https://a.example/", P),
    "all, for http": ({"all_proxy": P}, "http://a.example/", P),
    "the scheme's own wins": ({"all_proxy": Q, "HTTPS_PROXY": P}, "https://a.example/", P),
    "an empty one is none": ({"HTTPS_PROXY": ""}, "https://a.example/", None),
    "not for CGI": ({"HTTP_PROXY": P, "REQUEST_METHOD": "GET"}, "http://a.example/", None),
    "no_proxy": ({"HTTPS_PROXY": P, "NO_PROXY": "b.example,a.example"}, "https://a.example/", None),
    "no_proxy, lower case": ({"HTTPS_PROXY": P, "no_proxy": "a.example"}, "https://a.example/", None),
    "no_proxy, a domain": ({"HTTPS_PROXY": P, "NO_PROXY": "example"}, "https://a.example/", None),
    "no_proxy, a dot": ({"HTTPS_PROXY": P, "NO_PROXY": " .example "}, "https://a.example/", None),
    "no_proxy, half a name": ({"HTTPS_PROXY": P, "NO_PROXY": "ample"}, "https://a.example/", P),
    "no_proxy, all": ({"HTTPS_PROXY": P, "NO_PROXY": "*"}, "https://a.example/", None),
    "no_proxy, the port": ({"HTTPS_PROXY": P, "NO_PROXY": "a.example:8443"}, "https://a.example:8443/", None),
    "no_proxy, its default port": ({"HTTPS_PROXY": P, "NO_PROXY": "a.example:443"}, "https://a.example/", None),
    "no_proxy, another port": ({"HTTPS_PROXY": P, "NO_PROXY": "a.example:8443"}, "https://a.example/", P),
    "no_proxy, IPv6": ({"HTTPS_PROXY": P, "NO_PROXY": "2001:db8::1"}, "https://[2001:db8::1]/", None),
    "this machine": ({"ALL_PROXY": P}, "http://127.0.0.1:7880/", None),
    "this machine, IPv6": ({"ALL_PROXY": P}, "http://[::1]:7880/", None),
    "this machine, by name": ({"ALL_PROXY": P}, "http://localhost:7880/", None),
}


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_which_proxy_the_environment_names(environment: pytest.MonkeyPatch, name: str) -> None:
    variables, url, expected = ENVIRONMENTS[name]
    for variable, value in variables.items():
        environment.setenv(variable, value)
    found = proxies.environment_proxy(parse_target(url))
    assert (found and found.origin) == expected
    assert proxies.environment_proxy_url(parse_target(url)) == expected


def test_the_environments_proxy_is_used(make: Any, environment: pytest.MonkeyPatch) -> None:
    with serve(http(b"proxied"), http(b"proxied"), http(b"direct")) as proxy:
        environment.setenv("http_proxy", f"http://user:pass@127.0.0.1:{proxy.port}")
        world = make()
        assert world.send("http://name.invalid/x").body == b"proxied"
        environment.setenv("http_proxy", "socks5://127.0.0.1:1")
        assert world.send("http://name.invalid/x").body == b"proxied", "it is read once an origin"
        environment.delenv("http_proxy")
        assert world.fail("http://other.invalid/x").phase is Phase.NOT_SENT
        environment.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        assert make(proxy=False).fail("http://name.invalid/x").reason.startswith("could not connect to name.invalid: ")
        assert world.send(proxy.url).body == b"direct"
    assert [request.line for request in proxy.requests] == [
        *["POST http://name.invalid/x HTTP/1.1"] * 2,
        "POST / HTTP/1.1",
    ]
    assert dict(proxy.requests[0].headers)["Proxy-Authorization"] == basic(b"user:pass")


def test_a_given_proxy_wins_over_the_environments(make: Any, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("ALL_PROXY", "http://127.0.0.1:1")
    environment.setenv("NO_PROXY", "*")
    with serve(http(b"proxied")) as proxy:
        assert make(proxy=proxy.url).send("http://name.invalid/x").body == b"proxied"


def test_an_environments_proxy_that_cannot_be_used(make: Any, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("ALL_PROXY", f"socks5://user:{CANARY}@127.0.0.1:1")
    for scheme in ("http", "https"):
        with pytest.raises(
            ValueError, match=rf"^the proxy in the environment \({scheme.upper()}_PROXY or ALL_PROXY\)"
        ) as caught:
            make().send(f"{scheme}://name.invalid/x")
        assert "proxy=False" in str(caught.value)
        assert "must begin with http://" in str(caught.value)
        assert CANARY not in "".join(traceback.format_exception(caught.value))
    with serve(http(b"direct")) as server:
        assert make().send(server.url).body == b"direct"


def test_credentials_stay_out_of_sight() -> None:
    for world in (SyncWorld(proxy=f"http://u:{CANARY}@p:1"), AsyncWorld(proxy=f"http://u:{CANARY}@p:1")):
        for thing in (world.transport, vars(world.transport)):
            assert CANARY not in repr(thing)
            assert base64.b64encode(f"u:{CANARY}".encode()).decode() not in repr(thing)
        world.end()


def test_a_proxy_that_does_not_read_the_whole_connect_in_time(make: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        world = make(tls=PEM, proxy=f"http://user:{'x' * 12_000_000}@127.0.0.1:{port}")
        failed = world.fail("https://name.invalid/", timeout=0.2)
    assert (failed.phase, failed.timed_out) == (Phase.NOT_SENT, True)
