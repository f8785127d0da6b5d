"""Test modules are found by their bare names, so two of one name would be one."""

from collections import Counter
from pathlib import Path

TESTS = Path(__file__).parents[1]
RUN_ALONE = {"stress", "mutation"}
"""Folders of scripts, which are run and not imported."""


def test_helpers_of_tests_have_names_of_their_own() -> None:
    paths = [path for path in TESTS.rglob("*.py") if path.relative_to(TESTS).parts[0] not in RUN_ALONE]
    folders = {path.parent for path in paths if path.name == "__init__.py"}  # packages, which have room for any name
    names = Counter(path.name for path in paths if path.parent not in folders and path.name != "conftest.py")
    assert [name for name, count in names.items() if count > 1] == []
