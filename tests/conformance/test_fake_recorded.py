"""FakeLiveKit against the recordings of a real server: it agrees, or the difference is listed with its reason."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_differences import DIFFERENT, NOT_SENT
from fake_replay import Replay, differences

from twirpkit.conformance import load

FILES = ("room", "http", "egress", "ingress", "sip", "agent_dispatch")
AGREE = {"room": 163, "http": 111, "egress": 61, "ingress": 40, "sip": 146, "agent_dispatch": 28}
"""How many exchanges of each file get the recorded response from the fake."""


@pytest.mark.parametrize("name", FILES)
def test_the_fake_responds_as_the_server_did(name: str) -> None:
    replay = Replay()
    wrong: dict[str, list[str]] = {}
    agree = 0
    for exchange in load(Path(__file__).parent / "fixtures" / f"{name}.jsonl"):
        if exchange.response is None or exchange.id in NOT_SENT:
            continue
        found = differences(exchange, replay.respond(exchange), replay.ids)
        if bool(found) is not (exchange.id in DIFFERENT):
            wrong[exchange.id] = found or ["it agrees, and is listed as different"]
        agree += not found
    assert wrong == {}
    assert agree == AGREE[name]


def test_listed_exchanges_exist() -> None:
    ids = {each.id for name in FILES for each in load(Path(__file__).parent / "fixtures" / f"{name}.jsonl")}
    assert (NOT_SENT.keys() | DIFFERENT.keys()) <= ids
    assert NOT_SENT.keys().isdisjoint(DIFFERENT)
    assert sum(AGREE.values()) + len(NOT_SENT) + len(DIFFERENT) == 593
