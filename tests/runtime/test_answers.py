"""Every row of the table (tests/runtime/cases), over both clients and at the socket."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cases import CASES, KNOWN_FAILURES, Case
from cases.case import HINT, JWT, OPAQUE, ROOM
from cases.play import CLIENTS, REQUEST_ID, Player, Stage, check
from scripted import Opened, failure_of

from twirpkit import Code, HttpResponse, TwirpError, error_class
from twirpkit.answers import error_from_response, message_from_response, redact
from twirpkit.headers import Secret

GO: dict[str, str] = json.loads(Path(__file__).with_name("cases").joinpath("go", "outcomes.json").read_text())
"""By row: the code of Go's error, or its answer in hexadecimal digits after ``ok:``."""
ALONE = [
    case
    for case in CASES
    if case.compared and not case.script and case.rule != "A13" and "content-encoding" not in case.headers
]
"""Rows of one plain answer, which a transport gives as it came."""


@pytest.fixture(scope="module")
def players() -> Iterator[dict[str, Player]]:
    with Stage() as stage:
        players = {client: Player(stage, client) for client in CLIENTS}
        yield players
        for player in players.values():
            player.close()


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_row(players: dict[str, Player], request: pytest.FixtureRequest, client: str, case: Case) -> None:
    if (reason := KNOWN_FAILURES.get(f"{client}: {case}")) is not None:
        request.applymarker(pytest.mark.xfail(reason=reason, strict=True))
    players[client].play(case)


@pytest.mark.parametrize("case", ALONE, ids=str)
def test_without_a_client(case: Case) -> None:
    """Status, headers and body decide alone: no transport and no call has a part in it."""
    assert case.status is not None
    response = HttpResponse(case.status, case.headers, case.body)
    secret = Secret(f"Bearer {case.token}")

    if case.status != 200:
        outcome: object = error_from_response(response, secret=secret)
    else:
        outcome = message_from_response(type(ROOM), response, secret=secret)

    if case.answer is not None:
        assert outcome == case.answer
    else:
        assert isinstance(outcome, TwirpError), f"an answer came: {outcome!r}"
        # What the call knows.
        outcome.attempts, outcome.sent, outcome.request_id = 1, "yes", REQUEST_ID
        check(case, outcome)


def test_the_table_is_large_and_its_names_are_unique() -> None:
    assert len(CASES) >= 500
    assert [name for name, count in Counter(map(str, CASES)).items() if count > 1] == []


def test_differences_from_go_are_marked() -> None:
    """Against what Twirp's Go client v8.1.3 made of each row (tests/runtime/cases/go/record.py)."""
    single = [case for case in CASES if case.compared]
    assert [str(case) for case in single] == list(GO), "record anew: python tests/runtime/cases/go/record.py"
    ours = {
        str(case): case.code.value if case.answer is None else f"ok:{case.answer.SerializeToString().hex()}"
        for case in single
    }
    assert [str(case) for case in single if (ours[str(case)] != GO[str(case)]) != bool(case.go)] == []


def test_known_failures_are_rows() -> None:
    assert sorted(set(KNOWN_FAILURES) - {f"{client}: {case}" for client in CLIENTS for case in CASES}) == []


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
