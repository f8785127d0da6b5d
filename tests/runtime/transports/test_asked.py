"""What goes on the wire: the request given, Host and Content-Length, and nothing else (rules A2, E2)."""

from __future__ import annotations

import pytest
from byte_server import http as answer
from byte_server import serve
from worlds import HEADERS, World


def test_sends_the_given_headers_and_two_of_its_own(world: World) -> None:
    with serve(answer(b"hi")) as server:
        got = world.send(server.url + "/twirp/a.B/C")
    assert (got.status, got.body, got.body_error) == (200, b"hi", None)
    [request] = server.requests
    assert request.line == "POST /twirp/a.B/C HTTP/1.1"
    assert request.body == b"ask"
    own = {"Host": f"127.0.0.1:{server.port}", "Content-Length": "3"}
    assert sorted(request.headers) == sorted({**HEADERS, **own}.items())
    assert request.headers[0][0] == "Host"


@pytest.mark.parametrize(
    ("method", "body", "length"),
    [
        ("POST", b"", ["0"]),
        ("PUT", b"", ["0"]),
        ("DELETE", b"", ["0"]),
        ("PUT", b"12345", ["5"]),
        ("GET", b"", []),
        ("HEAD", b"", []),
        ("OPTIONS", b"", []),
        ("TRACE", b"", []),
        ("GET", b"odd", ["3"]),
    ],
)
def test_any_method_without_any_header(world: World, method: str, body: bytes, length: list[str]) -> None:
    with serve(answer()) as server:
        assert world.send(server.url + "/x", headers={}, method=method, body=body).body_error is None
    [request] = server.requests
    assert request.line == f"{method} /x HTTP/1.1"
    assert request.body == body
    assert [value for name, value in request.headers if name.lower() == "content-length"] == length
    assert {name.lower() for name, _ in request.headers} <= {"host", "content-length"}


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ("", "/"),
        ("/", "/"),
        ("//twirp///a.B/C/", "//twirp///a.B/C/"),
        ("/a/../b/./c", "/a/../b/./c"),
        ("/a%2Fb%7E~%zz?x=%20+y&&z=/?", "/a%2Fb%7E~%zz?x=%20+y&&z=/?"),
        ("?x=1", "/?x=1"),
        ("/x:y@z;p=(1)[2]", "/x:y@z;p=(1)[2]"),
    ],
)
def test_the_path_is_sent_as_given(world: World, given: str, asked: str) -> None:
    with serve(answer()) as server:
        world.send(server.url + given)
    assert server.requests[0].line == f"POST {asked} HTTP/1.1"


def test_given_host_and_length_are_not_doubled(world: World) -> None:
    with serve(answer()) as server:
        world.send(server.url, headers={"host": "other.example", "content-length": "3"})
    assert sorted(server.requests[0].headers) == [("content-length", "3"), ("host", "other.example")]


def test_foreign_headers_go_out_as_they_are(world: World) -> None:
    given = {
        "Content-Type": "text/odd; charset=x",
        "Cookie": "a=b",
        "Connection": "close",
        "X-Nämé".encode().decode("ascii", "ignore"): "1",
        "X-Latin": "caf\xe9",
        "X-Empty": "",
    }
    with serve(answer()) as server:
        world.send(server.url, headers=given)
    sent = dict(server.requests[0].headers)
    assert {name: value for name, value in sent.items() if name in given and value} == {
        name: value for name, value in given.items() if value
    }
    assert b"\r\nX-Empty:" in server.requests[0].head


@pytest.mark.parametrize(
    "headers",
    [
        {"X": "a\r\nY: b"},
        {"X": "a\nb"},
        {"X": "a\rb"},
        {"X": "a\0b"},
        {"X\r\nY": "a"},
        {"X Y": "a"},
        {"X:": "a"},
        {"": "a"},
        {"N\xe4me": "a"},
    ],
)
def test_a_header_that_would_break_out_is_refused(world: World, headers: dict[str, str]) -> None:
    with serve(answer()) as server:
        with pytest.raises(ValueError, match="cannot be sent"):
            world.send(server.url, headers=headers)
    assert server.connections == 0


@pytest.mark.parametrize(
    "url",
    [
        "ftp://127.0.0.1/x",
        "127.0.0.1/x",
        "http:///x",
        "http://",
        "",
        "http://user@127.0.0.1/x",
        "http://user:pass@127.0.0.1/x",
        "http://127.0.0.1/x y",
        "http://127.0.0.1/x\r\nX: y",
        "http://127.0.0.1/x\n",
        "http://127.0.0.1/x#fragment",
        "http://127.0.0.1:port/x",
        "http://127.0.0.1:/x",
        "http://b\xfccher.example/x",
        "http://127.0.0.1/\xfc",
        "http://::1/x",
        "http://[::1/x",
    ],
)
def test_a_url_that_cannot_be_asked_is_refused(world: World, url: str) -> None:
    wanted = "^the URL of a request must be http or https, in ASCII, without userinfo and fragment$"
    with pytest.raises(ValueError, match=wanted):
        world.send(url)


def test_ipv6(world: World) -> None:
    try:
        serving = serve(answer(b"six"), host="::1")
        with serving as server:
            assert world.send(f"http://[::1]:{server.port}/x").body == b"six"
    except OSError:
        pytest.skip("no IPv6 here")
    assert dict(server.requests[0].headers)["Host"] == f"[::1]:{server.port}"


def test_a_name_is_looked_up(world: World) -> None:
    with serve(answer(b"named")) as server:
        assert world.send(f"http://localhost:{server.port}/x").body == b"named"
    assert dict(server.requests[0].headers)["Host"] == f"localhost:{server.port}"


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
def test_redirects_are_not_followed(world: World, status: str) -> None:
    with serve(answer(b"there", "Location: /elsewhere", status=status), answer(b"followed")) as server:
        got = world.send(server.url)
    assert (got.status, got.body, got.headers["location"]) == (int(status[:3]), b"there", "/elsewhere")
    assert len(server.requests) == 1


def test_cookies_are_not_kept(world: World) -> None:
    with serve(answer(b"", "Set-Cookie: a=b; Path=/"), answer()) as server:
        url = server.url.replace("127.0.0.1", "localhost")  # aiohttp would keep none of a bare address
        assert world.send(url).headers["set-cookie"] == "a=b; Path=/"
        world.send(url)
    assert all(name != "Cookie" for name, _ in server.requests[1].headers)


def test_netrc_and_environment_are_not_read(world: World, tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = f"{tmp_path}/netrc"
    with open(netrc, "w") as file:
        file.write("machine 127.0.0.1 login thief password stolen\ndefault login thief password stolen\n")
    monkeypatch.setenv("NETRC", netrc)
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv("NO_PROXY", "")
    with serve(answer(b"direct"), answer(b"direct")) as server, serve(answer(b"proxied")) as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        assert world.send(server.url).body == b"direct"
        assert world.send(server.url, headers={}).body == b"direct"
    assert dict(server.requests[0].headers)["Authorization"] == HEADERS["Authorization"]
    assert {name for name, _ in server.requests[1].headers} == {"Host", "Content-Length"}
    assert proxy.connections == 0


def test_a_large_message_goes_out_and_comes_back_whole(world: World) -> None:
    big = bytes(range(256)) * 20000
    with serve(answer(big), answer(big[::-1])) as server:
        assert world.send(server.url, body=big).body == big
        assert world.send(server.url, body=big).body == big[::-1]
    assert [request.body for request in server.requests] == [big, big]
    assert server.connections == 1
