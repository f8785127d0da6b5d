"""`docs/testing.md` is true: its examples run, and it names what there is."""

from __future__ import annotations

import asyncio
import inspect
import re
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest

import twirpkit.testing
from livekit_twirp.testing import FakeLiveKit
from twirpkit.testing import Rule

PAGE = Path(__file__).parents[3] / "docs" / "testing.md"
TEXT = PAGE.read_text(encoding="utf-8")
EXAMPLES = types.ModuleType("examples")
exec("\n".join(re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)), EXAMPLES.__dict__)
TESTS: dict[str, Callable[[], Any]] = {name: each for name, each in vars(EXAMPLES).items() if name.startswith("test_")}


@pytest.mark.parametrize("name", TESTS)
@pytest.mark.usefixtures("sleeps")
def test_example(name: str) -> None:
    with FakeLiveKit() as fake:
        fixtures = {"livekit": fake, "livekit_api": fake.api(), "async_livekit_api": fake.async_api()}
        wanted = inspect.signature(TESTS[name]).parameters
        result = TESTS[name](**{each: fixtures[each] for each in wanted})
        if inspect.iscoroutine(result):
            asyncio.run(result)


def test_there_are_examples() -> None:
    assert len(TESTS) >= 11


def test_every_behaviour_and_answer_is_named() -> None:
    functions = [name for name in twirpkit.testing.__all__ if name.islower()]
    assert [name for name in functions if not re.search(rf"\b{name}\b", TEXT)] == []


def test_every_contradiction_is_explained() -> None:
    table = TEXT[TEXT.index("| contradiction |") :]
    assert [rule for rule in get_args(Rule) if rule not in table] == []


def test_fields_of_an_entry_are_explained() -> None:
    fields = set(twirpkit.testing.Entry.__dataclass_fields__) - {"number", "content"}
    assert [name for name in fields if f"`{name}`" not in TEXT] == []
