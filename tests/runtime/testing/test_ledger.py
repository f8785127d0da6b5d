"""The ledger by itself: numbers, keys, bounds."""

from __future__ import annotations

import threading

import pytest

from twirpkit.testing import Entry, Ledger


def entry(call: str | None = None, key: bytes | None = None) -> Entry:
    return Entry(0, call, 1, "POST", "/", 1, 0, key)


def test_reads_are_copies() -> None:
    ledger = Ledger()
    mine = entry("a")
    ledger.open(mine)
    ledger.entries()[0].call = "other"
    assert ledger.of("a") == [mine]
    assert ledger.of("other") == []


def test_it_is_settled_when_nothing_is_under_way() -> None:
    ledger = Ledger()
    one, two = entry(), entry()
    for each in (one, two):
        ledger.open(each)
    ledger.close(one)
    ledger.close(one)
    with pytest.raises(TimeoutError, match="1 requests were still in progress"):
        ledger.settled(0.01)
    closer = threading.Timer(0.02, ledger.close, (two,))
    closer.start()
    assert [each.number for each in ledger.settled()] == [0, 1]
    closer.join()
    broken = two.broken
    ledger.close(two)
    assert two.broken == broken


def test_an_answered_request_is_not_broken() -> None:
    ledger = Ledger()
    mine = entry()
    ledger.open(mine)
    ledger.begin_response(mine, 200)
    ledger.finish_head(mine)
    ledger.finish_response(mine, None)
    ledger.close(mine)
    assert (mine.status, mine.content, mine.broken) == (200, None, None)
    assert mine.received <= (mine.head_written or 0) <= (mine.response_written or 0)


def test_a_key_is_executed_once() -> None:
    ledger = Ledger()
    entries = [entry("a", b"k"), entry("a", b"k"), entry("a", b"l"), entry("a"), entry("a")]
    for each in entries:
        ledger.open(each)
        ledger.execute(each)
    assert [each.executed is not None for each in entries] == [True, False, True, True, True]
    assert [each.repeated for each in entries] == [False, True, False, False, False]


def test_memory_is_bounded() -> None:
    ledger = Ledger(limit=3)
    for number in range(10):
        mine = entry(f"call-{number // 2}", b"k%d" % (number % 3))
        ledger.open(mine)
        ledger.execute(mine)
        ledger.close(mine)
    assert (ledger.total, ledger.dropped) == (10, 7)
    assert [(each.number, each.call, each.attempt) for each in ledger.entries()] == [
        (7, "call-3", 2),
        (8, "call-4", 1),
        (9, "call-4", 2),
    ]
    assert set(ledger._attempts) == {"call-3", "call-4"}
    assert len(ledger._executed) <= 3
