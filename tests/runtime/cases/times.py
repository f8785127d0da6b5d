"""A budget that ends, and a server that gives up in time (rules B1, B4)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cases.case import Case, Step, by_status, from_proxy, head, http_answer, twirp
from cases.ends import RPCS, called
from twirpkit import errors
from twirpkit.errors import Code

__all__ = ["CASES"]


def times() -> Iterator[Case]:
    """A budget that ends (rule B1), and a server that gives up in time (rule B4)."""
    late: dict[str, Any] = {"error": errors.DeadlineExceededError, "code": Code.DEADLINE_EXCEEDED}
    limit = {"options": {"timeout": 0.5}}
    for name, data in {
        "header": b"",
        "status-line": b"HTTP/1.1 20",
        "header-line": b"HTTP/1.1 200 OK\r\nContent-Le",
        "body": head("Content-Length: 5"),
        "chunk": head("Transfer-Encoding: chunked") + b"5\r\n\x0a",
    }.items():
        yield Case(
            name=f"no-end-of-the-{name}",
            rule="B1",
            script=(Step(data, "hold"),),
            sent="maybe",
            says=("no response within 0.5 s",),
            **limit,
            **late,
        )
    for timeout in (0, -1, -1e9):
        yield Case(
            name=f"timeout-of-{timeout:g}",
            rule="B1",
            script=(Step(),),
            options={"timeout": timeout},
            sent="no",
            attempts=0,
            says=(f"the timeout of {max(timeout, -1e8):g} s had passed before anything was sent",),
            **late,
        )
    yield Case(
        name="no-end-of-a-503",
        rule="A14",
        also=("A8", "B1"),
        status=503,
        script=(Step(head("Content-Length: 99", status="503 No") + b"no", "hold"),),
        says=("HTTP 503, not from a Twirp server (the deadline passed", "): 'no'"),
        meta=from_proxy(503, "no"),
        **limit,
        **by_status(503),
    )
    canceled = http_answer(408, twirp("canceled"))
    never = RPCS["never"]
    known: dict[str, Any] = {"error": errors.CanceledError, "code": Code.CANCELED, "meta": {}, "message": "why"}
    yield Case(
        name="canceled-without-a-timeout",
        rule="A6",
        also=("B4",),
        status=408,
        **called(never, (Step(canceled, "keep"),), retry=False, options={"timeout": None}, **known),
    )
    yield Case(
        name="canceled-as-499",
        rule="A6",
        also=("B4",),
        status=499,
        **called(never, (Step(http_answer(499, twirp("canceled")), "keep"),), retry=False, **known),
    )


CASES = [*times()]
