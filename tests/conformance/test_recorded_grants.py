"""The policy table beside what the real server granted and refused."""

from __future__ import annotations

from typing import Any

import pytest
from recordings import EXCHANGES, TEMPLATES, filled

from livekit_twirp.grants import GRANTS
from twirpkit.conformance import Exchange, Suite

OPEN_SOURCE = {f"livekit.{name}" for name in ("RoomService", "Egress", "Ingress", "SIP", "AgentDispatchService")}
"""The services that the recorded server has."""

ELSEWISE = {
    "room/update_participant/limits_before_auth": "sizes are checked before grants",
    "room/list_participants/grants_both_empty": "no room in the request and none in the token are equal",
}
"""Exchanges in which a token without the row's claims was not refused, with the server's reason."""


def test_each_row_is_what_the_server_found_enough() -> None:
    assert {rpc: row for rpc, row in GRANTS.items() if rpc in TEMPLATES} == TEMPLATES
    assert {rpc for rpc in GRANTS if rpc.partition("/")[0] in OPEN_SOURCE} == TEMPLATES.keys()


@pytest.mark.parametrize("exchange", [each for each in EXCHANGES if each.id.startswith("room/")], ids=str)
def test_server_grants_what_holds_the_row_and_refuses_all_else(suite: Suite, exchange: Exchange) -> None:
    message, response = suite.plan(exchange).message, exchange.response
    assert response is not None
    if message is None:  # its body is not stored, and what it was refused for is its size
        assert response.status == 400
        return
    assert exchange.rpc is not None
    enough = _holds(exchange.claims, filled(GRANTS[exchange.rpc], message))
    granted = response.status not in (401, 403)
    assert granted is (enough or exchange.id in ELSEWISE)
    assert not (enough and exchange.id in ELSEWISE)


def _holds(claims: Any, row: Any) -> bool:
    """Whether a token has every claim of a row; more do no harm."""
    if isinstance(row, dict):
        return isinstance(claims, dict) and all(name in claims and _holds(claims[name], row[name]) for name in row)
    return type(claims) is type(row) and bool(claims == row)
