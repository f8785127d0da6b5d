"""No secret in a text, pickle, log, event, span or local variable of ours, however a client is made, refused and fails.

The tables are those of the figures on refusals and canaries (rules E1, E4).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import canaries
import pytest
import refusals
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from twirpkit import Event
from twirpkit.events import Hook
from twirpkit.otel import otel_hook

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("always"),  # they are looked at, too
]


def events_and_spans() -> tuple[Hook, Callable[[], Iterator[tuple[str, str]]]]:
    """Watch the events, and the spans that are made of them."""
    spans, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    traced, (note, noted) = otel_hook(provider), canaries.events()

    def hook(event: Event) -> None:
        traced(event)
        note(event)

    def watched() -> Iterator[tuple[str, str]]:
        yield from noted()
        yield from (("a span", span.to_json()) for span in spans.get_finished_spans())

    return hook, watched


@pytest.mark.parametrize("client", canaries.CLIENTS, ids=lambda client: "-".join(filter(None, client)))
def test_of_a_call_that_fails(client: tuple[str, str | None]) -> None:
    (row,) = canaries.run(1, [client], events_and_spans)

    assert row.passed, row


def test_of_a_constructor_that_refuses() -> None:
    assert [row for row in refusals.run(1) if not row.passed] == []
