"""Each thing that is compared, where a client or a transport gets just that thing wrong."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest
from corrupting_transports import corrupting
from hats import AsyncHatsAPI, HatsAPI
from hats._methods.hats import MAKE_HAT
from recordings import BY_ID, MODES, new_suite

from twirpkit import Code, HttpRequest, HttpResponse, NotFoundError, TransportError, UnknownError
from twirpkit._config.package_info import PackageInfo
from twirpkit.conformance import Exchange, Mode, ReceivedRequest, Route, Suite
from twirpkit.conformance.compare import CallResult, request_mismatches, response_mismatches, result_mismatches
from twirpkit.conformance.expected_results import decoded_body

MISSING = BY_ID["room/delete_room/missing"]
FOREIGN = BY_ID["http/body/json_not_json"]
CLOSED = dataclasses.replace(MISSING, response=None)
OK = HttpResponse(200, {"content-type": "application/protobuf"}, b"")


def sent(suite: Suite, exchange: Exchange, **changes: Any) -> list[str]:
    """The mismatches of a hand-made request, without those of its token."""
    headers = {
        "Host": "h",
        "Content-Type": "application/protobuf",
        "Accept": "application/protobuf",
        "Accept-Encoding": "gzip, deflate",
        "User-Agent": "twirpkit/0",
        "Content-Length": str(len(exchange.request.body)),
        "X-Livekit-Request-Id": exchange.request.header("x-livekit-request-id") or "",
    }
    received = ReceivedRequest(
        "POST", exchange.request.target, "HTTP/1.1", tuple(headers.items()), exchange.request.body, True
    )
    received = dataclasses.replace(received, **changes)
    return request_mismatches(suite.plan(exchange), exchange, received, None, "X-Livekit-Request-Id")


def test_good_request(suite: Suite) -> None:
    assert sent(suite, MISSING) == []


def test_version(suite: Suite) -> None:
    assert sent(suite, MISSING, version="HTTP/1.0") == [f"request line: got 'POST {MISSING.request.target} HTTP/1.0'"]


def test_header_twice(suite: Suite) -> None:
    def headers() -> Iterator[tuple[str, str]]:
        yield from [("Host", "h"), ("host", "h"), ("User-Agent", "twirpkit/0")]

    assert "header host: sent twice" in sent(suite, MISSING, headers=tuple(headers()))


def test_request_id_of_its_own(suite: Suite) -> None:
    """Where the recording has none, the client makes one."""
    exchange = BY_ID["http/auth/valid"]
    assert sent(suite, exchange) == ["header x-livekit-request-id: '' is not a UUID"]


def test_body_cut(suite: Suite) -> None:
    assert sent(suite, MISSING, complete=False) == ["request body: cut short"]


def test_short_key(suite: Suite) -> None:
    exchange = BY_ID["room/send_data/no_nonce"]
    method = suite.plan(exchange).rpc
    assert method is not None
    message = method.method.request.FromString(exchange.request.body)
    message.nonce = b"short"
    body = message.SerializeToString()
    assert "request.nonce: expected 16 random bytes" in sent(suite, exchange, body=body)


@pytest.mark.parametrize(
    ("there", "line"),
    [
        (lambda each: dataclasses.replace(each, method="PUT"), "request line: got 'PUT "),
        (lambda each: dataclasses.replace(each, body=each.body + b"x"), "request body: expected 10 bytes"),
        (lambda each: dataclasses.replace(each, headers={**each.headers, "X-A": "1"}), "headers: expected"),
    ],
    ids=["method", "body", "header"],
)
@pytest.mark.parametrize("mode", MODES)
def test_lower_layer(mode: Mode, there: Any, line: str) -> None:
    with new_suite(**corrupting(there)) as suite:
        assert suite.plan(FOREIGN).route is Route.TRANSPORT
        assert line in suite.play(mode, FOREIGN)[0]


class Silent:
    """A transport of both modes that makes its answers up."""

    def send(self, request: HttpRequest, /) -> HttpResponse:
        return OK

    def close(self) -> None: ...


class AsyncSilent:
    """As `Silent`."""

    async def send(self, request: HttpRequest, /) -> HttpResponse:
        return OK

    async def aclose(self) -> None: ...


@pytest.mark.parametrize("mode", MODES)
def test_nothing_sent(mode: Mode) -> None:
    with new_suite(transport=Silent, async_transport=AsyncSilent) as suite:
        assert "message: requests: 0 arrived, 1 were sent" in suite.play(mode, MISSING)
        assert "requests: 0 arrived, 1 was sent" in suite.play(mode, FOREIGN)
        assert "response only: expected no response, got status 200" in suite.play(
            mode, dataclasses.replace(FOREIGN, response=None)
        )


@pytest.mark.parametrize("mode", MODES)
def test_lower_layer_without_an_answer(suite: Suite, mode: Mode) -> None:
    assert suite.play(mode, dataclasses.replace(FOREIGN, response=None)) == []


@pytest.mark.parametrize("mode", MODES)
def test_header_of_an_answer(mode: Mode) -> None:
    with new_suite(**corrupting(back=lambda each: dataclasses.replace(each, headers={}))) as suite:
        found = suite.play(mode, MISSING)
    assert "message: response header vary: expected 'Origin', got None" in found


def test_answer_that_nothing_ends() -> None:
    exchange = BY_ID["http/header/no_host"]
    assert exchange.response is not None
    headers = {name.lower(): value for name, value in exchange.response.headers}
    whole = HttpResponse(400, headers, exchange.response.body)
    assert list(response_mismatches(exchange, whole)) == [
        "response body: read as complete, although nothing defines its end"
    ]
    assert list(response_mismatches(exchange, dataclasses.replace(whole, body_error="no length"))) == []


def test_unknown_content_encoding() -> None:
    response = MISSING.response
    assert response is not None
    with pytest.raises(ValueError, match="'br'"):
        decoded_body(dataclasses.replace(response, headers=(("Content-Encoding", "br"),)))


def test_repeated_answer_headers_are_joined() -> None:
    response = MISSING.response
    assert response is not None
    twice = dataclasses.replace(MISSING, response=dataclasses.replace(response, headers=(("A", "1"), ("a", "2"))))
    found = list(response_mismatches(twice, HttpResponse(404, {"a": "1"}, response.body, "cut")))
    assert found[-1] == "response header a: expected '1, 2', got '1'"


def heard(exchange: Exchange, **error: Any) -> list[str]:
    given = {"code": Code.NOT_FOUND, "message": "twirp error unknown: requested room does not exist", "status": 404}
    code, message = (error.pop(name, given[name]) for name in ("code", "message"))
    made = error.pop("cls", NotFoundError)(code, message, **{"status": 404, "sent": "yes", **error})
    return result_mismatches(exchange, CallResult(None, made, ()), None)


def test_outcomes() -> None:
    unknown = heard(MISSING, cls=UnknownError, code=Code.UNKNOWN)
    assert heard(MISSING) == []
    assert heard(MISSING, sent="maybe") == ["error.sent: expected 'yes', got 'maybe'"]
    assert heard(MISSING, status=405) == ["error.status: expected 404, got 405"]
    assert heard(MISSING, meta={"a": "b"}) == ["error.meta.a: expected nothing, got 'b'"]
    assert "error: expected NotFoundError with not_found, got UnknownError with unknown" in unknown[0]
    assert "error.message: does not contain" in heard(MISSING, message="no")[0]
    token = "twirp error unknown: requested room does not exist eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ.c2ln"
    assert heard(MISSING, message=token) == ["error: shows a token"]


def test_outcomes_without_an_answer() -> None:
    assert "expected a TransportError" in heard(CLOSED)[0]
    assert heard(CLOSED, cls=TransportError, code=Code.UNAVAILABLE, sent="maybe") == []
    assert heard(CLOSED, cls=TransportError, code=Code.UNAVAILABLE, sent="no") == [
        "error.sent: expected 'maybe', got 'no'"
    ]
    answer = CallResult(MAKE_HAT.response(), None, ())
    assert result_mismatches(MISSING, answer, None) == ["outcome: expected an error for status 404, got a message"]
    empty = BY_ID["room/list_rooms/none"]
    assert "expected a message" in heard(empty)[0]
    assert "expected a DecodeError" in heard(BY_ID["http/route/health"])[0]


def test_sdk_without_an_rpc() -> None:
    class NoHats(HatsAPI):
        package = PackageInfo(name="hats", facade="NoHats", services={})

    with Suite(NoHats, AsyncHatsAPI) as suite, pytest.raises(ValueError, match="hats has no RPC"):
        suite.play("sync", MISSING)


def test_outside_of_its_block() -> None:
    suite = new_suite()
    with pytest.raises(RuntimeError, match="inside its 'with' block"):
        suite.play("sync", MISSING)
    with suite:
        assert suite.play("sync", MISSING) == []
    with suite:
        assert suite.play("async", MISSING) == []
