"""The suite over clients of another service, with recordings of its own: nothing of it belongs to one SDK."""

from __future__ import annotations

import base64
import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from hats import AsyncHatsAPI, HatsAPI, HatService
from hats._methods.hats import MAKE_HAT
from recordings import MODES

import twirpkit.conformance
from twirpkit.conformance import Exchange, Mode, RequestForm, Route, Suite
from twirpkit.conformance.request_forms import arguments

TARGET = "/api/v1/acme.HatService/MakeHat"
HAT = {"size": "-1", "colour": "grün", "brims": [1, 2]}
HAT_BYTES = MAKE_HAT.response(size=-1, colour="grün", brims=[1, 2]).SerializeToString()


def recorded(
    answer: bytes | None,
    message: Any = None,
    *,
    body: bytes = b"",
    told: Any = MappingProxyType({}),
    headers: tuple[tuple[str, str], ...] = (),
) -> Exchange:
    """A recording: ``told`` is what the body says, ``message`` what the answer says."""
    lines = [["Host", "127.0.0.1"], ["Content-Type", "application/protobuf"], *headers]
    request = {"method": "POST", "target": TARGET, "headers": lines, "body_b64": _b64(body), "message": dict(told)}
    return Exchange.from_json(
        {"id": "case", "rpc": None, "request": request, "response": answer and {**_apart(answer), "message": message}}
    )


def _apart(answer: bytes) -> dict[str, Any]:
    """An answer taken apart by the plainest means."""
    head, _, content = answer[answer.rindex(b"HTTP/1.1") :].partition(b"\r\n\r\n")
    lines = [line.split(": ", 1) for line in head.decode().split("\r\n")[1:]]
    if ["Transfer-Encoding", "chunked"] in lines:
        content = HAT_BYTES
    return {"raw_b64": _b64(answer), "status": int(head[9:12]), "headers": lines, "body_b64": _b64(content)}


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def http(body: bytes, *lines: str, status: str = "200 OK") -> bytes:
    head = [f"HTTP/1.1 {status}", "Content-Type: application/protobuf", *lines, f"Content-Length: {len(body)}"]
    return "\r\n".join([*head, "", ""]).encode() + body


CHUNKED = b"%b\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n%b\r\n%x;a=b\r\n%b\r\n0\r\n\r\n" % (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/protobuf",
    HAT_BYTES[:3],
    len(HAT_BYTES) - 3,
    HAT_BYTES[3:],
)
GOOD = {
    "empty message": recorded(http(b""), {}),
    "message": recorded(http(HAT_BYTES), HAT),
    "gzip": recorded(http(gzip.compress(HAT_BYTES), "Content-Encoding: gzip"), HAT),
    "deflate": recorded(http(zlib.compress(HAT_BYTES), "Content-Encoding: deflate"), HAT),
    "chunks": recorded(CHUNKED, HAT),
    "early hints": recorded(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + http(HAT_BYTES), HAT),
    "closed": recorded(None),
    "own header": recorded(http(HAT_BYTES), HAT, headers=(("X-Trace", "7"),)),
    "another Authorization": recorded(http(HAT_BYTES), HAT, headers=(("Authorization", "Basic dTpw"),)),
    "unknown code": recorded(http(b'{"code":"tired"}', status="400 Bad Request"), {"code": "tired"}),
    "old spelling": recorded(
        http(b'{"code":"dataloss","meta":{"n":1}}', status="500 X"), {"code": "dataloss", "meta": {"n": 1}}
    ),
    "redirect": recorded(http(b"", "Location: https://elsewhere.example/", status="302 Found")),
    "web page": recorded(http(b'<html>it\'s\n"down"', status="502 Bad Gateway")),
    "teapot": recorded(http(b"", status="418 I'm a teapot")),
    "web page for a hat": recorded(http(b"<html>", status="200 OK").replace(b"application/protobuf", b"text/html")),
    "no content": recorded(b"HTTP/1.1 204 No Content\r\n\r\n"),
}


@pytest.fixture(scope="module")
def hats() -> Iterator[Suite]:
    with Suite(HatsAPI, AsyncHatsAPI) as suite:
        yield suite


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("exchange", GOOD.values(), ids=GOOD)
def test_good_clients_pass(hats: Suite, mode: Mode, exchange: Exchange) -> None:
    assert hats.plan(exchange).route is Route.CLIENT
    assert hats.play(mode, exchange) == []


ORDER = MAKE_HAT.request(size=2**53 + 1, timeout=3, due={"seconds": 1}, like=[{"size": 1}], **{"from": "here"})
SAID = {
    "size": "9007199254740993",
    "timeout": 3,
    "from": "here",
    "due": "1970-01-01T00:00:01Z",
    "like": [{"size": "1"}],
}


@pytest.mark.parametrize("mode", MODES)
def test_odd_fields(hats: Suite, mode: Mode) -> None:
    exchange = recorded(http(HAT_BYTES), HAT, body=ORDER.SerializeToString(), told=SAID)
    assert hats.plan(exchange).route is Route.CLIENT
    assert hats.play(mode, exchange) == []


def test_forms() -> None:
    assert arguments(RequestForm.MAPPING, ORDER, HatService.make_hat) is not None
    assert arguments(RequestForm.KEYWORDS, ORDER, HatService.make_hat) is None  # ``timeout`` is an option of every call
    assert arguments(RequestForm.KEYWORDS, MAKE_HAT.request(**{"from": "a"}), HatService.make_hat) == (
        (),
        {"from_": "a"},
    )


@pytest.mark.parametrize("mode", MODES)
def test_body_that_says_something_else_is_not_a_clients(hats: Suite, mode: Mode) -> None:
    exchange = recorded(http(HAT_BYTES), HAT, body=ORDER.SerializeToString())
    assert hats.plan(exchange).reason == "its body is not the canonical encoding of Order"
    assert hats.play(mode, exchange) == []


WRONG = {
    "field": ({"size": "-1", "colour": "grau", "brims": [1, 2]}, "response.colour: expected 'grau', got 'grün'"),
    "missing": ({"size": "-1", "brims": [1, 2]}, "response.colour: expected nothing, got 'grün'"),
    "length": ({**HAT, "brims": [1]}, "response.brims: expected [1], got [1, 2]"),
    "item": ({**HAT, "brims": [1, 3]}, "response.brims[1]: expected 3, got 2"),
    "type": ({**HAT, "size": -1}, "response.size: expected -1, got '-1'"),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("told", "line"), WRONG.values(), ids=WRONG)
def test_mismatch_names_the_field(hats: Suite, mode: Mode, told: dict[str, Any], line: str) -> None:
    exchange = recorded(http(HAT_BYTES), told)
    assert hats.play(mode, exchange, forms=[RequestForm.MESSAGE]) == [f"message: {line}"]


@pytest.mark.parametrize("mode", MODES)
def test_unwanted_authorization(mode: Mode) -> None:
    exchange = recorded(http(b""), {})
    with Suite(HatsAPI, AsyncHatsAPI, credentials={"auth": "Bearer x"}) as suite:
        assert suite.play(mode, exchange) != []
    with Suite(HatsAPI, AsyncHatsAPI, credentials={"auth": "Bearer x"}, authorization="Bearer x") as suite:
        assert suite.plan(exchange).route is Route.TRANSPORT
        assert suite.play(mode, exchange) == []


def test_package_knows_no_sdk() -> None:
    folder = Path(twirpkit.conformance.__file__).parent
    named = [path.name for path in folder.glob("*.py") if "livekit" in path.read_text(encoding="utf-8").lower()]
    assert named == []
