"""Whether a failed attempt may be followed by another, and after how long: phase x class, backoff, budget (rules C).

Nothing here waits or sends. The flow of a call (`twirpkit.flow`) asks, and its drivers wait.
"""

from __future__ import annotations

import enum
import math
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from twirpkit.errors import Code, DecodeError, TwirpError
from twirpkit.transport import HttpResponse, Phase, TransportFailure

__all__ = ["Ended", "Retry", "RetryBudget", "RetryPolicy", "ended", "may_follow", "retry_after"]

LONGEST_UNLIMITED: Final = 60.0
"""Seconds that a server may ask a call without a time limit to wait (``Retry-After``)."""


class Retry(enum.StrEnum):
    """What may happen to a request that got no answer: the retry class of its RPC."""

    READ = "read"
    """It changes nothing."""
    IDEMPOTENT = "idempotent"
    """Running it twice leaves the same state as running it once."""
    KEYED = "keyed"
    """It carries a key by which the server drops repeats."""
    NEVER = "never"
    """Running it twice does it twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often a call is tried, and how long it waits in between. Which failures are repeated is not a setting.

    The wait before the n-th repeat is random, between 0 and ``backoff`` times 2 to the power n - 1 (rule C1).

    Raises:
        ValueError: ``max_attempts`` is below 1, or a number of seconds is negative or not finite.
        TypeError: Something is no number.
    """

    max_attempts: int = 3
    """Requests that one call may send in all."""
    backoff: float = 0.2
    """Seconds: the most that the first wait can be."""
    max_backoff: float = 5.0
    """Seconds: the most that any wait can be. A server's ``Retry-After`` is honoured beyond it."""

    def __post_init__(self) -> None:
        if not isinstance(self.max_attempts, int) or isinstance(self.max_attempts, bool):
            raise TypeError(f"max_attempts must be an int, not {type(self.max_attempts).__name__}")
        if self.max_attempts < 1:
            raise ValueError(f"max_attempts must be at least 1, not {self.max_attempts}; retry=False turns retries off")
        for name in ("backoff", "max_backoff"):
            value = getattr(self, name)
            if not isinstance(value, int | float) or isinstance(value, bool):
                raise TypeError(f"{name} must be a number of seconds, not {type(value).__name__}")
            if not math.isfinite(value) or value < 0:
                raise ValueError(f"{name} must be a finite number of seconds, 0 or more, not {value}")

    def wait(self, attempt: int) -> float:
        """Seconds to wait after the attempt of this number, from 1: full jitter."""
        import random  # here, and email.utils below, because most programs never come this far

        # The exponent is bounded because 2.0 ** 1024 is no float.
        return random.random() * min(self.max_backoff, self.backoff * 2.0 ** min(attempt - 1, 64))  # noqa: S311  # no secret


class RetryBudget:
    """Keeps retries rare where most calls fail: one token a retry, a tenth back for each success (rule C2).

    Against a server that is down, all callers of a client together send hardly more requests than calls. Threads may
    count past each other now and then, which costs a token; there is no lock that a fork could leave held.
    """

    FULL: Final = 100.0
    EARNED: Final = 0.1

    def __init__(self) -> None:
        self._tokens: dict[str, float] = {}

    def left(self, host: str) -> bool:
        """Whether a retry against this host can be paid."""
        return self._tokens.get(host, self.FULL) >= 1

    def spend(self, host: str) -> None:
        """A retry."""
        self._tokens[host] = self._tokens.get(host, self.FULL) - 1

    def earn(self, host: str) -> None:
        """A success."""
        tokens = self._tokens.get(host)
        if tokens is not None:  # None is a full budget
            self._tokens[host] = min(self.FULL, tokens + self.EARNED)


class Ended(enum.Enum):
    """How an attempt ended, as far as a repeat depends on it: the columns of rule C."""

    NOT_SENT = "not sent"
    STALE = "kept connection closed"
    NO_ANSWER = "no answer"
    CUT = "answer cut"
    UNAVAILABLE = "unavailable"
    FAILED = "failed"
    LIMITED = "rate limited"
    ANSWERED = "answered"
    """Anything else that a server says: saying it again would not change it."""


_UNSURE: Final = frozenset((Ended.NO_ANSWER, Ended.CUT))
_OF_PHASE: Final = {
    Phase.NOT_SENT: Ended.NOT_SENT,
    Phase.STALE: Ended.STALE,
    Phase.NO_ANSWER: Ended.NO_ANSWER,
    Phase.CUT: Ended.CUT,
}
_MAY_FOLLOW: Final[Mapping[Retry, frozenset[Ended]]] = {
    Retry.READ: frozenset(Ended) - {Ended.ANSWERED},
    Retry.IDEMPOTENT: frozenset(Ended) - {Ended.ANSWERED, Ended.FAILED},
    Retry.KEYED: frozenset(Ended) - {Ended.ANSWERED, Ended.FAILED},
    Retry.NEVER: frozenset((Ended.NOT_SENT,)),
}


def may_follow(retry: Retry, ended: Ended, *, unsure_before: bool) -> bool:
    """Whether a request of this class may be sent again after an attempt that ended so.

    Args:
        retry: The RPC's retry class.
        ended: How the attempt ended.
        unsure_before: Whether an attempt before it may have run without an answer: an idempotent request is repeated
            once after such an end, and no more.
    """
    if retry is Retry.IDEMPOTENT and ended in _UNSURE and unsure_before:
        return False
    return ended in _MAY_FOLLOW[retry]


def ended(outcome: HttpResponse | TransportFailure, error: TwirpError, *, timed_out: bool) -> Ended:
    """How a failed attempt ended.

    Args:
        outcome: What the transport said.
        error: What it was taken for.
        timed_out: Whether the server gave up because the time was over that we had told it.
    """
    if isinstance(outcome, TransportFailure):
        return _OF_PHASE[outcome.phase]
    if outcome.status == 200:
        return Ended.ANSWERED if outcome.oversized or isinstance(error, DecodeError) else Ended.CUT
    if timed_out:
        return Ended.NO_ANSWER
    if outcome.status in (502, 503, 504) or error.code is Code.UNAVAILABLE:
        return Ended.UNAVAILABLE
    if outcome.status == 429:  # a limit that does not say when it ends is not asked again
        return Ended.ANSWERED if retry_after(outcome) is None else Ended.LIMITED
    # Go maps redirects and refusals of proxies to the same two codes; these do not change by asking again.
    by_server = outcome.status >= 500 or "http_error_from_intermediary" not in error.meta
    return Ended.FAILED if by_server and error.code in (Code.INTERNAL, Code.UNKNOWN) else Ended.ANSWERED


def retry_after(response: HttpResponse) -> float | None:
    """Seconds that the answer's ``Retry-After`` asks for, as a number or as a date (RFC 9110, 10.2.3); None: none."""
    value = response.headers.get("retry-after", "").strip()
    if re.fullmatch("[0-9]{1,9}", value):
        return float(value)
    import email.utils

    try:
        moment = email.utils.parsedate_to_datetime(value)
        return max(0.0, moment.timestamp() - time.time())
    except (ValueError, OverflowError):
        return None
