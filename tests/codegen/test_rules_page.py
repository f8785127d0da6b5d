"""docs/rules.md against the files that cite it: no cited rule is missing, and every rule is covered by a test."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")
SECTIONS = {
    section.partition(".")[0]: section
    for section in re.split("^##+ ", PAGE, flags=re.MULTILINE)
    if section[1:2].isdigit()
}
"""The text of each rule, by its number."""
RULES = list(SECTIONS)
PLACES = ("runtime", "codegen", "templates", "protos", "tests")
CITED = re.compile(r"\brules?\s+([A-F]\d+(?:(?:,\s+and\s+|,\s+|\s+and\s+|-)[A-F]\d+)*)")

NO_TEST = {"F4": "covered by nox -s stress"}
"""Rules that no test cites, with the reason."""


def citations(folder: str) -> Iterator[tuple[str, str]]:
    """Each citation in the files of a folder: the rule and the file."""
    for path in sorted((ROOT / folder).rglob("*")):
        if path.suffix in (".py", ".pyi", ".j2", ".toml", ".proto") and "__pycache__" not in path.parts:
            text = re.sub(r"\n\s*(#|//)?\s*", " ", path.read_text(encoding="utf-8"))  # a citation may cross a line
            for match in CITED.finditer(text):
                for rule in re.findall(r"[A-F]\d+", match[1]):
                    yield rule, path.relative_to(ROOT).as_posix()


def cases() -> list[Any]:
    """The table of cases."""
    sys.path.insert(0, str(ROOT / "tests" / "runtime"))
    from cases import CASES

    return list(CASES)


def rules_of_cases() -> set[str]:
    """The rules that the table covers."""
    return {rule for case in cases() for rule in case.rules}


def test_numbers_are_unique_and_in_order() -> None:
    numbers = re.findall(r"^### ([A-F]\d+)\. \S", PAGE, re.MULTILINE)
    assert sorted(set(numbers), key=lambda rule: (rule[0], int(rule[1:]))) == numbers == RULES


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_has_a_reason(rule: str) -> None:
    assert "\n**Why:** " in SECTIONS[rule]


@pytest.mark.parametrize("folder", PLACES)
def test_cited_rules_exist(folder: str) -> None:
    assert [(rule, file) for rule, file in citations(folder) if rule not in RULES] == []


def test_every_rule_is_cited_by_a_test() -> None:
    cited = {rule for rule, _ in citations("tests")} | rules_of_cases()
    assert [rule for rule in RULES if rule not in cited] == list(NO_TEST)


def test_cases_cite_existing_rules() -> None:
    assert rules_of_cases() <= set(RULES)


def test_differences_from_go_are_marked() -> None:
    """Each case with another outcome in Go cites a rule that is marked."""
    marked = {rule for rule in RULES if "**Differs from Go:**" in SECTIONS[rule]}
    differing = [case for case in cases() if case.go and "the network" not in case.go]
    assert [str(case) for case in differing if marked.isdisjoint(case.rules)] == []
