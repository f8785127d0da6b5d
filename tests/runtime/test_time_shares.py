"""The time that one attempt gets of its call's, over both clients and a scripted transport (rule B2)."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from attempt_outcomes import AT_ONCE, METHODS, answered, endpoint, failed
from clock import Clock
from scripted_transport import Opened, failure_of, open_livekit

from livekit_twirp import ListRoomsResponse, Room
from twirpkit import DeadlineExceededError, Event, Method, Phase, RetryClass, RetryPolicy
from twirpkit._engine.retry import RetryBudget
from twirpkit.rpc import ServerWait
from twirpkit.testing import Request, ScriptedServer, reply

Bare = Callable[..., Opened]
Times = list[tuple[float | None, float | None]]

WAITING: Method[Any, Any] = dataclasses.replace(METHODS["read"], wait=ServerWait("duration", default=15, margin=5))


class Elsewhere:
    """A failover that knows another host, or knows of none until it is asked."""

    nowhere = ""

    def __init__(self, *, known: bool = True) -> None:
        self.known = known

    def relocates(self, *_: Any) -> bool:
        return False

    def knows_another(self, *_: Any) -> bool:
        return self.known

    def next_base_url(self, *_: Any, **__: Any) -> Iterator[Any]:
        yield from ()


def times_of_attempts(opened: Opened, method: Method[Any, Any], **options: Any) -> Times:
    """Return the seconds that each attempt had, and had for connecting, in halves: a machine takes its time."""
    began: list[float] = []

    def note(event: Event) -> None:
        if event.kind == "request":
            began.append(time.monotonic())

    failure_of(opened.with_options(hooks=[note]).call, method, **options)

    def left(moment: float | None, start: float) -> float | None:
        return None if moment is None else round((moment - start) * 2) / 2

    pairs = zip(opened.requests, began, strict=True)
    return [(left(each.deadline, start), left(each.connect_deadline, start)) for each, start in pairs]


@pytest.mark.parametrize("retry", list(RetryClass))
@pytest.mark.parametrize("timeout", [20, 1.5, None])
def test_an_attempt_may_use_all_the_time_of_its_call(bare: Bare, retry: RetryClass, timeout: float | None) -> None:
    opened = bare(endpoint(), failed(Phase.NOT_SENT))

    assert times_of_attempts(opened, METHODS[retry], timeout=timeout) == [(timeout, 5), (timeout, 5), (timeout, None)]


@pytest.mark.parametrize("retry", [False, RetryPolicy(max_attempts=1), RetryPolicy(max_attempts=1, attempt_timeout=3)])
def test_the_only_attempt_may_use_it_for_connecting_too(bare: Bare, retry: Any) -> None:
    opened = bare(endpoint(), failed(Phase.NOT_SENT))

    assert times_of_attempts(opened, METHODS["read"], timeout=20, retry=retry) == [(20, None)]


def test_no_attempt_follows_where_the_retry_budget_is_spent_so_the_first_may_use_all(bare: Bare) -> None:
    budget = RetryBudget()
    for _ in range(100):
        budget.spend("h")
    opened = bare(endpoint(budget=budget, retry=RetryPolicy(attempt_timeout=3)), failed(Phase.NOT_SENT))

    assert times_of_attempts(opened, METHODS["read"], timeout=20) == [(20, None)]


@pytest.mark.parametrize(
    ("known", "method", "times"),
    [
        (True, METHODS["read"], [(10, 5), (10, 5), (20, None)]),
        (True, METHODS["keyed"], [(10, 5), (10, 5), (20, None)]),
        (True, METHODS["never"], [(20, 5), (20, 5), (20, None)]),  # a silence ends the call: it is not repeated
        (True, WAITING, [(20, 5), (20, 5), (20, None)]),  # a phone may ring for so long
        (False, METHODS["read"], [(20, 5), (20, 5), (20, None)]),
    ],
    ids=["read", "keyed", "never", "waiting", "no-other-region-is-known"],
)
def test_half_of_it_where_another_region_is_known(bare: Bare, known: bool, method: Any, times: Times) -> None:
    opened = bare(endpoint(failover=Elsewhere(known=known)), failed(Phase.NOT_SENT))

    assert times_of_attempts(opened, method, timeout=20) == times


def test_a_call_without_a_limit_has_no_half(bare: Bare) -> None:
    opened = bare(endpoint(failover=Elsewhere()), failed(Phase.NOT_SENT))

    assert times_of_attempts(opened, METHODS["read"], timeout=None) == [(None, 5), (None, 5), (None, None)]


@pytest.mark.parametrize(
    ("method", "timeout", "times"),
    [
        (METHODS["read"], 20, [(3, 5), (3, 5), (20, None)]),
        (METHODS["read"], None, [(3, 5), (3, 5), (None, None)]),
        (METHODS["read"], 2, [(2, 5), (2, 5), (2, None)]),
        (METHODS["never"], 20, [(20, 5), (20, 5), (20, None)]),
        (WAITING, 20, [(20, 5), (20, 5), (20, None)]),
    ],
    ids=["read", "no-limit", "longer-than-the-call", "never", "waiting"],
)
def test_a_policy_may_set_the_time_of_an_attempt(bare: Bare, method: Any, timeout: float | None, times: Times) -> None:
    opened = bare(endpoint(retry=RetryPolicy(backoff=0, attempt_timeout=3)), failed(Phase.NOT_SENT))

    assert times_of_attempts(opened, method, timeout=timeout) == times


def test_the_second_attempt_of_an_idempotent_call_in_doubt_may_use_all(bare: Bare) -> None:
    policy = RetryPolicy(backoff=0, attempt_timeout=3)
    opened = bare(endpoint(retry=policy), failed(Phase.NO_ANSWER), answered(503, "unavailable"))

    assert times_of_attempts(opened, METHODS["idempotent"], timeout=20) == [(3, 5), (20, 5), (20, None)]


@pytest.mark.parametrize(
    ("wrong", "kind", "text"),
    [
        (0, ValueError, "attempt_timeout must be above 0 seconds; None means no limit but the call's own"),
        (-1, ValueError, "attempt_timeout must be a finite number of seconds, 0 or more, not -1"),
        (float("inf"), ValueError, "attempt_timeout must be a finite number of seconds, 0 or more, not inf"),
        ("3", TypeError, "attempt_timeout must be a number of seconds, not str"),
        (True, TypeError, "attempt_timeout must be a number of seconds, not bool"),
    ],
)
def test_a_wrong_time_of_an_attempt_is_refused(wrong: Any, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=f"^{text}$"):
        RetryPolicy(attempt_timeout=wrong)


def test_the_text_says_whose_time_was_over(bare: Bare) -> None:
    errors: list[Any] = []

    def note(event: Event) -> None:
        if event.kind == "response":
            errors.append((getattr(event.error, "message", None), event.attempt))

    policy = RetryPolicy(backoff=0, attempt_timeout=3)
    opened = bare(endpoint(retry=policy), failed(Phase.NO_ANSWER, timed_out=True))
    whole = failure_of(opened.with_options(hooks=[note]).call, METHODS["read"], timeout=20)
    unlimited = failure_of(opened.call, METHODS["never"], timeout=None)

    share = "no response in this attempt's share of the time: it broke"
    assert errors == [
        (share, 1),
        (share, 2),
        (f"no response within 20 s: it broke (attempt 3; before it: {share})", 3),
    ]
    assert isinstance(whole, DeadlineExceededError)
    assert unlimited.message == "no response in time: it broke"


def test_a_reason_is_not_said_twice(bare: Bare) -> None:
    error = failure_of(bare(endpoint(), failed(Phase.NOT_SENT)).call, METHODS["read"])

    assert (error.attempts, error.message) == (3, "it broke")


def test_a_slow_server_gets_one_request_and_its_response_counts(kind: str, clock: Clock) -> None:
    """At the socket: the server takes 6 s of a call's 10."""
    response = ListRoomsResponse(rooms=[Room(name="slow")])

    def answer_late(request: Request) -> Any:
        clock.forward(6)
        return reply(response)

    with ScriptedServer(answer_late) as server:
        opened = open_livekit(kind, url=server.url, transport=None, retry=AT_ONCE)
        outcome = opened.room()
        opened.end()

    assert outcome == response
    assert len(server.ledger.entries()) == 1
