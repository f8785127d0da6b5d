"""The wrong lines of ``rules.toml`` fit the code and the table as they are; `nox -s mutate -- rules` tries them."""

from __future__ import annotations

import ast

import pytest
from rules import CASES, ROOT, Mutation, load

MUTATIONS = load()


@pytest.mark.parametrize("mutation", MUTATIONS, ids=str)
def test_it_applies(mutation: Mutation) -> None:
    text = (ROOT / "runtime" / "twirpkit" / mutation.file).read_text(encoding="utf-8")
    wrong = ast.dump(ast.parse(mutation.applied(text)))
    assert wrong != ast.dump(ast.parse(text))


def test_every_rule_of_the_table_has_one() -> None:
    assert {mutation.rule for mutation in MUTATIONS} == {case.rule for case in CASES}


def test_old_text_that_is_gone_is_told() -> None:
    mutation = Mutation(rule="A0", means="nothing", file="call.py", old="gone", new="here")
    with pytest.raises(ValueError, match=r"A0: nothing: call.py holds the old text 2 times: 'gone'"):
        mutation.applied("gone and gone")
