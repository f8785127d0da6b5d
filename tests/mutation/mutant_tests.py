"""A pytest plugin, loaded where mutants are tested: it says in what state and order their tests run."""

from __future__ import annotations

import gc
import json
from pathlib import Path

import pytest

STATISTICS = Path("mutmut-stats.json")
"""What mutmut writes about the tests of the unchanged code, before it runs those of a mutant."""

# mutmut keeps its call stack in context variables, and CPython 3.11 can crash collecting those.
gc.disable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the fast tests first: a mutant is done with at the first test that fails. Leave those over uvloop out.

    They find what those over asyncio find, and with mutmut's context variables CPython 3.11 can crash under uvloop.
    """
    items[:] = [item for item in items if "uvloop" not in item.nodeid]
    if STATISTICS.exists():
        seconds = json.loads(STATISTICS.read_text(encoding="utf-8"))["duration_by_test"]
        items.sort(key=lambda item: seconds.get(item.nodeid, 0.0))
