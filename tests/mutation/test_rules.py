"""The wrong lines of ``rules.toml`` fit the code and the table as they are; `nox -s mutate -- rules` tries them."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from rules import CASES, ROOT, Mutation, load

MUTATIONS = load()
PACKAGE = ROOT / "runtime" / "twirpkit"


@pytest.mark.parametrize("mutation", MUTATIONS, ids=str)
def test_a_wrong_line_applies(mutation: Mutation) -> None:
    path, wrong = mutation.applied(PACKAGE)
    assert ast.dump(ast.parse(wrong)) != ast.dump(ast.parse(path.read_text(encoding="utf-8")))


def test_every_rule_of_the_table_has_one() -> None:
    assert {mutation.rule for mutation in MUTATIONS} == {case.rule for case in CASES}


@pytest.mark.parametrize(
    ("old", "within", "places"), [("gone", None, 0), ("here", None, 4), ("here", "twice", 2), ("here", "nowhere", 0)]
)
def test_old_text_that_does_not_stand_there_once_is_refused(
    tmp_path: Path, old: str, within: str | None, places: int
) -> None:
    (tmp_path / "one.py").write_text("here = 1\ndef twice():\n    here\n    here\n")
    (tmp_path / "two.py").write_text("here = 1\n")
    mutation = Mutation(rule="A0", means="nothing", old=old, new="there", within=within)
    with pytest.raises(ValueError, match=f"A0: nothing: the old text stands in {places} places: '{old}'"):
        mutation.applied(tmp_path)


def test_old_text_is_replaced_in_its_function(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text("here = 1\ndef f():\n    here\n")
    mutation = Mutation(rule="A0", means="nothing", old="here", new="there", within="f")
    assert mutation.applied(tmp_path) == (tmp_path / "one.py", "here = 1\ndef f():\n    there\n")
