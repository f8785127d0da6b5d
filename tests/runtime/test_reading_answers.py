"""What is read from an answer, without a client: the table's plain rows, every status, and what looks like a token."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from cases import CASES, Case
from cases.case import JWT, OPAQUE, ROOM, twirp
from cases.play import REQUEST_ID, RPC_OF, check

from twirpkit import Code, DecodeError, HttpResponse, TwirpError, error_class
from twirpkit._protocol.server_text import redact, text_cleaner
from twirpkit._protocol.twirp_responses import message_from_response, read_error
from twirpkit._secret import Secret

PLAIN = [
    case
    for case in CASES
    if case.compared and not case.script and case.rule != "A13" and "content-encoding" not in case.headers
]
"""Rows of one plain answer, which a transport gives as it came."""


def error_from_response(
    response: HttpResponse, *, secret: Secret | None = None, private: Iterable[str] = ()
) -> TwirpError:
    """Build the error of a response without a call."""
    error = read_error(response)
    message, meta = error.describe(text_cleaner(secret, private), text_cleaner(secret))
    return error_class(error.code)(error.code, message, meta=meta, status=response.status)


@pytest.mark.parametrize("case", PLAIN, ids=str)
def test_plain_rows(case: Case) -> None:
    """Status, headers and body decide alone: no transport and no call has a part in it."""
    assert case.status is not None
    response = HttpResponse(case.status, case.headers, case.body)
    secret = Secret(f"Bearer {case.token}")

    if case.status != 200:
        outcome: object = error_from_response(response, secret=secret)
    else:
        outcome = message_from_response(type(ROOM), response, secret=secret)
        if isinstance(outcome, str):
            outcome = DecodeError(Code.INTERNAL, outcome, status=200)

    if case.answer is not None:
        assert outcome == case.answer
    else:
        assert isinstance(outcome, TwirpError), f"an answer came: {outcome!r}"
        # What the call knows.
        outcome.attempts, outcome.sent, outcome.request_id = 1, case.sent, REQUEST_ID
        outcome.rpc, outcome.url = RPC_OF[case.call], f"https://h/twirp/{RPC_OF[case.call]}"
        check(case, outcome)


def test_every_status_but_200_is_an_error() -> None:
    by_status = {400: Code.INTERNAL, 401: Code.UNAUTHENTICATED, 403: Code.PERMISSION_DENIED, 404: Code.BAD_ROUTE}
    by_status |= {429: Code.RESOURCE_EXHAUSTED, 502: Code.UNAVAILABLE, 503: Code.UNAVAILABLE, 504: Code.UNAVAILABLE}
    for status in range(100, 600):
        expected = Code.INTERNAL if 300 <= status <= 399 else by_status.get(status, Code.UNKNOWN)

        error = error_from_response(HttpResponse(status, {}, b"no"))

        assert (status, type(error), error.code) == (status, error_class(expected), expected)
        assert (error.status, error.meta["status_code"]) == (status, str(status))
        assert f"HTTP {status}" in str(error)


@pytest.mark.parametrize("private", [["bob", "bobby", "tok"], ["bobby", "tok", "bob"]])
def test_private_texts_of_the_request_do_not_show(private: list[str]) -> None:
    text = "bobby or bob? not bobby or bobbin, says token-of-the-day"
    body = twirp("invalid_argument", text, meta={"bob": "bobby"})

    error = error_from_response(HttpResponse(400, {}, body), secret=Secret("Bearer token-of-the-day"), private=private)

    assert error.message == "<redacted> or <redacted>? not <redacted> or bobbin, says <token>"
    assert error.meta == {"bob": "<redacted>"}  # keys are names of the server's, which callers look for


def test_a_flaw_is_told_without_the_token_in_it() -> None:
    error = error_from_response(HttpResponse(502, {}, b"busy", f"cut at {OPAQUE}"), secret=Secret(f"Bearer {OPAQUE}"))

    assert error.message == "HTTP 502, not from a Twirp server (cut at <token>): 'busy'"


@pytest.mark.parametrize(
    ("authorization", "text", "shown"),
    [
        (None, f"a {JWT} b", "a <token> b"),
        (None, f"a {OPAQUE} b", f"a {OPAQUE} b"),
        (f"Bearer {OPAQUE}", f"a {OPAQUE} b", "a <token> b"),
        (f"Bearer {OPAQUE}", f"a Bearer {OPAQUE} b", "a <token> b"),
        (f"Token {OPAQUE}", f"a Bearer {OPAQUE} b", "a Bearer <token> b"),
        (OPAQUE, f"a {OPAQUE} b", "a <token> b"),
        ("Basic dXNlcjpwYXNzd29yZA", "Basic dXNlcjpwYXNzd29yZA dXNlcjpwYXNzd29yZA", "<token> <token>"),
        ("Digest a=1, b=2, c=345678", "x a=1, b=2, c=345678 x Digest", "x <token> x Digest"),
        ("Bearer n", "token n", "token n"),
        ("Bearer of-15-letters---", "of-15-letters---", "<token>"),
        ("Bearer of-15-letters--", "of-15-letters--", "of-15-letters--"),
        ("Bearer ", "no credential, nothing hidden", "no credential, nothing hidden"),
        (None, f"{JWT}{JWT}", "<token>"),
        (None, f"{JWT},{JWT}", "<token>,<token>"),
        (None, f"id=7.{JWT}", "id=7.<token>"),
        (None, "eyJ.eyJ.", "eyJ.eyJ."),
        (None, "abc.eyJh.bcd.efg", "abc.<token>"),
        (None, "eyJhbGciOiJub25lIn0.", "<token>"),
        (None, "from v1.x22.eyJhbGciOiJIUzI1.c2lnbmF0dXJl on", "from v1.x22.<token> on"),
        (None, "ask Ada-viewonly.example.com", "ask Ada-viewonly.example.com"),
    ],
)
def test_redaction(authorization: str | None, text: str, shown: str) -> None:
    assert redact(text, None if authorization is None else Secret(authorization)) == shown
