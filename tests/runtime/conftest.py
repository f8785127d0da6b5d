"""Fixtures that give each test to both clients."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from clock import Clock
from scripted_transport import Opened, open_any, open_livekit


@pytest.fixture(params=["sync", "async"])
def kind(request: pytest.FixtureRequest) -> str:
    """Which client."""
    name: str = request.param
    return name


@pytest.fixture
def livekit(kind: str) -> Iterator[Callable[..., Opened]]:
    """Makes LiveKit's facade over a scripted transport; see `scripted_transport.open_livekit`."""
    opened: list[Opened] = []

    def make(*outcomes: Any, **options: Any) -> Opened:
        opened.append(open_livekit(kind, *outcomes, **options))
        return opened[-1]

    yield make
    for each in opened:
        each.end()


@pytest.fixture
def bare(kind: str) -> Iterator[Callable[..., Opened]]:
    """Makes a client of any endpoint over a scripted transport; see `scripted_transport.open_any`."""
    opened: list[Opened] = []

    def make(endpoint: Any, *outcomes: Any) -> Opened:
        opened.append(open_any(kind, endpoint, *outcomes))
        return opened[-1]

    yield make
    for each in opened:
        each.end()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of deadlines, idle connections and asyncio's timers; threads that wait for each other do not use it."""
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", clock.now)
    return clock


@pytest.fixture
def sleeps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that clients wait between attempts. They are noted, and do not pass."""
    noted: list[float] = []

    async def note(seconds: float) -> None:
        noted.append(seconds)

    monkeypatch.setattr(time, "sleep", noted.append)
    monkeypatch.setattr(asyncio, "sleep", note)
    return noted
