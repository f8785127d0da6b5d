"""Every recorded exchange, through both clients and over all transports."""

from __future__ import annotations

import importlib.metadata
from collections import Counter

import pytest
from recordings import CLIENTS, EXCHANGES
from unsendable_exchanges import BY_TRANSPORT, RESPONSE_ONLY

from twirpkit.conformance import Exchange, Mode, RequestForm, Route, Suite
from twirpkit.conformance.request_forms import arguments

NOT_BY_HTTPX = {
    "http/auth/empty_bearer": [
        "requests: 0 arrived, 1 was sent",
        "expected a response, got none: there was no response: LocalProtocolError: Illegal header value b'Bearer '",
    ]
}
"""Exchanges whose request httpx refuses to send, and the mismatches. Once it sends one, its row here fails."""
OLD_REQUESTS = tuple(map(int, importlib.metadata.version("requests").split(".")[:2])) < (2, 34)
NOT_BY_OLD_REQUESTS = {
    "http/route/double_slash_first": [
        "request line: got 'POST /twirp/livekit.RoomService/ListRooms HTTP/1.1'",
    ]
}
"""Exchanges that requests sends in another way before 2.34, which takes slashes at the start of a path for one."""


@pytest.mark.parametrize(("library", "mode"), CLIENTS)
@pytest.mark.parametrize("exchange", EXCHANGES, ids=str)
def test_conforms(suites: dict[str, Suite], library: str, mode: Mode, exchange: Exchange) -> None:
    limits = NOT_BY_HTTPX if library == "httpx" else {}
    if OLD_REQUESTS and (library, mode) == ("requests and aiohttp", "sync"):
        limits = NOT_BY_OLD_REQUESTS
    assert suites[library].play(mode, exchange) == limits.get(exchange.id, [])


def test_lists_say_what_no_client_can_send(suite: Suite) -> None:
    plans = {each.id: suite.plan(each) for each in EXCHANGES}
    assert {name: plan.reason for name, plan in plans.items() if plan.route is Route.TRANSPORT} == BY_TRANSPORT
    assert {name: plan.reason for name, plan in plans.items() if plan.route is Route.RESPONSE} == RESPONSE_ONLY


def test_counts_are_pinned(suite: Suite) -> None:
    assert Counter(each.id.partition("/")[0] for each in EXCHANGES) == {
        "room": 173,
        "http": 121,
        "egress": 73,
        "ingress": 45,
        "sip": 149,
        "agent_dispatch": 32,
        "mock": 139,
    }
    assert Counter(suite.plan(each).route for each in EXCHANGES) == {
        Route.CLIENT: 639,
        Route.TRANSPORT: 83,
        Route.RESPONSE: 10,
    }


def test_every_form_is_played(suite: Suite) -> None:
    """Two recorded requests hold a field that the schema lacks: only a message can say that."""
    unsaid: Counter[RequestForm] = Counter()
    for exchange in EXCHANGES:
        plan = suite.plan(exchange)
        if plan.message is not None:
            unsaid.update(form for form in RequestForm if arguments(form, plan.message, _any_fields) is None)
    assert unsaid == {RequestForm.MAPPING: 2, RequestForm.KEYWORDS: 2}


def _any_fields(
    request: object = None, /, *, timeout: object = None, extra_headers: object = None, **fields: object
) -> None:
    """The signature of every generated method."""
