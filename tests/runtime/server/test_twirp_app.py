"""Twirp's protocol on the side of the server, through each gateway: a table of requests and their responses."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from gateways_under_test import GATEWAYS, Gateway
from rooms_handler import Rooms

from livekit_twirp import CreateRoomRequest, Room, TwirpError
from livekit_twirp.server import RequestContext, RoomServiceBase, TwirpApp
from twirpkit import Code, HttpResponse
from twirpkit._protocol.error_statuses import STATUS_OF_CODE

CREATE = "/twirp/livekit.RoomService/CreateRoom"
PROTOBUF, JSON = "application/protobuf", "application/json"


@dataclass(frozen=True)
class Case:
    """A request and the response that it must get."""

    name: str
    status: int
    code: str = ""
    msg: str = ""
    meta: Mapping[str, str] = field(default_factory=dict)
    path: str = CREATE
    body: bytes = CreateRoomRequest(name="hall", empty_timeout=5).SerializeToString()
    content_type: str = PROTOBUF
    headers: Mapping[str, str] = field(default_factory=dict)
    method: str = "POST"


def named(name: str) -> bytes:
    return CreateRoomRequest(name=name).SerializeToString()


def route(path: str = CREATE, method: str = "POST") -> dict[str, str]:
    return {"twirp_invalid_route": f"{method} {path}"}


NO_PROTOBUF, NO_JSON = (f"the {kind} request could not be decoded" for kind in ("protobuf", "json"))
BAD_PATHS = (
    "/twirp/livekit.RoomService/PaintRoom",
    "/twirp/livekit.RoomService/createroom",
    f"{CREATE}/",
    "/twirp/livekit.RoomService/",
    "/twirp/livekit.Nothing/CreateRoom",
    "/rpc/livekit.RoomService/CreateRoom",
    "/livekit.RoomService/CreateRoom",
    "/",
)
CASES = [
    Case("protobuf", 200),
    Case("upper case type with a parameter", 200, content_type="Application/Protobuf; x=y"),
    Case("empty", 200, body=b""),
    Case("unknown field", 200, body=CreateRoomRequest(name="a").SerializeToString() + b"\xc0\xfe\x03\x01"),
    Case("json", 200, content_type=JSON, body=b'{"name":"hall","emptyTimeout":5}'),
    Case("json in proto names", 200, content_type=JSON, body=b'{"name":"hall","empty_timeout":"5"}'),
    Case("json with a field of a newer schema", 200, content_type=JSON, body=b'{"name":"hall","paint":{"x":[1]}}'),
    Case(
        "json with nested news",
        200,
        content_type=JSON,
        body=b'{"agents":[{"agentName":"a","new":1,"restartPolicy":"NEW"}]}',
    ),
    Case("json with a charset", 200, content_type=f"{JSON}; charset=utf-8", body=b"{}"),
    Case("gzip", 200, body=gzip.compress(named("hall")), headers={"Content-Encoding": "gzip"}),
    Case("no type", 404, "bad_route", 'unexpected Content-Type: ""', route(), content_type=""),
    Case("wrong type", 404, "bad_route", 'unexpected Content-Type: "text/plain"', route(), content_type="text/plain"),
    *(
        Case(
            f"{method}",
            404,
            "bad_route",
            f'unsupported method "{method}" (only POST is allowed)',
            route(method=method),
            method=method,
        )
        for method in ("GET", "PUT", "OPTIONS")
    ),
    *(Case(path, 404, "bad_route", f'no handler for path "{path}"', route(path), path=path) for path in BAD_PATHS),
    Case("cut", 400, "malformed", NO_PROTOBUF, body=named("hall")[:-1]),
    Case("not utf-8", 400, "malformed", NO_PROTOBUF, body=b"\x0a\x01\xff"),
    Case("json as protobuf", 400, "malformed", NO_PROTOBUF, body=b'{"name":"hall"}'),
    *(
        Case(f"json: {body!r}", 400, "malformed", NO_JSON, content_type=JSON, body=body)
        for body in (
            b"",
            b"{",
            b"[]",
            b"null",
            b'{"name":1}',
            b'{"emptyTimeout":-1}',
            b"\xef\xbb\xbf{}",
            b'{"name":"\xff"}',
        )
    ),
    Case("no gzip", 400, "malformed", "the gzip body is corrupt", body=b"x" * 20, headers={"Content-Encoding": "gzip"}),
    Case("unknown encoding", 400, "malformed", "Content-Encoding 'br' is unknown", headers={"Content-Encoding": "br"}),
    Case("too large", 429, "resource_exhausted", "the request is larger than 4096 bytes", body=named("x" * 4096)),
    Case(
        "too large when decoded",
        429,
        "resource_exhausted",
        "the request is larger than 4096 bytes",
        body=gzip.compress(named("x" * 5000)),
        headers={"Content-Encoding": "gzip"},
    ),
    Case("error", 404, "not_found", "no such room", {"room": "missing", "ü": "\ud800"}, body=named("missing")),
    Case("error of another call", 500, "internal", "internal error", body=named("upstream")),
    Case("header that would split the response", 500, "internal", "internal error", body=named("split")),
    Case("header without a name", 500, "internal", "internal error", body=named("split error")),
    Case("json nested too deeply", 400, "malformed", NO_JSON, content_type=JSON, body=b"[" * 4000),
    Case("exception", 500, "internal", "internal error", body=named("crash")),
    Case("wrong message", 500, "internal", "internal error", body=named("wrong")),
    Case(
        "not implemented",
        501,
        "unimplemented",
        "livekit.RoomService/ListRooms is not implemented",
        path="/twirp/livekit.RoomService/ListRooms",
        body=b"",
    ),
]


def ask(gateway: Gateway, app: TwirpApp, case: Case) -> HttpResponse:
    headers = {**({"Content-Type": case.content_type} if case.content_type else {}), **case.headers}
    return gateway(app, case.path, case.body, headers, case.method)


@pytest.mark.parametrize("gateway", GATEWAYS.values(), ids=GATEWAYS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_request_gets_its_response(case: Case, gateway: Gateway) -> None:
    raised: list[Exception] = []
    app = TwirpApp([Rooms()], max_body=4096, on_error=lambda context, error: raised.append(error))
    if gateway is GATEWAYS["wsgi"] and case.method == "PUT":
        return  # the validator does not know it
    response = ask(gateway, app, case)
    assert response.status == case.status
    assert int(response.headers["content-length"]) == len(response.body)
    if case.status == 200:
        as_json = "json" in case.content_type
        assert response.headers["content-type"] == (JSON if as_json else PROTOBUF)
    else:
        assert response.headers["content-type"] == JSON
        expected: dict[str, Any] = {"code": case.code, "msg": case.msg}
        assert json.loads(response.body) == (expected | {"meta": case.meta} if case.meta else expected)
    assert bool(raised) is (case.code == "internal")
    assert b"secret" not in response.body


def test_json_has_every_field_and_long_integers_as_text() -> None:
    app = TwirpApp([Rooms()])
    response = GATEWAYS["wsgi"](app, CREATE, b'{"name":"\xc3\xbc"}', {"Content-Type": JSON})
    found = json.loads(response.body)
    assert found["name"] == "ü"
    assert (found["creation_time_ms"], found["creation_time"]) == (str(2**53 + 1), "0")
    assert (found["empty_timeout"], found["enabled_codecs"], found["active_recording"]) == (0, [], False)


@pytest.mark.parametrize("gateway", [GATEWAYS["wsgi"], GATEWAYS["asgi"]])
@pytest.mark.parametrize(
    ("accepted", "zipped"),
    [
        ("gzip", True),
        ("deflate, GZIP;q=0.5", True),
        ("*", True),
        ("gzip;q=0", False),
        ("gzip; q=0.00", False),
        ("br", False),
        ("", False),
    ],
)
def test_large_responses_are_compressed_for_those_who_take_it(gateway: Gateway, accepted: str, zipped: bool) -> None:
    headers = {"Content-Type": PROTOBUF, "Accept-Encoding": accepted}
    response = gateway(TwirpApp([Rooms()]), CREATE, named("x" * 2000), headers)
    assert (response.headers.get("content-encoding"), response.headers.get("vary")) == (
        ("gzip", "Accept-Encoding") if zipped else (None, None)
    )
    body = gzip.decompress(response.body) if zipped else response.body
    assert Room.FromString(body).name == "x" * 2000
    assert len(response.body) < 200 or not zipped
    assert "content-encoding" not in gateway(TwirpApp([Rooms()]), CREATE, named("x"), headers).headers


@pytest.mark.parametrize("gateway", GATEWAYS.values(), ids=GATEWAYS)
def test_headers_of_the_context_are_added_to_an_error(gateway: Gateway) -> None:
    response = gateway(TwirpApp([Rooms()]), CREATE, named("busy"), {"Content-Type": PROTOBUF})
    assert (response.status, response.headers["retry-after"]) == (429, "7")


@pytest.mark.parametrize(
    ("value", "least", "most"),
    [("1500", 1.0, 1.5), ("0", 0, 0), ("-5", 0, 0), ("soon", None, None), ("", None, None), ("-", None, None)],
)
def test_handlers_see_the_deadline(value: str, least: float | None, most: float | None) -> None:
    rooms = Rooms()
    GATEWAYS["wsgi"](TwirpApp([rooms]), CREATE, named("a"), {"Content-Type": PROTOBUF, "X-Twirp-Timeout-Ms": value})
    (context,) = rooms.contexts
    left = context.time_left()
    assert (left is None) is (least is None)
    if least is not None and most is not None and left is not None:
        assert context.deadline is not None
        assert context.deadline <= time.monotonic() + most
        assert 0 <= left <= most


def test_statuses_are_those_of_the_specification() -> None:
    assert set(STATUS_OF_CODE) == set(Code)
    for code in Code:

        class Failing(RoomServiceBase):
            def create_room(self, request: CreateRoomRequest, context: RequestContext, /) -> Room:
                raise TwirpError(code, "why")  # noqa: B023  # called before the next turn

        response = GATEWAYS["wsgi"](TwirpApp([Failing()]), CREATE, b"", {"Content-Type": PROTOBUF})
        assert (response.status, json.loads(response.body)) == (STATUS_OF_CODE[code], {"code": code, "msg": "why"})
