"""One logical call, without I/O: attempts, their deadlines and responses, and the decision to make another one.

`start_call` returns a generator. It yields `Send` steps and is sent the result of each, an `HttpResponse` or a
`TransportFailure`; and `Sleep` steps, to which None is sent. It returns the decoded response or raises the error.
`twirpkit.client` holds the two drivers, one that waits and one that awaits.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Generator, Mapping
from typing import Any, Final, Generic, Literal, TypeVar

from google.protobuf.message import Message

from twirpkit._engine.attempt import FailedAttempt, classify_attempt, describe_failure, merge_sent
from twirpkit._engine.client_config import ClientConfig
from twirpkit._engine.prepare import PreparedCall, authorization, prepare
from twirpkit._engine.retry import (
    IN_DOUBT,
    AttemptOutcome,
    GiveUp,
    Retry,
    decide,
    decide_relocation,
    has_no_time,
    is_retryable,
)
from twirpkit._engine.steps import Failover, Outcome, Send, Sleep, Step
from twirpkit._protocol.constants import AUTHORIZATION, TIMEOUT_MS
from twirpkit._protocol.headers import Headers, Secret
from twirpkit._protocol.redaction import shown
from twirpkit.errors import Code, DeadlineExceededError, Sent, TwirpError
from twirpkit.events import LOGGER, Event
from twirpkit.options import CallOptions
from twirpkit.rpc import Method
from twirpkit.transports.base import HttpRequest, HttpResponse, TransportFailure

__all__ = ["start_call"]

Resp = TypeVar("Resp", bound=Message)

LONGEST_CONNECT: Final = 5.0
"""Seconds that connecting may take where another attempt can follow (rule B2)."""
SHORTEST_ATTEMPT: Final = 1.0
"""Seconds that an attempt gets at least, where the call has them (rule B2)."""


def start_call(
    config: ClientConfig, method: Method[Any, Resp], request: object, fields: Mapping[str, Any], options: CallOptions
) -> Generator[Step, Outcome, Resp]:
    """Prepare one logical call and return its steps.

    Args:
        config: The client's configuration.
        method: The RPC.
        request: A message, a mapping of field names, or None; never changed.
        fields: Keyword fields. Not together with `request`.
        options: The call's own options.

    Raises:
        ValueError: An option or a field is out of range, or the message lacks a required field.
        TypeError: An option or a field has the wrong type or name.
        TwirpError: From the steps: the call failed; the subclass says how.
    """
    return CallMachine(config, method, prepare(config, method, request, fields, options)).run()


class CallMachine(Generic[Resp]):
    """The state of one logical call: what it sends, and what its attempts came to."""

    def __init__(self, config: ClientConfig, method: Method[Any, Resp], call: PreparedCall) -> None:
        self.config = config
        self.method = method
        self.call = call
        self.visited_base_urls = [config.base_url]
        """The base URLs of the attempts; the last one is that of the current attempt."""
        self.attempts = 0
        self.maybe_executed = False
        """True once an attempt may have been executed without a conclusive response (phases P2, P3)."""
        self.sent: Sent = "no"
        self.force_new_connection = False
        self.relocated = False
        """True once a server has referred the call to another host."""
        self.previous_error: TwirpError | None = None

    def run(self) -> Generator[Step, Outcome, Resp]:
        """Yield the steps of the call; return its response, or raise its error."""
        self._check_timeout()
        while True:
            self.attempts += 1
            token = authorization(self.config, self.method, self.call.message)
            request = self._request(token)
            self._emit("request")
            outcome = yield Send(request)
            assert outcome is not None  # noqa: S101  # drivers promise it for a Send
            result = classify_attempt(self.config, self.method, self.call, request, outcome, token)
            if not isinstance(result, FailedAttempt):
                self._log(outcome, "done")
                self.config.budget.earn(self._host)
                self._emit("answer", status=200)
                return result
            self.sent = merge_sent(self.sent, result)
            decision = yield from self._decide(request, outcome, result)
            error = self._build_error(result, decision, token)
            if isinstance(decision, GiveUp):
                self._log(outcome, f"gave up: {decision.reason}")
                self._emit("error", status=error.status, error=error)
                raise error
            self._log(outcome, f"retry in {decision.delay:.3f} s: {result.outcome.value}")
            self.previous_error = error
            self._emit("retry", status=error.status, error=error, wait=decision.delay)
            yield Sleep(decision.delay)

    def _check_timeout(self) -> None:
        timeout = self.call.timeout
        if timeout is None or timeout > 0:
            return
        error = DeadlineExceededError(
            Code.DEADLINE_EXCEEDED,
            f"{self.method.path}: the timeout of {timeout:g} s had passed before anything was sent",
            request_id=self.call.request_id,
        )
        self._emit("error", error=error)
        raise error

    @property
    def _base_url(self) -> str:
        return self.visited_base_urls[-1]

    @property
    def _host(self) -> str:
        return self._base_url.split("/", 3)[2]

    def _time_left(self) -> float | None:
        deadline = self.call.deadline
        return None if deadline is None else deadline - time.monotonic()

    def _request(self, token: Secret | None) -> HttpRequest:
        """Build the request of an attempt, with its share of the time (rules B2, B4)."""
        call, now = self.call, time.monotonic()
        deadline = call.deadline
        connect_deadline = None
        if self._can_repeat():
            connect_deadline = now + LONGEST_CONNECT
            # A request that may not be sent again after a timeout gets all the time there is: cutting it short would
            # turn a slow response into none.
            again = is_retryable(self.method.retry, AttemptOutcome.NO_RESPONSE, maybe_executed=self.maybe_executed)
            if deadline is not None and again:
                deadline = min(deadline, now + max(SHORTEST_ATTEMPT, (deadline - now) / 2))
        headers = Headers(call.headers)
        if deadline is not None:
            milliseconds = int((deadline - now) * 1000)
            headers[TIMEOUT_MS] = str(max(1, milliseconds - min(100, milliseconds // 10)))
        if token is not None:
            headers[AUTHORIZATION] = token.reveal()
        url = f"{self._base_url}/{self.method.path}"
        return HttpRequest(
            url, headers, call.body, deadline, connect_deadline, force_new_connection=self.force_new_connection
        )

    def _can_repeat(self) -> bool:
        policy = self.call.policy
        return policy is not None and self.attempts < policy.max_attempts and self.config.budget.left(self._host)

    def _decide(
        self, request: HttpRequest, outcome: HttpResponse | TransportFailure, failed: FailedAttempt
    ) -> Generator[Step, Outcome, Retry | GiveUp]:
        """Decide whether another attempt follows, and do what it needs: discovery, payment, the next base URL."""
        failover = self.config.failover
        if failover is not None and isinstance(outcome, HttpResponse) and failover.relocates(outcome):
            return (yield from self._relocate(failover, request))
        decision = decide(
            failed.outcome,
            self.method.retry,
            self.call.policy,
            attempts=self.attempts,
            maybe_executed=self.maybe_executed,
            budget_left=self.config.budget.left(self._host),
            retry_after=failed.retry_after,
            time_left=self._time_left(),
        )
        self.maybe_executed |= failed.outcome in IN_DOUBT
        if isinstance(decision, GiveUp):
            return decision
        delay, base_url = decision.delay, self._base_url
        if failover is not None:
            before = time.monotonic()
            base_url = (yield from self._discover(failover, request, rediscover=False)) or base_url
            delay = max(0.0, delay - (time.monotonic() - before))
        if (too_late := has_no_time(delay, self._time_left())) is not None:
            return too_late
        self.config.budget.spend(self._host)
        self.force_new_connection = decision.force_new_connection
        self.visited_base_urls.append(base_url)
        return Retry(delay, decision.force_new_connection)

    def _relocate(self, failover: Failover, request: HttpRequest) -> Generator[Step, Outcome, Retry | GiveUp]:
        """Follow a server that refers the call to another host, whatever the RPC's class (rule D4)."""
        decision = decide_relocation(self.call.policy, attempts=self.attempts, time_left=self._time_left())
        if isinstance(decision, GiveUp):
            return decision
        base_url = yield from self._discover(failover, request, rediscover=not self.relocated)
        self.relocated = True
        if base_url is None:
            return GiveUp(failover.nowhere, shown=True)
        if (too_late := has_no_time(0.0, self._time_left())) is not None:
            return too_late
        self.visited_base_urls.append(base_url)
        return decision

    def _discover(
        self, failover: Failover, request: HttpRequest, *, rediscover: bool
    ) -> Generator[Step, Outcome, str | None]:
        deadline, base_url = self.call.deadline, self.config.base_url
        visited = self.visited_base_urls
        return (yield from failover.next_base_url(request, deadline, base_url, visited, rediscover=rediscover))

    def _build_error(self, failed: FailedAttempt, decision: Retry | GiveUp, token: Secret | None) -> TwirpError:
        """Build the error of a failed attempt, with everything that is known of the call."""
        message, meta = describe_failure(self.config, self.call, failed, token)
        if isinstance(decision, GiveUp):
            if decision.shown:
                message = f"{message} ({decision.reason})"
            if failed.status is None and self.previous_error is not None:
                # A server's reason is not lost behind a silence.
                message = f"{message} (attempt {self.attempts}; before it: {self.previous_error.message})"
        error = failed.error_class(
            failed.code,
            message,
            meta=meta,
            status=failed.status,
            attempts=self.attempts,
            sent=self.sent,
            request_id=self.call.request_id,
        )
        error.__cause__ = failed.cause
        refine = self.config.refine
        return error if refine is None else refine(error)

    def _emit(
        self,
        kind: Literal["request", "retry", "answer", "error"],
        *,
        status: int | None = None,
        error: TwirpError | None = None,
        wait: float | None = None,
    ) -> None:
        if not self.config.hooks:
            return
        event = Event(
            kind=kind,
            method=self.method,
            attempt=self.attempts,
            url=f"{self._base_url}/{self.method.path}",
            request_id=self.call.request_id,
            elapsed=time.monotonic() - self.call.started,
            status=status,
            error=error,
            wait=wait,
        )
        for hook in self.config.hooks:
            hook(event)

    def _log(self, outcome: HttpResponse | TransportFailure, decision: str) -> None:
        if not LOGGER.isEnabledFor(logging.DEBUG):
            return
        result = f"no response ({outcome.phase.value})" if isinstance(outcome, TransportFailure) else outcome.status
        LOGGER.debug(
            "%s to %s, attempt %d, id %s: %s after %.3f s; %s; request: %s",
            self.method.path,
            self._host,
            self.attempts,
            self.call.request_id,
            result,
            time.monotonic() - self.call.started,
            decision,
            shown(self.call.message, self.config.sensitivity),
        )
