"""Every answer of the table, over both clients: through a scripted transport, and from a socket."""

from __future__ import annotations

import asyncio
import http
import pickle
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from answer_cases import CASES, HINT, JWT, OPAQUE, Case
from scripted import Opened, every_text, failure_of

from livekit_twirp import AsyncLiveKitAPI, LiveKitAPI
from twirpkit import Code, HttpResponse, TwirpError, error_class
from twirpkit.answers import error_from_response, redact
from twirpkit.conformance import ReplayServer
from twirpkit.headers import Secret

ON_THE_WIRE = [case for case in CASES if case.flaw is None and not case.scripted_only]


def check(case: Case, error: TwirpError) -> None:
    assert type(error) is case.error
    assert error.code is case.code
    assert error.status == case.status
    assert error.sent == case.sent
    assert error.attempts == 1
    assert error.request_id == "id-of-this-call"
    assert error.__cause__ is None
    if case.message is not None:
        assert error.message == case.message
    if case.meta is not None:
        assert error.meta == case.meta
    assert [part for part in case.says if part not in str(error)] == []
    assert len(str(error)) <= len(error.code) + 2 + 512 + 1
    assert len(error.message) <= 64 * 1024 + 512 + 200
    assert max([0, *(len(text.encode()) for item in error.meta.items() for text in item)]) <= 64 * 1024
    assert [text for text in every_text(error) if case.token in text] == []
    assert case.token.encode() not in pickle.dumps(error)


def test_the_table_is_large_and_its_names_are_unique() -> None:
    assert len(CASES) >= 150
    assert [name for name, count in Counter(map(str, CASES)).items() if count > 1] == []


@pytest.mark.parametrize("case", CASES, ids=str)
def test_through_a_script(livekit: Callable[..., Opened], case: Case) -> None:
    opened = livekit(HttpResponse(case.status, case.headers, case.body, case.flaw), token=case.token)
    options: Any = {"name": "standup", "extra_headers": {"X-Livekit-Request-Id": "id-of-this-call"}}

    if case.answer is not None:
        assert opened.room("create_room", **options) == case.answer
    else:
        check(case, failure_of(opened.room, "create_room", **options))
    assert len(opened.requests) == 1


@pytest.fixture(scope="module")
def server() -> Iterator[ReplayServer]:
    with ReplayServer() as server:
        yield server


@pytest.fixture(scope="module")
def sync_calls(server: ReplayServer) -> Iterator[Callable[..., Any]]:
    with LiveKitAPI(server.url, auth=lambda method, message: f"Bearer {TOKEN[0]}", retry=False) as client:
        yield client.room.create_room


@pytest.fixture(scope="module")
def async_calls(server: ReplayServer) -> Iterator[Callable[..., Any]]:
    with asyncio.Runner() as runner:
        client = AsyncLiveKitAPI(server.url, auth=lambda method, message: f"Bearer {TOKEN[0]}", retry=False)
        yield lambda **options: runner.run(client.room.create_room(**options))
        runner.run(client.aclose())


TOKEN = [JWT]
"""What the clients of this module send: one client serves all cases, so that connections are used again."""


@pytest.mark.parametrize("calls", ["sync_calls", "async_calls"])
@pytest.mark.parametrize("case", ON_THE_WIRE, ids=str)
def test_from_a_socket(server: ReplayServer, request: pytest.FixtureRequest, calls: str, case: Case) -> None:
    TOKEN[0] = case.token
    server.answer_with(on_the_wire(case))
    call = request.getfixturevalue(calls)
    options: Any = {"name": "standup", "extra_headers": {"X-Livekit-Request-Id": "id-of-this-call"}}

    if case.answer is not None:
        assert call(**options) == case.answer
    else:
        check(case, failure_of(call, **options))


def on_the_wire(case: Case) -> bytes:
    lines = [f"HTTP/1.1 {case.status} {http.HTTPStatus.OK.phrase}"]
    lines += [f"{name}: {value}" for name, value in case.headers.items()]
    if case.status not in (204, 304):
        lines.append(f"Content-Length: {len(case.body)}")
    return "\r\n".join([*lines, "", ""]).encode() + case.body


def test_every_status_but_200_is_an_error() -> None:
    by_status = {400: Code.INTERNAL, 401: Code.UNAUTHENTICATED, 403: Code.PERMISSION_DENIED, 404: Code.BAD_ROUTE}
    by_status |= {429: Code.RESOURCE_EXHAUSTED, 502: Code.UNAVAILABLE, 503: Code.UNAVAILABLE, 504: Code.UNAVAILABLE}
    for status in range(100, 600):
        expected = Code.INTERNAL if 300 <= status <= 399 else by_status.get(status, Code.UNKNOWN)

        error = error_from_response(HttpResponse(status, {}, b"no"))

        assert (status, type(error), error.code) == (status, error_class(expected), expected)
        assert (error.status, error.meta["status_code"]) == (status, str(status))
        assert f"HTTP {status}" in str(error)


def test_a_client_that_is_too_new_is_hinted_at_without_hiding_the_servers_words(livekit: Callable[..., Opened]) -> None:
    opened = livekit(HttpResponse(404, {}, b"404 page not found"))

    shown = str(failure_of(opened.room))

    assert shown == f"bad_route: HTTP 404 without a Twirp error: '404 page not found'{HINT}"


@pytest.mark.parametrize(
    ("authorization", "text", "shown"),
    [
        (None, f"a {JWT} b", "a <token> b"),
        (None, f"a {OPAQUE} b", f"a {OPAQUE} b"),
        (f"Bearer {OPAQUE}", f"a {OPAQUE} b", "a <token> b"),
        (f"Bearer {OPAQUE}", f"a Bearer {OPAQUE} b", "a <token> b"),
        (f"Token {OPAQUE}", f"a Bearer {OPAQUE} b", "a Bearer <token> b"),
        (OPAQUE, f"a {OPAQUE} b", "a <token> b"),
        ("Basic dXNlcjpwYXNz", "Basic dXNlcjpwYXNz dXNlcjpwYXNz", "<token> <token>"),
        ("Digest a, b", "x a, b x Digest", "x <token> x Digest"),
        ("Bearer n", "token n", "toke<token> <token>"),
        ("Bearer ", "no credential, nothing hidden", "no credential, nothing hidden"),
        (None, f"{JWT}{JWT}", "<token>"),
        (None, f"{JWT},{JWT}", "<token>,<token>"),
        (None, f"id=7.{JWT}", "id=7.<token>"),
        (None, "eyJ.eyJ.", "eyJ.eyJ."),
        (None, "abc.eyJh.bcd.efg", "abc.<token>"),
        (None, "eyJhbGciOiJub25lIn0.", "<token>"),
    ],
)
def test_redaction(authorization: str | None, text: str, shown: str) -> None:
    assert redact(text, None if authorization is None else Secret(authorization)) == shown
