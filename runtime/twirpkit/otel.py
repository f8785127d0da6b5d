"""OpenTelemetry: one client span for each call, and a histogram of durations (extra ``otel``).

`TwirpkitInstrumentor` reaches every client of the process, and ``opentelemetry-instrument`` finds it by itself.
`otel_hook` is for single clients. A call that both reach has one span.

A span begins and ends with its call, and is current in between. It has an event for each attempt and for each retry,
and each attempt carries the span's context (``traceparent``) to the server. Instrumentation of the HTTP library under a
client adds nothing: it is suppressed while the call lasts.

Names and attributes are listed in docs/observability.md.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from contextvars import Token
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from opentelemetry import context, propagate
from opentelemetry.context import Context
from opentelemetry.instrumentation.instrumentor import BaseInstrumentor  # type: ignore[attr-defined]  # mypy does not read that module: it says "type: ignore" itself
from opentelemetry.instrumentation.utils import is_instrumentation_enabled, suppress_http_instrumentation
from opentelemetry.metrics import Histogram, MeterProvider, get_meter
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, TracerProvider, get_tracer, set_span_in_context

from twirpkit.errors import TwirpError
from twirpkit.events import Event, Hook, add_global_hook, remove_global_hook
from twirpkit.version import __version__

__all__ = ["TwirpkitInstrumentor", "otel_hook"]

_STATE: Final = "twirpkit.otel"
"""The key of a call's state in `Event.context`."""
_OPT_IN: Final = "OTEL_SEMCONV_STABILITY_OPT_IN"
_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
"""The bucket boundaries that the conventions recommend; the SDK's defaults are made for milliseconds."""

Attributes = dict[str, str | int]


class TwirpkitInstrumentor(BaseInstrumentor):  # type: ignore[misc]  # as above, so that its base is unknown
    """The instrumentation of every client in the process, of clients that exist already too.

    ``TwirpkitInstrumentor().instrument(tracer_provider=…, meter_provider=…)`` begins it, with the global providers
    unless others are given; ``uninstrument()`` ends it. Calls under way keep the instrumentation with which they began.
    """

    _hook: Hook | None = None

    def instrumentation_dependencies(self) -> Collection[str]:
        """Return nothing: this module is a part of what it instruments."""
        return ()

    def _instrument(self, **kwargs: Any) -> None:
        self._hook = otel_hook(kwargs.get("tracer_provider"), kwargs.get("meter_provider"))
        add_global_hook(self._hook)

    def _uninstrument(self, **kwargs: Any) -> None:
        if self._hook is not None:
            remove_global_hook(self._hook)
            self._hook = None


def otel_hook(tracer_provider: TracerProvider | None = None, meter_provider: MeterProvider | None = None) -> Hook:
    """Return a hook that makes spans and durations of the calls of single clients: ``hooks=[otel_hook()]``.

    Args:
        tracer_provider: Where spans go; None for the global provider.
        meter_provider: Where durations go; None for the global provider.
    """
    tracer = get_tracer("twirpkit", __version__, tracer_provider)
    meter = get_meter("twirpkit", __version__, meter_provider)
    old, new = _conventions(os.environ.get(_OPT_IN, ""))
    milliseconds = meter.create_histogram("rpc.client.duration", "ms", "Duration of RPCs.") if old else None
    seconds = (
        meter.create_histogram(
            "rpc.client.call.duration", "s", "Duration of RPCs.", explicit_bucket_boundaries_advisory=_SECONDS
        )
        if new
        else None
    )

    def hook(event: Event) -> None:
        if event.kind == "start":
            if _STATE not in event.context and is_instrumentation_enabled():
                attributes = _attributes(event, old=old, new=new)
                span = tracer.start_span(event.rpc, kind=SpanKind.CLIENT, attributes=attributes)
                event.context[_STATE] = _enter(hook, span)
            return
        call = event.context.get(_STATE)
        if not isinstance(call, _Call) or call.hook is not hook:
            return
        if event.kind == "request":
            _add_attempt(call.span, event)
            propagate.inject(event.headers, call.context)
        elif event.kind == "retry":
            _add_retry(call.span, event)
        elif event.kind == "end":
            _record(milliseconds, event.elapsed * 1000, event, call, _attributes(event, old=True, new=False))
            _record(seconds, event.elapsed, event, call, _attributes(event, old=False, new=True))
            _end(call, event)

    return hook


@dataclass(slots=True)
class _Call:
    """The instrumentation of one call."""

    hook: Hook
    """The hook that made the span; another hook on the same call leaves it alone."""
    span: Span
    context: Context
    """The context of the call, with the span, and without instrumentation of HTTP."""
    token: Token[Context]


def _conventions(opt_in: str) -> tuple[bool, bool]:
    """Return whether the conventions 1.37 are followed, and whether those that replace them."""
    chosen = {each.strip() for each in opt_in.split(",")}
    if "rpc/dup" in chosen:
        return True, True
    return "rpc" not in chosen, "rpc" in chosen


def _enter(hook: Hook, span: Span) -> _Call:
    """Make a span current, and suppress spans of the HTTP library, until `_end`."""
    with suppress_http_instrumentation():
        current = set_span_in_context(span)
    return _Call(hook, span, current, context.attach(current))


def _end(call: _Call, event: Event) -> None:
    """End the span with the outcome of the call."""
    span = call.span
    if span.is_recording():
        span.set_attributes(_server(event))
        span.set_attributes(_outcome(event))
        span.set_attribute("twirpkit.attempts", event.attempt)
        if event.request_id is not None:
            span.set_attribute("twirpkit.request_id", event.request_id)
        if event.sent is not None:
            span.set_attribute("twirpkit.sent", event.sent)
        if event.error is not None:
            # Texts of other exceptions are not ours, and may show anything.
            text = str(event.error) if isinstance(event.error, TwirpError) else None
            span.set_status(Status(StatusCode.ERROR, text))
    span.end()
    if context.get_current() is call.context:  # a coroutine may be closed in a context that is not the call's
        context.detach(call.token)


def _record(histogram: Histogram | None, duration: float, event: Event, call: _Call, attributes: Attributes) -> None:
    if histogram is not None:
        if event.error is not None:
            attributes["error.type"] = _error_type(event.error)
        histogram.record(duration, attributes, call.context)


def _add_attempt(span: Span, event: Event) -> None:
    span.add_event("attempt", {"twirpkit.attempt": event.attempt, **_server(event)})


def _add_retry(span: Span, event: Event) -> None:
    span.add_event("retry", {**_outcome(event), "twirpkit.wait": event.wait or 0.0, "twirpkit.reason": event.reason})


def _attributes(event: Event, *, old: bool, new: bool) -> Attributes:
    """Return the RPC and its server by the conventions; where both are asked for, ``rpc.method`` is the newer one's."""
    attributes = _server(event)
    if old:
        attributes |= {"rpc.system": "twirp", "rpc.service": event.method.service, "rpc.method": event.method.name}
    if new:
        attributes |= {"rpc.system.name": "twirp", "rpc.method": event.rpc}
    return attributes


def _server(event: Event) -> Attributes:
    target = urlsplit(event.url)
    port = target.port or (443 if target.scheme == "https" else 80)
    return {"server.address": target.hostname or event.host, "server.port": port}


def _outcome(event: Event) -> Mapping[str, str | int]:
    outcome: Attributes = {}
    if event.status is not None:
        outcome["http.response.status_code"] = event.status
    if event.error is not None:
        outcome["error.type"] = _error_type(event.error)
    return outcome


def _error_type(error: BaseException) -> str:
    if isinstance(error, TwirpError):
        return error.code.value
    cls = type(error)
    return cls.__qualname__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__qualname__}"
