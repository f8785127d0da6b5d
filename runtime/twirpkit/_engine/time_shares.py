"""The share of a call's time that one attempt may use (rule B2)."""

from __future__ import annotations

from typing import Any, Final

from twirpkit._engine.client_config import ClientConfig
from twirpkit._engine.prepare import PreparedCall
from twirpkit._engine.retry import AttemptOutcome, is_retryable
from twirpkit.rpc import Method

__all__ = ["LONGEST_CONNECT", "attempt_deadlines"]

LONGEST_CONNECT: Final = 5.0
"""Seconds that connecting may take where another attempt can follow."""


def attempt_deadlines(
    config: ClientConfig,
    method: Method[Any, Any],
    call: PreparedCall,
    *,
    base_url: str,
    may_be_followed: bool,
    maybe_executed: bool,
    now: float,
) -> tuple[float | None, float | None]:
    """Return the times by which an attempt, and its connecting, must end; None for no limit.

    Args:
        config: The client's configuration.
        method: The RPC.
        call: The prepared call.
        base_url: Where the attempt goes.
        may_be_followed: True if attempts and retry budget are left for another one.
        maybe_executed: As for `is_retryable`.
        now: The time of `time.monotonic`.
    """
    if not may_be_followed:
        return call.deadline, None
    # Connecting must not use up the time that another attempt would need.
    connect_deadline = now + LONGEST_CONNECT
    policy, failover, deadline = call.policy, config.failover, call.deadline
    if policy is not None and policy.attempt_timeout is not None:
        share = now + policy.attempt_timeout
    elif deadline is not None and failover is not None and failover.knows_another(base_url):
        share = now + (deadline - now) / 2
    else:
        return deadline, connect_deadline
    # Where a silence is not repeated, or a phone may ring, an end of the attempt would be the end of the call.
    if method.wait is not None or not is_retryable(
        method.retry, AttemptOutcome.NO_RESPONSE, maybe_executed=maybe_executed
    ):
        return deadline, connect_deadline
    return share if deadline is None else min(deadline, share), connect_deadline
