"""One logical call, without I/O: attempts, their time, their answers, and whether another one follows.

`flow` is a generator. It yields `Send` steps and is sent what came of each - an `HttpResponse` or the
`TransportFailure` - and `Sleep` steps, of which nothing comes; it returns the decoded answer or raises.
`twirpkit.client` holds the two drivers, one that waits and one that awaits.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Generator
from typing import Any, Final, Generic, Literal, TypeVar

from google.protobuf.message import Message

from twirpkit.call import CallOptions, Endpoint, Method
from twirpkit.errors import Code, DeadlineExceededError, Sent, TwirpError
from twirpkit.events import LOGGER, Event
from twirpkit.headers import Headers, Secret
from twirpkit.hints import known_answer
from twirpkit.outgoing import Outgoing, authorization, outgoing
from twirpkit.redaction import shown
from twirpkit.result import TIMEOUT_HEADER, attempt_result, reword, whether_sent
from twirpkit.retry import LONGEST_UNLIMITED, Ended, RetryPolicy, ended, may_follow, retry_after
from twirpkit.steps import Failover, Outcome, Send, Sleep, Step
from twirpkit.transport import HttpRequest, HttpResponse, TransportFailure

__all__ = ["flow"]

Resp = TypeVar("Resp", bound=Message)

LONGEST_CONNECT: Final = 5.0
"""Seconds that connecting may take where another attempt can follow (rule B2)."""
SHORTEST_ATTEMPT: Final = 1.0
"""Seconds that an attempt gets at least, where the call has them (rule B2)."""


def flow(
    endpoint: Endpoint, method: Method[Any, Resp], message: Message, options: CallOptions
) -> Generator[Step, Outcome, Resp]:
    """Make one logical call.

    Args:
        endpoint: Where it goes.
        method: The RPC.
        message: The request; never changed.
        options: What this call has of its own.

    Raises:
        TwirpError: The call failed; its subclass says how.
        ValueError: The timeout is not finite, or the message lacks a required field.
        TypeError: The timeout is no number, or ``retry`` no policy.
    """
    return (yield from _Call(endpoint, method, outgoing(endpoint, method, message, options)).run())


class _Call(Generic[Resp]):
    """A call under way: what it sends, and what has come of it so far."""

    def __init__(self, endpoint: Endpoint, method: Method[Any, Resp], out: Outgoing) -> None:
        self.endpoint = endpoint
        self.method = method
        self.out = out
        self.bases = [endpoint.base_url]
        """Where the attempts went; the last one is where the current one goes."""
        self.attempts = 0
        self.unsure = False
        """Whether an attempt may have run and got no answer that tells: phases P2 and P3."""
        self.sent: Sent = "no"
        self.fresh = False
        """Whether the next attempt wants a new connection: a kept one had closed, and others may have, too."""
        self.moved = False
        """Whether a server has sent the call to another host."""
        self.before: TwirpError | None = None
        """What the attempt before this one came to."""

    def run(self) -> Generator[Step, Outcome, Resp]:
        timeout = self.out.timeout
        if timeout is not None and timeout <= 0:
            text = f"{self.method.path}: the timeout of {timeout:g} s had passed before anything was sent"
            late = DeadlineExceededError(Code.DEADLINE_EXCEEDED, text)
            self._mark(late)
            self._tell("error", error=late)
            raise late
        while True:
            self.attempts += 1
            token = authorization(self.endpoint, self.method, self.out.message)
            request = self._request(token)
            self._tell("request")
            outcome = yield Send(request)
            assert outcome is not None  # noqa: S101  # what drivers promise of a Send
            answer = self._answer(outcome, request, token)
            self._log(outcome)
            if not isinstance(answer, TwirpError):
                self.endpoint.budget.earn(self._host)
                self._tell("answer", status=200)
                return answer
            wait = yield from self._next(outcome, answer, request)
            if wait is None:
                if answer.status is None and self.before is not None:  # a server's reason is not lost behind a silence
                    reword(answer, f"{answer.message} (attempt {self.attempts}; before it: {self.before.message})")
                self._tell("error", status=answer.status, error=answer)
                raise answer
            self.before = answer
            self._tell("retry", status=answer.status, error=answer, wait=wait)
            yield Sleep(wait)

    @property
    def _base(self) -> str:
        return self.bases[-1]

    @property
    def _host(self) -> str:
        return self._base.split("/", 3)[2]

    def _left(self) -> float | None:
        deadline = self.out.deadline
        return None if deadline is None else deadline - time.monotonic()

    def _request(self, token: Secret | None) -> HttpRequest:
        """The attempt, with its share of the time (rule B2) and the header that tells the server (rule B4)."""
        out, policy, now = self.out, self.out.policy, time.monotonic()
        deadline = out.deadline
        connect_deadline = None
        headers = Headers(out.headers)
        if self._another(policy):
            connect_deadline = now + LONGEST_CONNECT
            # A request that may not be sent again after a timeout gets all the time there is: cutting it short would
            # turn a slow answer into none.
            again = may_follow(self.method.retry, Ended.NO_ANSWER, unsure_before=self.unsure)
            if deadline is not None and again:
                deadline = min(deadline, now + max(SHORTEST_ATTEMPT, (deadline - now) / 2))
        if deadline is not None:
            milliseconds = int((deadline - now) * 1000)
            headers[TIMEOUT_HEADER] = str(max(1, milliseconds - min(100, milliseconds // 10)))
        if token is not None:
            headers["Authorization"] = token.reveal()
        url = f"{self._base}/{self.method.path}"
        return HttpRequest(url, headers, out.body, deadline, connect_deadline, fresh=self.fresh)

    def _another(self, policy: RetryPolicy | None) -> bool:
        """Whether a further attempt is possible at all."""
        return policy is not None and self.attempts < policy.max_attempts and self.endpoint.budget.left(self._host)

    def _answer(
        self, outcome: HttpResponse | TransportFailure, request: HttpRequest, token: Secret | None
    ) -> Resp | TwirpError:
        """What the call returns, or the error that this attempt came to, with all that is known of the call in it."""
        answer = attempt_result(self.endpoint, self.method, self.out, request, outcome, token)
        if not isinstance(answer, TwirpError):
            return answer
        self.sent = whether_sent(self.sent, outcome, answer)
        self._mark(answer)
        refine = self.endpoint.refine
        return answer if refine is None else refine(answer)

    def _mark(self, error: TwirpError) -> None:
        error.attempts, error.request_id, error.sent = self.attempts, self.out.request_id, self.sent

    def _next(
        self, outcome: HttpResponse | TransportFailure, error: TwirpError, request: HttpRequest
    ) -> Generator[Step, Outcome, float | None]:
        """Seconds until the next attempt, whose base URL is then chosen; None: this error is the call's."""
        failover, policy = self.endpoint.failover, self.out.policy
        if failover is not None and isinstance(outcome, HttpResponse) and failover.moves(outcome):
            return (yield from self._move(failover, request, error))
        how = self._ended(outcome, error)
        unsure_before = self.unsure
        self.unsure |= how in (Ended.NO_ANSWER, Ended.CUT)
        self.fresh = how is Ended.STALE
        if policy is None or not self._another(policy):
            return None
        if not may_follow(self.method.retry, how, unsure_before=unsure_before):
            return None
        asked = retry_after(outcome) if isinstance(outcome, HttpResponse) else None
        # After a kept connection that had closed there is nothing to wait for: the server is fine.
        wait = asked if asked is not None else 0.0 if how is Ended.STALE else policy.wait(self.attempts)
        if not self._in_time(wait):
            return None
        began = time.monotonic()
        base = None if failover is None else (yield from self._elsewhere(failover, request, moved=False))
        wait = max(0.0, wait - (time.monotonic() - began))
        if not self._in_time(wait):
            return None
        self.endpoint.budget.spend(self._host)
        self.bases.append(base or self._base)
        return wait

    def _ended(self, outcome: HttpResponse | TransportFailure, error: TwirpError) -> Ended:
        if isinstance(outcome, HttpResponse) and (known := known_answer(self.endpoint.known, error)) and known.final:
            return Ended.ANSWERED
        return ended(outcome, error, timed_out=error.status == 408 and "server_code" in error.meta)

    def _in_time(self, wait: float) -> bool:
        left = self._left()
        return wait < left if left is not None else wait <= LONGEST_UNLIMITED

    def _move(
        self, failover: Failover, request: HttpRequest, error: TwirpError
    ) -> Generator[Step, Outcome, float | None]:
        """Go where the server sends the call, whatever its class: it refused before running it (rule D4)."""
        most = (self.out.policy or RetryPolicy()).max_attempts
        if self.attempts >= max(most, 2):
            return None
        base = yield from self._elsewhere(failover, request, moved=not self.moved)
        self.moved = True
        if base is None:
            reword(error, f"{error.message} ({failover.nowhere})")
            return None
        self.bases.append(base)
        return 0.0 if self._in_time(0.0) else None

    def _elsewhere(
        self, failover: Failover, request: HttpRequest, *, moved: bool
    ) -> Generator[Step, Outcome, str | None]:
        deadline, base = self.out.deadline, self.endpoint.base_url
        return (yield from failover.next_base(request, deadline, base, self.bases, moved=moved))

    def _tell(
        self,
        kind: Literal["request", "retry", "answer", "error"],
        *,
        status: int | None = None,
        error: TwirpError | None = None,
        wait: float | None = None,
    ) -> None:
        if not self.endpoint.hooks:
            return
        event = Event(
            kind=kind,
            method=self.method,
            attempt=self.attempts,
            url=f"{self._base}/{self.method.path}",
            request_id=self.out.request_id,
            elapsed=time.monotonic() - self.out.began,
            status=status,
            error=error,
            wait=wait,
        )
        for hook in self.endpoint.hooks:
            hook(event)

    def _log(self, outcome: HttpResponse | TransportFailure) -> None:
        if LOGGER.isEnabledFor(logging.DEBUG):
            LOGGER.debug(
                "%s to %s, attempt %d, id %s: %s after %.3f s; request: %s",
                self.method.path,
                self._host,
                self.attempts,
                self.out.request_id,
                f"no answer ({outcome.phase.value})" if isinstance(outcome, TransportFailure) else outcome.status,
                time.monotonic() - self.out.began,
                shown(self.out.message, self.endpoint.sensitivity),
            )
