"""docs/rules.md and what cites it: no rule is cited that the page lacks, and none is there that no test shows."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")
RULES = re.findall(r"^\| ([A-F]\d+) \|", PAGE, re.MULTILINE)
PLACES = ("runtime", "codegen", "templates", "protos", "tests")
CITED = re.compile(r"\brules?\s+([A-F]\d+(?:(?:,\s+and\s+|,\s+|\s+and\s+|-)[A-F]\d+)*)")

NO_TEST = {"F4": "shown by figures, not by a test"}
"""Rules that no test cites, each with the reason."""


def citations(folder: str) -> Iterator[tuple[str, str]]:
    """The rules that files of a folder cite, and the files."""
    for path in sorted((ROOT / folder).rglob("*")):
        if path.suffix in (".py", ".pyi", ".j2", ".toml", ".proto") and "__pycache__" not in path.parts:
            text = re.sub(r"\n\s*(#|//)?\s*", " ", path.read_text(encoding="utf-8"))  # a citation may cross a line
            for match in CITED.finditer(text):
                for rule in re.findall(r"[A-F]\d+", match[1]):
                    yield rule, path.relative_to(ROOT).as_posix()


def rows() -> list[Any]:
    """The table of answers."""
    sys.path.insert(0, str(ROOT / "tests" / "runtime"))
    from cases import CASES

    return list(CASES)


def in_the_table() -> set[str]:
    """The rules that its rows are of."""
    return {rule for case in rows() for rule in case.rules}


def test_numbers_are_unique_and_in_order() -> None:
    assert sorted(set(RULES), key=lambda rule: (rule[0], int(rule[1:]))) == RULES


@pytest.mark.parametrize("folder", PLACES)
def test_what_is_cited_is_there(folder: str) -> None:
    assert [(rule, file) for rule, file in citations(folder) if rule not in RULES] == []


def test_every_rule_is_shown() -> None:
    shown = {rule for rule, _ in citations("tests")} | in_the_table()
    assert [rule for rule in RULES if rule not in shown] == list(NO_TEST)


def test_rows_are_of_rules() -> None:
    assert in_the_table() <= set(RULES)


def test_the_page_says_where_go_differs() -> None:
    """Of each row that ends otherwise in Go, one of its rules says so."""
    lines = {rule: line for line in PAGE.splitlines() for rule in re.findall(r"^\| ([A-F]\d+) \|", line)}
    mark_deprecated = {rule for rule in RULES if "**Differs:**" in lines[rule]}
    differing = [case for case in rows() if case.go and "the network" not in case.go]
    assert [str(case) for case in differing if mark_deprecated.isdisjoint(case.rules)] == []
