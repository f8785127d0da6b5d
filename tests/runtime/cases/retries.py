"""What is tried again: how an attempt ended x the class of its RPC (rules B4, C1, C3, C5, C6).

`MATRIX` is the rule. Each of its cells gives two rows: the attempt fails once and the next one is answered, and it
fails every time.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Literal

from cases.case import Case, Step
from cases.ends import ENDS, LOST, RPCS, End, Rpc, answered, called, touched
from twirpkit import RetryPolicy

__all__ = ["CASES"]

Follows = Literal["again", "once", "no"]
_ROWS: dict[tuple[str, ...], tuple[Follows, Follows, Follows, Follows]] = {
    ("refused",): ("again", "again", "again", "again"),
    ("stale",): ("again", "again", "again", "no"),
    ("no-answer", "reset", "cut-header", "cut-body", "garbage", "server-out-of-time"): ("again", "once", "again", "no"),
    ("500", "501", "502", "503", "504", "520", "503-retry-after"): ("again", "once", "again", "no"),
    ("unavailable", "unavailable-as-500", "data-loss"): ("again", "again", "again", "no"),
    ("internal", "internal-as-400", "unknown"): ("again", "no", "no", "no"),
    ("429-retry-after", "resource-exhausted-retry-after"): ("again", "again", "again", "no"),
}
MATRIX: dict[str, dict[str, Follows]] = {
    end: dict(zip(RPCS, follows, strict=True)) for ends, follows in _ROWS.items() for end in ends
}
MATRIX |= {end: dict.fromkeys(RPCS, "no") for end in ENDS if end not in MATRIX}


def cells() -> Iterator[Case]:
    for name, end in ENDS.items():
        for kind, follows in MATRIX[name].items():
            rpc, rule = RPCS[kind], rule_of(name, kind)
            if follows == "no":
                yield failing(f"{kind}-after-{name}", rule, rpc, end, 1, retryable=may_be_made_again(name, kind))
                continue
            yield Case(
                name=f"{kind}-after-{name}-then-answered",
                rule=rule,
                also=("C1", *touched([end.step])),
                answer=rpc.answer,
                attempts=2,
                refused=int(end.refused),
                warm=end.stale,
                **called(rpc, (*((end.step,) * (not end.refused)), answered(rpc))),
            )
            attempts, retryable = 2 if follows == "once" else 3, may_be_made_again(name, kind)
            yield failing(f"{kind}-after-{name}-every-time", rule, rpc, end, attempts, retryable=retryable)


def may_be_made_again(end: str, kind: str) -> bool:
    """Return True if a caller may make a call again that ended so (rule C5): not twice, or without harm."""
    repeatable = any(end in ends for ends in _ROWS) or end.endswith("retry-after-the-deadline")
    return repeatable and (ENDS[end].sent == "no" or kind in ("read", "idempotent"))


def rule_of(end: str, kind: str) -> str:
    if kind == "never" and end.endswith("retry-after-the-deadline"):
        return "A8"  # two reasons keep it from being sent again, so that no one line can
    return {"no-response-from-servers": "C6", "server-out-of-time": "B4"}.get(end, "C1")


def failing(name: str, rule: str, rpc: Rpc, end: End, attempts: int, *, retryable: bool | None = None) -> Case:
    """A call whose every attempt ends so."""
    return Case(
        name=name,
        rule=rule,
        also=("C1", "C5", *touched([end.step])),
        sent=end.sent,
        retryable=retryable,
        attempts=attempts,
        status=end.status,
        refused=99 if end.refused else 0,
        warm=end.stale,
        **called(rpc, (end.step,) * attempts, **end.error),
    )


def policies() -> Iterator[Case]:
    """`retry=` (rule C3)."""
    read, down = RPCS["read"], ENDS["503"]
    for name, retry, attempts in (
        ("False", False, 1),
        ("one-attempt", RetryPolicy(max_attempts=1, backoff=0.0), 1),
        ("two-attempts", RetryPolicy(max_attempts=2, backoff=0.0), 2),
        ("six-attempts", RetryPolicy(max_attempts=6, backoff=0.0), 6),
    ):
        row = failing(f"read-with-{name}", "C3", read, down, attempts)
        yield dataclasses.replace(row, options={"retry": retry})
    for name in ("refused", "stale", "no-answer", "cut-body"):
        row = failing(f"read-after-{name}-with-False", "C3", read, ENDS[name], 1)
        yield dataclasses.replace(row, options={"retry": False})


def doubts() -> Iterator[Case]:
    """What `sent` says after several attempts (rule C5)."""
    gone = ENDS["not-found"]
    idempotent = RPCS["idempotent"]
    for name, sent in {
        "refused": "yes",
        "stale": "maybe",
        "no-answer": "maybe",
        "cut-body": "maybe",
        "500": "maybe",
        "502": "maybe",
        "503": "maybe",
        "504": "maybe",
        "unavailable": "yes",
        "server-out-of-time": "yes",
    }.items():
        end = ENDS[name]
        yield Case(
            name=f"not-found-after-{name}",
            rule="C5" if sent == "maybe" else "C1",
            also=("B4", "C1", "C5", *touched([end.step, gone.step])),
            sent=sent,
            attempts=2,
            status=404,
            refused=int(end.refused),
            warm=end.stale,
            **called(idempotent, (*((end.step,) * (not end.refused)), gone.step), **gone.error),
        )
    # An idempotent request is in doubt once, whatever else happens to it.
    for name, steps, attempts in (
        ("no-answer-unavailable-no-answer", ("no-answer", "unavailable", "no-answer"), 3),
        ("unavailable-no-answer-no-answer", ("unavailable", "no-answer", "no-answer"), 3),
        ("503-no-answer", ("503", "no-answer"), 2),
        ("no-answer-cut-header", ("no-answer", "cut-header"), 2),
        ("server-out-of-time-no-answer", ("server-out-of-time", "no-answer"), 2),
    ):
        yield Case(
            name=f"idempotent-{name}",
            rule="C1",
            also=("B4", "C5", *touched(ENDS[step].step for step in steps)),
            sent="maybe",
            attempts=attempts,
            **called(idempotent, tuple(closing(ENDS[step].step) for step in steps), **LOST),
        )


def closing(step: Step) -> Step:
    """The step, after which no connection is kept: what fails then fails on a fresh one."""
    return Step(step.data.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))


CASES = [
    *cells(),
    *policies(),
    *doubts(),
]
