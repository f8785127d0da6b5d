"""Docstrings open with a noun phrase or a verb, never with a clause: rules of CONTRIBUTING.md."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from generating import ROOT

TREES = ("codegen/twirpkit_codegen", "runtime/twirpkit")
FILES = sorted(path for tree in TREES for path in (ROOT / tree).rglob("*.py"))
CLAUSE = re.compile(r"(What|Whether|How|Where|Why|Which|When|Who|Whose)\b")


def docstrings(path: Path) -> Iterator[str]:
    """The docstrings of a file: of modules, classes and functions, and those below assignments."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.value.value


def test_there_are_docstrings() -> None:
    assert sum(len(list(docstrings(path))) for path in FILES) > 1000


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_docstring_opens_with_a_clause(path: Path) -> None:
    assert [text for text in docstrings(path) if CLAUSE.match(text.strip())] == []
