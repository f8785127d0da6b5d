"""The fixtures that give each case to both transports."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from worlds import WORLDS, World


@pytest.fixture(params=WORLDS)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    world = WORLDS[request.param]()
    yield world
    world.end()
