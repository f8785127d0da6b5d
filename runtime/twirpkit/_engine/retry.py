"""Retry decisions as pure functions: phase x class, backoff and budget (rules C).

Nothing here waits or sends. The engine asks, and its drivers wait.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from twirpkit.errors import Sent
from twirpkit.options import RetryPolicy
from twirpkit.rpc import RetryClass

__all__ = [
    "AttemptOutcome",
    "GiveUp",
    "Retry",
    "RetryBudget",
    "can_be_made_again",
    "decide",
    "decide_once_more",
    "decide_relocation",
    "has_no_time",
    "is_retryable",
]

LONGEST_UNLIMITED: Final = 60.0
"""Seconds that a server may ask a call without a time limit to wait (``Retry-After``)."""


class AttemptOutcome(enum.Enum):
    """The end of a failed attempt, as far as a repeat depends on it: the columns of rule C."""

    NOT_SENT = "the request was not sent"
    STALE = "a kept connection had closed"
    NO_RESPONSE = "no response was received"
    CUT = "the response was cut"
    GATEWAY = "a gateway failed in place of the server"
    """A 5xx that no Twirp server wrote: the server behind it may have executed the request."""
    UNAVAILABLE = "the service is unavailable"
    FAILED = "the server failed"
    RATE_LIMITED = "the server limits the rate"
    CONCLUSIVE = "the response is conclusive"
    """Any other response: sending the request again would not change it."""
    FINAL = "the failure is final"
    """The request was not sent, and trying again would not help: a bad certificate, a proxy that refuses."""


@dataclass(frozen=True, slots=True)
class Retry:
    """A decision to make another attempt."""

    delay: float
    """Seconds to wait first."""
    reason: str
    """For the log."""
    force_new_connection: bool = False
    """True after a kept connection had closed: others may have, too."""


@dataclass(frozen=True, slots=True)
class GiveUp:
    """A decision to raise the error of the last attempt."""

    reason: str
    """For the log."""
    shown: bool = False
    """True if the error's message repeats the reason."""


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
        """Return True if a retry against this host can be paid."""
        return self._tokens.get(host, self.FULL) >= 1

    def spend(self, host: str) -> None:
        """Pay for a retry."""
        self._tokens[host] = self._tokens.get(host, self.FULL) - 1

    def earn(self, host: str) -> None:
        """Count a success."""
        tokens = self._tokens.get(host)
        if tokens is not None:  # None is a full budget
            self._tokens[host] = min(self.FULL, tokens + self.EARNED)


IN_DOUBT: Final = frozenset((AttemptOutcome.NO_RESPONSE, AttemptOutcome.CUT, AttemptOutcome.GATEWAY))
"""Outcomes after which the request may have run, and nothing says so."""
_REPEATABLE: Final = frozenset(AttemptOutcome) - {AttemptOutcome.CONCLUSIVE, AttemptOutcome.FINAL}
_RETRYABLE: Final[Mapping[RetryClass, frozenset[AttemptOutcome]]] = {
    RetryClass.READ: _REPEATABLE,
    RetryClass.IDEMPOTENT: _REPEATABLE - {AttemptOutcome.FAILED},
    RetryClass.KEYED: _REPEATABLE - {AttemptOutcome.FAILED},
    RetryClass.NEVER: frozenset((AttemptOutcome.NOT_SENT,)),
}


def is_retryable(retry: RetryClass, outcome: AttemptOutcome, *, maybe_executed: bool) -> bool:
    """Return True if a request of this class may be sent again after an attempt with this outcome.

    Args:
        retry: The RPC's retry class.
        outcome: How the attempt ended.
        maybe_executed: True if an attempt before it may have been executed without a conclusive response: an idempotent
            request is repeated once after such an outcome, and no more.
    """
    if retry is RetryClass.IDEMPOTENT and outcome in IN_DOUBT and maybe_executed:
        return False
    return outcome in _RETRYABLE[retry]


def can_be_made_again(retry: RetryClass, outcome: AttemptOutcome, sent: Sent) -> bool:
    """Return True if a caller may make a failed call again: `TwirpError.retryable`.

    The call must not be executed twice by that, unless that does no harm, and another outcome must be possible. A keyed
    call that is made again has another key, so the server would not recognize it.
    """
    if outcome in (AttemptOutcome.CONCLUSIVE, AttemptOutcome.FINAL):
        return False
    return sent == "no" or retry in (RetryClass.READ, RetryClass.IDEMPOTENT)


def decide(
    outcome: AttemptOutcome,
    retry: RetryClass,
    policy: RetryPolicy | None,
    *,
    attempts: int,
    maybe_executed: bool,
    budget_left: bool,
    retry_after: float | None,
    time_left: float | None,
) -> Retry | GiveUp:
    """Decide whether another attempt follows a failed one.

    Args:
        outcome: How the last attempt ended.
        retry: The RPC's retry class.
        policy: The call's policy; None: retries are off.
        attempts: Requests that were sent so far.
        maybe_executed: As for `is_retryable`.
        budget_left: True if the client's retry budget for the host is not spent.
        retry_after: Seconds that the server asked for, None for none.
        time_left: Seconds until the call's deadline, None for no limit.
    """
    if policy is None:
        return GiveUp("retries are off")
    if not is_retryable(retry, outcome, maybe_executed=maybe_executed):
        again = "a second time " if is_retryable(retry, outcome, maybe_executed=False) else ""
        return GiveUp(f"{outcome.value}: a request of class {retry.value!r} is not repeated {again}after that")
    if attempts >= policy.max_attempts:
        return GiveUp(f"attempt {attempts} of {policy.max_attempts} was the last")
    if not budget_left:
        return GiveUp("the retry budget for this host is spent")
    stale = outcome is AttemptOutcome.STALE
    # After a kept connection that had closed there is nothing to wait for: the server is fine.
    delay = retry_after if retry_after is not None else 0.0 if stale else policy.wait(attempts)
    too_long = has_no_time(delay, time_left)
    return too_long or Retry(delay, outcome.value, force_new_connection=stale)


def decide_relocation(policy: RetryPolicy | None, *, attempts: int, time_left: float | None) -> Retry | GiveUp:
    """Decide whether a call follows a server that refers it to another host, whatever its class (rule D4).

    The server refused the request before running it, so one more attempt is made even where retries are off.
    """
    most = max((policy or RetryPolicy()).max_attempts, 2)
    if attempts >= most:
        return GiveUp(f"attempt {attempts} of {most} was the last")
    return has_no_time(0.0, time_left) or Retry(0.0, "the server refers the call to another host")


def decide_once_more(reason: str, *, done_before: bool, time_left: float | None) -> Retry | GiveUp:
    """Decide whether an attempt that the server refused is made again at once, with what was wrong put right.

    Args:
        reason: What was put right.
        done_before: True if the call was made again for that reason already.
        time_left: Seconds until the call's deadline, None for no limit.
    """
    if done_before:
        return GiveUp(f"the server refused the call again: {reason}")
    return has_no_time(0.0, time_left) or Retry(0.0, reason)


def has_no_time(delay: float, time_left: float | None) -> GiveUp | None:
    """Return a `GiveUp` if a wait does not fit into the time that a call has left."""
    if time_left is None:
        if delay <= LONGEST_UNLIMITED:
            return None
        return GiveUp(f"a wait of {delay:.3g} s is longer than {LONGEST_UNLIMITED:.3g} s, without a time limit")
    return None if delay < time_left else GiveUp(f"a wait of {delay:.3g} s would pass the deadline")
