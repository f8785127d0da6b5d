"""Tokens that a wrong clock signed (rule C11)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cases.case import Case, Step, http_answer, twirp
from cases.ends import RPCS, answered, called
from twirpkit import errors
from twirpkit.errors import Code

__all__ = ["CASES"]

REFUSED: dict[str, Any] = {
    "status": 401,
    "error": errors.UnauthenticatedError,
    "code": Code.UNAUTHENTICATED,
    "message": "why",  # the words of the Twirp error
}


def refusal(date: str | None, status: int = 401, code: str = "unauthenticated") -> Step:
    """A response that refuses the token, at a date."""
    return Step(http_answer(status, twirp(code), {} if date is None else {"date": date}), "keep")


def clocks() -> Iterator[Case]:
    """A token that is refused is signed again, once, if the server's clock differs from ours by more than 30 s."""
    also = ("A6", "A12")
    for kind, rpc in RPCS.items():
        for name, date in {"ahead": "@NOW-3600@", "behind": "@NOW+400@"}.items():
            yield Case(
                name=f"{kind}-with-a-clock-{name}",
                rule="C11",
                also=also,
                answer=rpc.answer,
                attempts=2,
                signed=True,
                **called(rpc, (refusal(date), answered(rpc))),
            )
    rpc = RPCS["read"]
    yield Case(
        name="a-clock-ahead-and-refused-again",
        rule="C11",
        also=(*also, "C1"),
        attempts=2,
        signed=True,
        **called(rpc, (refusal("@NOW-3600@"), refusal("@NOW-3600@")), **REFUSED),
    )
    for name, step in {
        "a-date-within-the-leeway": refusal("@NOW+20@"),
        "a-date-of-another-day": refusal("@NOW+90000@"),
        "no-date": refusal(None),
        "a-date-of-nonsense": refusal("soon"),
        "an-old-date-of-nonsense": refusal("Sun, 99 Nov 9999 99:99:99 GMT"),
    }.items():
        yield Case(
            name=f"refused-with-{name}", rule="A6", also=("C1", "C11"), signed=True, **called(rpc, (step,), **REFUSED)
        )
    yield Case(
        name="refused-where-retries-are-off",
        rule="C3",
        also=("A6", "C11"),
        signed=True,
        **called(rpc, (refusal("@NOW-3600@"),), retry=False, **REFUSED),
    )
    yield Case(
        name="denied-by-a-server-with-another-clock",
        rule="A6",
        also=("C1", "C11"),
        signed=True,
        status=403,
        **called(
            rpc,
            (refusal("@NOW-3600@", 403, "permission_denied"),),
            error=errors.PermissionDeniedError,
            code=Code.PERMISSION_DENIED,
            message="why",
        ),
    )
    yield Case(
        name="a-token-of-the-callers-own-is-not-signed-again",
        rule="A6",
        also=("C1", "C11"),
        **called(rpc, (refusal("@NOW-3600@"),), **REFUSED),
    )


CASES = [*clocks()]
