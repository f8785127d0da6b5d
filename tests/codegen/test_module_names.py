"""Names of modules: a test's helper is found by its bare name, and a reader finds a module of the generator by his."""

import sys
from collections import Counter
from pathlib import Path

TESTS = Path(__file__).parents[1]
CODEGEN = TESTS.parent / "codegen"
RUN_ALONE = {"stress", "mutation"}
"""Folders of scripts, which are run and not imported."""


def test_helpers_of_tests_have_names_of_their_own() -> None:
    paths = [path for path in TESTS.rglob("*.py") if path.relative_to(TESTS).parts[0] not in RUN_ALONE]
    folders = {path.parent for path in paths if path.name == "__init__.py"}  # packages, which have room for any name
    names = Counter(path.name for path in paths if path.parent not in folders and path.name != "conftest.py")
    assert [name for name, count in names.items() if count > 1] == []


def test_modules_of_the_generator_have_names_of_their_own() -> None:
    names = Counter(path.name for path in CODEGEN.rglob("*.py") if path.name != "__init__.py")
    assert [name for name, count in names.items() if count > 1] == []
    assert sys.stdlib_module_names.isdisjoint(name.removesuffix(".py") for name in names)
