"""The checker: what fits is silent, and each contradiction has its name."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf.wrappers_pb2 import Int32Value

from twirpkit import Code, DeadlineExceededError, RetryClass, TransportError, TwirpError, UnavailableError
from twirpkit.errors import DecodeError, Sent
from twirpkit.testing import Entry, Ledger, Outcomes, Rule, check
from twirpkit.testing.ledger import digest

HAT = Int32Value(value=3)
CONTENT = digest(HAT.SerializeToString())


def entry(call: str | None = "c", **facts: Any) -> Entry:
    made = Entry(0, call, 1, "POST", "/", 1, 0, received=1.0)
    for name, value in facts.items():
        setattr(made, name, value)
    return made


def answered(status: int = 200, at: float = 2.0, **facts: Any) -> Entry:
    content = CONTENT if status == 200 else None
    executed = 1.5 if status == 200 else None
    return entry(
        **{
            "status": status,
            "executed": executed,
            "head_written": at,
            "response_written": at,
            "content": content,
            **facts,
        }
    )


def broken(**facts: Any) -> Entry:
    return entry(**{"broken": 2.0, **facts})


def unavailable(sent: Sent, attempts: int = 1, status: int | None = 503, request_id: str | None = "c") -> TwirpError:
    kind = UnavailableError if status else TransportError
    return kind(Code.UNAVAILABLE, "no", status=status, attempts=attempts, sent=sent, request_id=request_id)


def late(sent: Sent = "maybe", status: int | None = None) -> TwirpError:
    return DeadlineExceededError(Code.DEADLINE_EXCEEDED, "late", status=status, attempts=1, sent=sent, request_id="c")


Tell = Callable[[Outcomes, RetryClass], None]


def success(message: Any = HAT) -> Tell:
    return lambda outcomes, retry: outcomes.success("c", retry, message)


def failure(error: BaseException) -> Tell:
    return lambda outcomes, retry: outcomes.failure("c", retry, error)


def abandoned(outcomes: Outcomes, retry: RetryClass) -> None:
    outcomes.abandoned("c", retry)


READ, IDEMPOTENT, KEYED, NEVER = RetryClass.READ, RetryClass.IDEMPOTENT, RetryClass.KEYED, RetryClass.NEVER

EXPLAINED: dict[str, tuple[Tell, RetryClass, list[Entry]]] = {
    "a success": (success(), NEVER, [answered()]),
    "a success, as bytes": (success(HAT.SerializeToString()), NEVER, [answered()]),
    "a success after a failure": (success(), READ, [broken(), answered(503), answered()]),
    "an idempotent call executed twice": (success(), IDEMPOTENT, [broken(executed=1.5), answered()]),
    "a repeat that the server dropped": (
        success(),
        KEYED,
        [broken(executed=1.5, key=b"k"), answered(executed=None, repeated=True, key=b"k")],
    ),
    "never, sent elsewhere after a pin": (success(), NEVER, [answered(451), answered()]),
    "nothing sent": (failure(unavailable("no", status=None)), NEVER, []),
    "late before sending": (failure(late("no")), NEVER, []),
    "an error": (failure(unavailable("yes")), NEVER, [answered(503)]),
    "an error without its body": (failure(unavailable("yes")), NEVER, [broken(status=503, head_written=2.0)]),
    "an error after a failure": (failure(unavailable("maybe", 2)), READ, [broken(), answered(503)]),
    "a failure": (failure(unavailable("maybe", status=None)), NEVER, [broken()]),
    "a cut success": (failure(unavailable("maybe", status=None)), NEVER, [broken(status=200, head_written=2.0)]),
    "a failure that the server did not see": (failure(unavailable("maybe", status=None)), NEVER, []),
    "late": (failure(late()), NEVER, [answered()]),
    "a wrong success": (
        failure(DecodeError(Code.INTERNAL, "", status=200, attempts=1, sent="yes", request_id="c")),
        NEVER,
        [answered(content=None)],
    ),
    "a success that is too large": (
        failure(DecodeError(Code.INTERNAL, "", status=200, attempts=2, sent="yes", request_id="c")),
        READ,
        [answered(503), broken(status=200, head_written=1.5)],
    ),
    "a success that cannot be taken": (
        failure(unavailable("maybe", status=200)),
        NEVER,
        [answered(content=None)],
    ),
    "an attempt that got a part of the time": (
        failure(unavailable("maybe", 2)),
        READ,
        [answered(503, at=9.0), answered(503, received=5.0, at=6.0)],
    ),
    "a gateway's error": (failure(unavailable("maybe")), NEVER, [answered(503, gateway=True)]),
    "half of an error": (failure(unavailable("maybe")), NEVER, [broken(status=503, head_written=2.0)]),
    "never, signed anew after a refusal": (success(), NEVER, [answered(401), answered()]),
    "no request id known": (failure(unavailable("yes", request_id=None)), NEVER, [answered(503)]),
    "abandoned": (abandoned, NEVER, [broken(executed=1.5)]),
    "abandoned before sending": (abandoned, NEVER, []),
    "a discovery": (success(), NEVER, [entry(None, method="GET"), answered()]),
}

CONTRADICTED: dict[str, tuple[Rule, Tell, RetryClass, list[Entry]]] = {
    "no id": ("a request without a call id", success(), NEVER, [answered(), entry(None)]),
    "an unknown call": ("a request of no known call", success(), NEVER, [answered(), entry("d")]),
    "a key for each attempt": (
        "key changed",
        success(),
        KEYED,
        [broken(key=b"k"), answered(key=b"l")],
    ),
    "keyed and executed twice": (
        "executed twice",
        success(),
        KEYED,
        [broken(executed=1.5, key=b"k"), answered(key=b"k")],
    ),
    "never, abandoned, executed twice": (
        "executed twice",
        abandoned,
        NEVER,
        [answered(451, executed=1.0), answered()],
    ),
    "never, sent again": ("sent again", success(), NEVER, [broken(), answered()]),
    "never, sent again after an answer": ("sent again", success(), NEVER, [answered(503), answered()]),
    "a success of nothing": ("success without execution", success(), READ, [answered(executed=None)]),
    "another's success": ("success without its response", success(Int32Value(value=4)), READ, [answered()]),
    "an empty success": ("success without its response", success(Int32Value()), READ, [answered()]),
    "a success of a cut answer": ("success without its response", success(), READ, [broken(executed=1.5, status=200)]),
    "received all the same": ("sent no, but received", failure(unavailable("no", status=None)), NEVER, [broken()]),
    "late and received": ("sent no, but received", failure(late("no")), NEVER, [broken()]),
    "no answer": ("sent yes, but no response", failure(unavailable("yes")), NEVER, [entry(status=503)]),
    "an attempt broke": (
        "sent yes, but an attempt broke",
        failure(unavailable("yes", 2)),
        READ,
        [broken(), answered(503)],
    ),
    "a gateway's error is none of the server's": (
        "sent yes, but a gateway's error",
        failure(unavailable("yes")),
        NEVER,
        [answered(503, gateway=True)],
    ),
    "a success was cut": (
        "sent yes, but an attempt broke",
        failure(unavailable("yes", 2)),
        READ,
        [broken(status=200, head_written=1.5), answered(503)],
    ),
    "an attempt broke before one that was too large": (
        "sent yes, but an attempt broke",
        failure(DecodeError(Code.INTERNAL, "", status=200, attempts=2, sent="yes", request_id="c")),
        READ,
        [broken(), broken(status=200, head_written=1.5)],
    ),
    "all was answered": ("sent maybe, without a reason", failure(unavailable("maybe")), NEVER, [answered(503)]),
    "all was answered in order": (
        "sent maybe, without a reason",
        failure(unavailable("maybe", 2)),
        READ,
        [answered(503), answered(503, received=5.0, at=6.0)],
    ),
    "a server's own deadline": ("sent maybe, without a reason", failure(late("maybe", 408)), NEVER, [answered(408)]),
    "more requests": ("more requests than attempts", failure(unavailable("yes")), READ, [answered(503), answered(503)]),
    "another status": ("a status that was never sent", failure(unavailable("yes")), NEVER, [answered(500)]),
    "another id": ("another request id", failure(unavailable("yes", request_id="d")), NEVER, [answered(503)]),
    "a library's error": ("an error of another library", failure(OSError()), NEVER, [broken()]),
}


def report(tell: Tell, retry: RetryClass, entries: list[Entry]) -> Any:
    outcomes = Outcomes()
    tell(outcomes, retry)
    return check(entries, outcomes)


@pytest.mark.parametrize("name", EXPLAINED)
def test_explained(name: str) -> None:
    made = report(*EXPLAINED[name])
    assert made.contradictions == [], str(made)
    assert made.calls == 1
    assert made.requests == sum(entry.method == "POST" for entry in EXPLAINED[name][2])


@pytest.mark.parametrize("name", CONTRADICTED)
def test_contradicted(name: str) -> None:
    rule, tell, retry, entries = CONTRADICTED[name]
    made = report(tell, retry, entries)
    assert [each.rule for each in made.contradictions] == [rule], str(made)
    (found,) = made.contradictions
    assert list(found.entries) == [each for each in entries if rule[:2] != "a " or each.call != "c" or "status" in rule]
    assert rule in str(made)
    assert "1 contradictions" in str(made)
    assert f"server: {found.entries[0]}" in str(found)


def test_kinds_are_counted() -> None:
    outcomes = Outcomes()
    outcomes.success("a", NEVER, b"")
    outcomes.failure("b", NEVER, unavailable("no", status=None))
    outcomes.failure("c", READ, asyncio.CancelledError())
    outcomes.abandoned("d", KEYED)
    kinds = check([], outcomes).kinds
    assert kinds == {"never success": 1, "never failure no": 1, "read foreign": 1, "keyed abandoned": 1}


def test_a_call_has_one_outcome() -> None:
    outcomes = Outcomes()
    outcomes.success("a", NEVER, b"")
    with pytest.raises(ValueError, match="'a' already has an outcome"):
        outcomes.abandoned("a", NEVER)


def test_a_ledger_that_lost_entries_is_refused() -> None:
    ledger = Ledger(limit=1)
    for number in range(2):
        ledger.open(entry(str(number)))
    with pytest.raises(ValueError, match="dropped 1 entries"):
        check(ledger, Outcomes())


def test_a_ledger_that_is_settled() -> None:
    ledger = Ledger()
    mine = entry()
    ledger.open(mine)
    ledger.close(mine)
    outcomes = Outcomes()
    outcomes.failure("c", NEVER, unavailable("maybe", status=None))
    assert check(ledger, outcomes).contradictions == []
