"""The figures that the clients are held to: each a ratio of one run, with its bound and its aim."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import imports
from measure import Spread, ratio
from results import Results


@dataclass(frozen=True, slots=True)
class Row:
    """One figure.

    Attributes:
        text: Description.
        at_most: Largest value of the median that passes.
        aim: Value that would be good.
        measured: The figure; None where it could not be measured.
    """

    text: str
    at_most: float
    aim: float
    measured: Spread | None

    def verdict(self) -> str:
        """Return PASS, MISS with by how much, or that there is no figure."""
        if self.measured is None:
            return "not measured"
        if self.measured.median > self.at_most:
            return f"MISS by {self.measured.median / self.at_most - 1:.0%}"
        return "PASS, aim met" if self.measured.median <= self.aim else "PASS"


def _of(series: str, name: str, base: str) -> Callable[[Results], Spread]:
    return lambda results: ratio(results.series[series], name, base)


def _import(name: str) -> Callable[[Results], Spread]:
    def measured(results: Results) -> Spread:
        pairs = zip(results.imports[name], results.imports[imports.BASE], strict=True)
        return Spread.of([one / base for one, base in pairs])

    return measured


def _evenness(name: str) -> Callable[[Results], Spread]:
    def measured(results: Results) -> Spread:
        figures = results.fairness[name]
        return Spread.of([p99 / p50 for p99, p50 in zip(figures["p99"], figures["p50"], strict=True)])

    return measured


def _memory(name: str) -> Callable[[Results], Spread]:
    return lambda results: Spread.of(results.memory[name]["resident"] or results.memory[name]["traced"])


_ROWS: list[tuple[str, float, float, Callable[[Results], Spread]]] = [
    ("async, 16 in flight ÷ livekit-api", 0.20, 0.14, _of("async-16", "async", "livekit-api")),
    ("async, 256 in flight ÷ livekit-api", 0.25, 0.18, _of("async-256", "async", "livekit-api")),
    ("async, one at a time ÷ aiohttp post of the same bytes", 0.6, 0.45, _of("async-1", "async", "aiohttp")),
    ("sync ÷ `requests.Session.post`", 0.10, 0.07, _of("sync", "sync", "requests")),
    ("sync ÷ a Twirp call on a bare socket", 3.5, 2.5, _of("sync", "sync", "socket")),
    ("flow and messages (null transport), sync ÷ a Twirp call on a bare socket", 0.9, 0.6,
     _of("sync", "sync-null", "socket")),
    ("flow and messages (null transport), async ÷ a Twirp call on a bare socket", 0.9, 0.6,
     _of("async-1", "async-null", "socket")),
    ("`TwirpApp` in the same process, sync ÷ flow over a null transport", 2, 1.6, _of("sync", "sync-app", "sync-null")),
    ("`TwirpApp` in the same process, async ÷ flow over a null transport", 2, 1.6,
     _of("async-1", "async-app", "async-null")),
    ("lent `requests.Session` ÷ the bare library", 1.3, 1.1, _of("sync", "sync-requests", "requests")),
    ("lent `httpx.Client` ÷ the bare library", 1.3, 1.1, _of("sync", "sync-httpx", "httpx")),
    ("lent `aiohttp.ClientSession`, 16 in flight ÷ the bare library", 1.3, 1.1,
     _of("async-16", "async-aiohttp", "aiohttp")),
    ("lent `httpx.AsyncClient`, 16 in flight ÷ the bare library", 1.3, 1.1,
     _of("async-16", "async-httpx", "httpx-async")),
    ("3.4 MB response, sync ÷ protobuf's own parse", 1.2, 1.05, _of("large-sync", "sync", "parse")),
    ("3.4 MB response, async ÷ protobuf's own parse", 1.2, 1.05, _of("large-async", "async", "parse")),
    ("import and first client, sync ÷ `import livekit.api`", 0.35, 0.25, _import(imports.SYNC)),
    ("import and first client, async ÷ `import livekit.api`", 0.35, 0.25, _import(imports.ASYNC)),
    ("512 in flight, async, p99 ÷ p50", 3, 2, _evenness("async")),
    ("peak memory above the message of a 3.4 MB response, sync ÷ its size", 2.5, 1.5, _memory("sync")),
    ("peak memory above the message of a 3.4 MB response, async ÷ its size", 2.5, 1.5, _memory("async")),
]  # fmt: skip


def rows(results: Results) -> list[Row]:
    """Return every row, those too that could not be measured."""
    found = []
    for text, at_most, aim, measured in _ROWS:
        try:
            found.append(Row(text, at_most, aim, measured(results)))
        except KeyError:  # the contender was left out; `Results.missing` says why
            found.append(Row(text, at_most, aim, None))
    return found
