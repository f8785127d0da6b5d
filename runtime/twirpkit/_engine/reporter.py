"""Reports of a call: events for hooks and records for the log (rule C8)."""

from __future__ import annotations

import logging
import time
from collections.abc import Coroutine
from typing import Any, Literal

from twirpkit._engine.client_config import ClientConfig
from twirpkit._engine.prepare import PreparedCall
from twirpkit._engine.retry import GiveUp, Retry
from twirpkit._protocol.headers import Headers, check_headers
from twirpkit._protocol.redaction import shown
from twirpkit.errors import Sent, TwirpError
from twirpkit.events import LOGGER, Event, global_hooks
from twirpkit.rpc import Method
from twirpkit.transports.base import HttpResponse, TransportFailure

__all__ = ["Reporter"]


class Reporter:
    """Tells the hooks and the log of one call. What a hook raises is logged, and changes nothing about the call."""

    __slots__ = ("_call", "_config", "_context", "_hooks", "_method", "attempt", "host", "url")

    def __init__(self, config: ClientConfig, method: Method[Any, Any], call: PreparedCall) -> None:
        self._config = config
        self._method = method
        self._call = call
        self._hooks = (*global_hooks(), *config.hooks)
        self._context: dict[str, Any] = {}
        self.attempt = 0
        self.host = call.plan.host
        self.url = call.plan.url

    def emit(
        self,
        kind: Literal["start", "request", "response", "retry", "end"],
        *,
        status: int | None = None,
        error: BaseException | None = None,
        sent: Sent | None = None,
        wait: float | None = None,
        reason: str = "",
    ) -> dict[str, str]:
        """Give an event to every hook, and return the headers that they added."""
        headers: dict[str, str] = {}
        event = Event(
            kind=kind,
            rpc=self._method.path,
            host=self.host,
            method=self._method,
            context=self._context,
            attempt=self.attempt,
            url=self.url,
            request_id=self._call.request_id,
            elapsed=time.monotonic() - self._call.started,
            status=status,
            error=error,
            sent=sent,
            wait=wait,
            reason=reason,
            headers=headers,
        )
        for hook in self._hooks:
            try:
                returned: object = hook(event)
                if isinstance(returned, Coroutine):  # of a function that does not look like a coroutine function
                    returned.close()  # otherwise Python warns that nobody awaited it
                    raise TypeError("it returned a coroutine, and nothing awaits it: give a plain function")
            except Exception:
                LOGGER.exception("a hook failed at the event %r of %s", kind, self._method.path)
        return headers

    def add_headers(self, headers: Headers) -> None:
        """Emit ``request``, and add the headers of hooks to those of the attempt."""
        added = self.emit("request")
        if not added:
            return
        try:
            checked = check_headers(added)
        except (TypeError, ValueError):
            LOGGER.exception("the headers that a hook added to %s are not sent", self._method.path)
            return
        for name, value in checked.items():
            for present in [each for each in headers if each.lower() == name.lower()]:
                del headers[present]
            headers[name] = value

    def log_attempt(self, outcome: HttpResponse | TransportFailure, result: str) -> None:
        """Write one DEBUG record for an attempt."""
        if LOGGER.isEnabledFor(logging.DEBUG):
            if isinstance(outcome, TransportFailure):
                status, text = None, f"no response ({outcome.phase.value})"
            else:
                status, text = outcome.status, str(outcome.status)
            request = shown(self._call.message)
            self._write(logging.DEBUG, f"{text}; {result}; request: {request}", status, result)

    def log_decision(self, error: TwirpError, decision: Retry | GiveUp) -> None:
        """Write one INFO record for a retry, or for a call that failed, with the reason."""
        if not LOGGER.isEnabledFor(logging.INFO):
            return
        if isinstance(decision, GiveUp):
            text = f"failed with {error.code}, sent={error.sent}: {decision.reason}"
        else:
            text = f"failed with {error.code}, next attempt in {decision.delay:.3f} s: {decision.reason}"
        self._write(logging.INFO, text, error.status, text)

    def _write(self, level: int, text: str, status: int | None, decision: str) -> None:
        seconds = time.monotonic() - self._call.started
        LOGGER.log(
            level,
            "%s to %s, attempt %d, id %s, after %.3f s: %s",
            self._method.path,
            self.host,
            self.attempt,
            self._call.request_id,
            seconds,
            text,
            extra={
                "rpc": self._method.path,
                "host": self.host,
                "attempt": self.attempt,
                "request_id": self._call.request_id,
                "status": status,
                "seconds": seconds,
                "decision": decision,
            },
        )
