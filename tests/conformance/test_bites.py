"""The suite must go red: one byte, one claim, one header changed at a time, and nothing may pass."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import re
from collections.abc import Iterator
from typing import Any

import pytest
from corrupting_transports import Change, corrupting
from recordings import BY_ID, CLOUD, EXCHANGES, KEY, MODES, SECRET, TEMPLATES, expected_claims, new_suite

from twirpkit import HttpRequest, Method
from twirpkit.conformance import Exchange, Mode, RequestForm, SignedTokens, Suite

TEN = (
    "room/list_rooms/none",
    "room/create_room/all_fields",
    "room/get_participant/with_tracks",
    "room/perform_rpc/success",
    "room/delete_room/missing",
    "room/create_room/agent_attributes_too_large",
    "room/mute_published_track/missing_participant",
    "room/perform_rpc/own_error",
    "http/auth/unknown_key",
    "http/auth/garbage",
)
"""Successes with a message and without, Twirp errors with meta and without, plain text."""
GUARDED = [each for each in EXCHANGES if each.id.endswith("/grants_minimal")]


def changed_bytes(raw: bytes) -> Iterator[tuple[str, bytes]]:
    """The answer with one byte of its status, Content-Length or body changed, and what was changed."""
    length = re.search(rb"\r\nContent-Length: (\d+)\r\n", raw)
    assert length is not None
    for position in (*range(9, 12), *range(*length.span(1))):
        for other in (b"%d" % ((raw[position] - 47) % 10), b"x"):
            yield f"byte {position} is now {other!r}", raw[:position] + other + raw[position + 1 :]
    for position in range(raw.index(b"\r\n\r\n") + 4, len(raw)):
        other = bytes([raw[position] ^ 1])
        yield f"byte {position} is now {other!r}", raw[:position] + other + raw[position + 1 :]


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("exchange", [BY_ID[each] for each in TEN], ids=str)
def test_no_byte_of_an_answer_may_change(suite: Suite, mode: Mode, exchange: Exchange) -> None:
    assert exchange.response is not None
    assert suite.play(mode, exchange, forms=[RequestForm.MESSAGE]) == []
    passed = []
    for what, raw in changed_bytes(exchange.response.raw):
        changed = dataclasses.replace(exchange, response=dataclasses.replace(exchange.response, raw=raw))
        if not suite.play(mode, changed, forms=[RequestForm.MESSAGE]):
            passed.append(what)
    assert passed == []


def changed_claims(template: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The row with one claim dropped, renamed, or of another value, and with one too many."""
    yield "no claims", {}
    yield "sub too", {**template, "sub": ""}
    for section, claims in template.items():
        yield f"{section} renamed", {f"{section}s": claims}
        yield f"{section}.canPublish too", {section: {**claims, "canPublish": True}}
        for name, value in claims.items():
            rest = {other: each for other, each in claims.items() if other != name}
            yield f"{section}.{name} dropped", {section: rest}
            yield f"{section}.{name} renamed", {section: {**rest, name.lower() + "s": value}}
            for other in (False, 1, "true", "", "elsewhere", None):
                yield f"{section}.{name} is {other!r}", {section: {**rest, name: other}}


@contextlib.contextmanager
def granted(method: Method[Any, Any], row: dict[str, Any]) -> Iterator[None]:
    """The RPC with another policy row."""
    before = method.grants
    object.__setattr__(method, "grants", row)  # the constant is frozen
    try:
        yield
    finally:
        object.__setattr__(method, "grants", before)


@pytest.mark.slow  # hundreds of changes do together
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("exchange", GUARDED, ids=str)
def test_no_claim_of_a_row_may_change(suite: Suite, mode: Mode, exchange: Exchange) -> None:
    rpc, path = suite.plan(exchange).rpc, exchange.rpc
    assert rpc is not None
    assert path is not None
    passed = []
    for what, row in changed_claims(copy.deepcopy(TEMPLATES[path])):
        # A suite of its own for each row, because clients keep what they have read of an RPC's row.
        with granted(rpc.method, row), new_suite() as fresh:
            if not any("claims: " in each for each in fresh.play(mode, exchange, forms=[RequestForm.MESSAGE])):
                passed.append(what)
    assert passed == []


def test_every_row_is_changed(suite: Suite) -> None:
    targets = {each.request.target for each in EXCHANGES}
    known = [suite.catalogue.by_target(each) for each in targets]
    assert {each.rpc for each in GUARDED} == {each.method.path for each in known if each is not None} - CLOUD.keys()
    assert len(GUARDED) == 47


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("tokens", "line"),
    [
        (SignedTokens(KEY, SECRET + "!", expected_claims), "signature"),
        (SignedTokens("otherkey", SECRET, expected_claims), "iss"),
        (SignedTokens(KEY, SECRET, expected_claims, lifetime=599), "exp"),
        (SignedTokens(KEY, SECRET, expected_claims, backdated=120), "nbf"),
    ],
    ids=["signature", "issuer", "lifetime", "start"],
)
def test_no_other_part_of_a_token_may_change(mode: Mode, tokens: SignedTokens, line: str) -> None:
    with new_suite(authorization=tokens) as suite:
        found = suite.play(mode, BY_ID["room/list_rooms/all"], forms=[RequestForm.MESSAGE])
    assert len(found) == 1
    assert line in found[0]


def header(name: str, value: str | None) -> Change:
    def change(request: HttpRequest) -> HttpRequest:
        headers = {key: each for key, each in request.headers.items() if key != name}
        return dataclasses.replace(request, headers=headers if value is None else {**headers, name: value})

    return change


CHANGES: dict[str, Change] = {
    "method": lambda request: dataclasses.replace(request, method="PUT"),
    "path": lambda request: dataclasses.replace(request, url=request.url[:-1]),
    "prefix": lambda request: dataclasses.replace(request, url=request.url.replace("/twirp/", "/")),
    "field": lambda request: dataclasses.replace(request, body=request.body.replace(b"studio", b"studia")),
    "unknown field": lambda request: dataclasses.replace(request, body=request.body + b"\xf2\x3f\x01x"),
    "no body": lambda request: dataclasses.replace(request, body=b""),
    "no message": lambda request: dataclasses.replace(request, body=b"\xff"),
    "Content-Type": header("Content-Type", "application/json"),
    "Accept": header("Accept", "*/*"),
    "Accept-Encoding": header("Accept-Encoding", "identity"),
    "User-Agent": header("User-Agent", "python-requests/2.34.2"),
    "no Accept": header("Accept", None),
    "no token": header("Authorization", None),
    "another token": header("Authorization", "Bearer a.b.c"),
    "no request id": header("X-Livekit-Request-Id", None),
    "one header more": header("Cookie", "a=b"),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_no_part_of_a_request_may_change(mode: Mode, change: Change) -> None:
    exchange = BY_ID["room/update_participant/everything"]
    with new_suite(**corrupting(change)) as suite:
        assert suite.play(mode, exchange, forms=[RequestForm.MESSAGE]) != []


def test_nothing_is_red_where_nothing_changes() -> None:
    exchange = BY_ID["room/update_participant/everything"]
    with new_suite(**corrupting()) as it:
        assert it.play("sync", exchange) == it.play("async", exchange) == []
