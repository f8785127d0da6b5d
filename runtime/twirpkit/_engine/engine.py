"""One logical call, without I/O: attempts, their deadlines and responses, and the decision to make another one.

`start_call` returns a generator. It yields `Send` steps and is sent the result of each, an `HttpResponse` or a
`TransportFailure`; `Sleep` steps, to which False is sent if the client was closed meanwhile; and, for an async
``auth``, an `Await`. It returns the decoded response or raises the error. `twirpkit.client` holds the two drivers, one
that waits and one that awaits.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Generator, Mapping
from logging import DEBUG
from typing import Any, Generic, TypeVar

from google.protobuf.message import Message

from twirpkit._engine.attempt import FailedAttempt, classify_attempt, merge_sent
from twirpkit._engine.client_config import ClientConfig
from twirpkit._engine.clock import correct_clock
from twirpkit._engine.destination import Destination
from twirpkit._engine.error_builder import build_error, late_auth_error, too_late_error
from twirpkit._engine.prepare import PreparedCall, authorization, checked_authorization, prepare
from twirpkit._engine.reporter import Reporter
from twirpkit._engine.retry import (
    IN_DOUBT,
    GiveUp,
    Retry,
    decide,
    decide_once_more,
    decide_relocation,
    has_no_time,
)
from twirpkit._engine.steps import Await, Awaited, Failover, Outcome, Send, Sleep, Step
from twirpkit._engine.time_shares import attempt_deadlines
from twirpkit._protocol.constants import AUTHORIZATION, TIMEOUT_MS
from twirpkit._protocol.headers import Headers
from twirpkit._secret import Secret
from twirpkit.call_info import CallInfo, record_call, recording
from twirpkit.errors import Code, Sent, TwirpError
from twirpkit.events import LOGGER, global_hooks
from twirpkit.options import CallOptions
from twirpkit.rpc import Method
from twirpkit.transports.base import HttpRequest, HttpResponse, TransportFailure

__all__ = ["start_call"]

Resp = TypeVar("Resp", bound=Message)


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
    machine = CallMachine(config, method, prepare(config, method, request, fields, options))
    return machine.run_reported() if config.hooks or global_hooks() else machine.run()


class CallMachine(Generic[Resp]):
    """The state of one logical call: what it sends, and what its attempts came to."""

    __slots__ = (
        "attempts",
        "call",
        "clock_corrected",
        "config",
        "destination",
        "force_new_connection",
        "maybe_executed",
        "method",
        "previous_error",
        "reporter",
        "sent",
    )

    def __init__(self, config: ClientConfig, method: Method[Any, Resp], call: PreparedCall) -> None:
        self.config = config
        self.method = method
        self.call = call
        self.reporter: Reporter | None = None
        """Set where there are hooks, and after the first failure."""
        self.destination = Destination(config, method.path, call)
        self.attempts = 0
        self.maybe_executed = False
        """True once an attempt may have been executed without a conclusive response (phases P2, P3)."""
        self.sent: Sent = "no"
        self.force_new_connection = False
        self.clock_corrected = False
        """True once a token was signed by the server's clock."""
        self.previous_error: TwirpError | None = None

    def run_reported(self) -> Generator[Step, Outcome, Resp]:
        """Run the call between one ``start`` and one ``end`` event, whatever happens."""
        reporter = self.reporter = Reporter(self.config, self.method, self.call)
        try:
            reporter.emit("start")
            response = yield from self.run()
        except BaseException as error:
            sent = error.sent if isinstance(error, TwirpError) else self._sent_so_far()
            status = error.status if isinstance(error, TwirpError) else None
            reporter.emit("end", status=status, error=error, sent=sent)
            raise
        reporter.emit("end", status=200, sent="yes")
        return response

    def run(self) -> Generator[Step, Outcome, Resp]:
        """Yield the steps of the call; return its response, or raise its error."""
        config, method, call = self.config, self.method, self.call
        if call.timeout is not None and call.timeout <= 0:
            raise too_late_error(method, call)
        while True:
            self.attempts += 1
            token = authorization(config, method, call.message)
            if not (token is None or isinstance(token, Secret)):
                token = yield from self._await_authorization(token)
            request = self._request(token)
            outcome = yield Send(request)
            assert isinstance(outcome, HttpResponse | TransportFailure)  # noqa: S101  # drivers promise it for a Send
            result = classify_attempt(config, method, call, request, outcome, token)
            if not isinstance(result, FailedAttempt):
                config.budget.earn(self.destination.host)
                if recording() and isinstance(outcome, HttpResponse):
                    record_call(self._info(outcome))
                self._report_success(outcome)
                return result
            error, decision = yield from self._handle_failure(request, outcome, result, token)
            if isinstance(decision, GiveUp):
                raise error
            self.previous_error = error
            if (yield Sleep(decision.delay)) is False:  # the client was closed
                raise error

    def _await_authorization(self, awaitable: Awaitable[str | Secret]) -> Generator[Step, Outcome, Secret]:
        """Return the Authorization header that an async ``auth`` makes within the deadline of the call."""
        outcome = yield Await(awaitable, self.call.deadline)
        if isinstance(outcome, Awaited):
            return checked_authorization(outcome.value)
        raise late_auth_error(self.method, self.call, self.destination.url, attempts=self.attempts - 1, sent=self.sent)

    def _sent_so_far(self) -> Sent:
        """Return ``sent`` of a call that ends without an error of ours: its last attempt may have been executed."""
        return "maybe" if self.attempts else "no"

    def _time_left(self) -> float | None:
        deadline = self.call.deadline
        return None if deadline is None else deadline - time.monotonic()

    def _request(self, token: Secret | None) -> HttpRequest:
        """Build the request of an attempt, with its share of the time (rules B2, B4)."""
        call, policy, there, now = self.call, self.call.policy, self.destination, time.monotonic()
        may_be_followed = (
            policy is not None and self.attempts < policy.max_attempts and self.config.budget.left(there.host)
        )
        deadline, connect_deadline = attempt_deadlines(
            self.config,
            self.method,
            call,
            base_url=there.base_url,
            may_be_followed=may_be_followed,
            maybe_executed=self.maybe_executed,
            now=now,
        )
        headers = Headers(call.headers)
        if deadline is not None:
            milliseconds = int((deadline - now) * 1000)
            headers[TIMEOUT_MS] = str(max(1, milliseconds - min(100, milliseconds // 10)))
        if token is not None:
            headers[AUTHORIZATION] = token.reveal()
        if self.reporter is not None:
            self.reporter.attempt = self.attempts
            self.reporter.add_headers(headers)
        return HttpRequest(
            there.url, headers, call.body, deadline, connect_deadline, force_new_connection=self.force_new_connection
        )

    def _handle_failure(
        self,
        request: HttpRequest,
        outcome: HttpResponse | TransportFailure,
        failed: FailedAttempt,
        token: Secret | None,
    ) -> Generator[Step, Outcome, tuple[TwirpError, Retry | GiveUp]]:
        """Decide what follows a failed attempt, build its error, and report both."""
        reporter = self.reporter or Reporter(self.config, self.method, self.call)
        reporter.attempt, reporter.url, reporter.host = self.attempts, self.destination.url, self.destination.host
        self.sent = merge_sent(self.sent, failed)
        decision = yield from self._decide(request, outcome, failed, token)
        error = build_error(
            self.config,
            self.method,
            self.call,
            failed,
            decision,
            token,
            url=reporter.url,
            attempts=self.attempts,
            sent=self.sent,
            previous=self.previous_error,
        )
        reporter.log_attempt(outcome, failed.outcome.value)
        reporter.log_decision(error, decision)
        if self.reporter is not None:
            reporter.emit("response", status=failed.status, error=error)
            if isinstance(decision, Retry):
                reporter.emit("retry", status=failed.status, error=error, wait=decision.delay, reason=decision.reason)
            reporter.url, reporter.host = self.destination.url, self.destination.host
        return error, decision

    def _decide(
        self,
        request: HttpRequest,
        outcome: HttpResponse | TransportFailure,
        failed: FailedAttempt,
        token: Secret | None,
    ) -> Generator[Step, Outcome, Retry | GiveUp]:
        """Decide whether another attempt follows, and do what it needs: discovery, payment, the next base URL."""
        failover = self.config.failover
        if isinstance(outcome, HttpResponse):
            if failover is not None and failover.relocates(outcome):
                return (yield from self._relocate(failover, request))
            retries = self.call.policy is not None
            if retries and failed.code is Code.UNAUTHENTICATED and self._was_signed_by_a_wrong_clock(outcome, token):
                reason = "the token was signed by a clock that differs from the server's"
                decision = decide_once_more(reason, done_before=self.clock_corrected, time_left=self._time_left())
                self.clock_corrected = True
                return decision
        decision = decide(
            failed.outcome,
            self.method.retry,
            self.call.policy,
            attempts=self.attempts,
            maybe_executed=self.maybe_executed,
            budget_left=self.config.budget.left(self.destination.host),
            retry_after=failed.retry_after,
            time_left=self._time_left(),
        )
        self.maybe_executed |= failed.outcome in IN_DOUBT
        if isinstance(decision, GiveUp):
            return decision
        there, deadline = self.destination, self.call.deadline
        delay, base_url = decision.delay, there.base_url
        if failover is not None:
            before = time.monotonic()
            base_url = (yield from there.discover(failover, request, deadline, rediscover=False)) or base_url
            delay = max(0.0, delay - (time.monotonic() - before))
        if (too_late := has_no_time(delay, self._time_left())) is not None:
            return too_late
        self.config.budget.spend(self.destination.host)
        self.force_new_connection = decision.force_new_connection
        self.destination.move(base_url)
        return Retry(delay, decision.reason, decision.force_new_connection)

    def _was_signed_by_a_wrong_clock(self, response: HttpResponse, token: Secret | None) -> bool:
        """Correct the clock by which a refused token was signed; return True if a token is another one since."""
        # Another call may have corrected it while this one's token was on its way.
        corrected = correct_clock(self.config, response)
        return corrected and authorization(self.config, self.method, self.call.message) is not token

    def _relocate(self, failover: Failover, request: HttpRequest) -> Generator[Step, Outcome, Retry | GiveUp]:
        """Follow a server that refers the call to another host, whatever the RPC's class (rule D4)."""
        decision = decide_relocation(self.call.policy, attempts=self.attempts, time_left=self._time_left())
        if isinstance(decision, GiveUp):
            return decision
        there = self.destination
        base_url = yield from there.discover(failover, request, self.call.deadline, rediscover=not there.relocated)
        there.relocated = True
        if base_url is None:
            return GiveUp(failover.nowhere, shown=True)
        if (too_late := has_no_time(0.0, self._time_left())) is not None:
            return too_late
        self.destination.move(base_url)
        return decision

    def _info(self, response: HttpResponse) -> CallInfo:
        return CallInfo(
            rpc=self.method.path,
            request_id=self.call.request_id,
            attempts=self.attempts,
            url=self.destination.url,
            host=self.destination.host,
            elapsed=time.monotonic() - self.call.started,
            headers=response.headers,
        )

    def _report_success(self, outcome: HttpResponse | TransportFailure) -> None:
        if self.reporter is not None:
            self.reporter.emit("response", status=200)
        if LOGGER.isEnabledFor(DEBUG):
            reporter = self.reporter or Reporter(self.config, self.method, self.call)
            reporter.attempt, reporter.url, reporter.host = self.attempts, self.destination.url, self.destination.host
            reporter.log_attempt(outcome, "done")
