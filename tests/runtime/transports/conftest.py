"""The fixtures that give each case to both transports."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from lent_worlds import LENT, LentWorld, lend
from signal_alarms import Alarm, alarms
from worlds import WORLDS, UvloopWorld, World


@pytest.fixture(params=WORLDS)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    world = WORLDS[request.param]()
    yield world
    world.end()


@pytest.fixture(params=[name for name in WORLDS if name != "sync"])
def loops(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have `asyncio.run` and its like make loops of the one kind or the other."""
    if request.param == UvloopWorld.name:
        for module in (asyncio, asyncio.events):
            monkeypatch.setattr(module, "new_event_loop", UvloopWorld.new_loop)


@pytest.fixture(params=LENT)
def lent(request: pytest.FixtureRequest) -> Iterator[LentWorld]:
    """A transport over a session of each library."""
    world = lend(request.param)
    yield world
    world.end()


@pytest.fixture
def alarm() -> Iterator[Alarm]:
    """A function that has the handler of SIGALRM raise."""
    yield from alarms()
