"""Literals of the wire stand in one module each: Twirp's in `_protocol.constants`, HTTP's framing in `_http1`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import twirpkit
from twirpkit._protocol import constants

PACKAGE = Path(twirpkit.__file__).parent
HOMES = ("_protocol/constants.py", "_http1/")
"""Where such a literal may stand."""
FRAMING = ("connection", "content-encoding", "content-length", "host", "transfer-encoding")
WORDS = {"date", "body", "location", "accept", "authorization"}
"""Literals that are ordinary words, too: only the spelling of a header, with its capital letters, is looked for."""
LITERALS = {
    value
    for name in constants.__all__
    if isinstance(value := getattr(constants, name), str) and value.lower() not in WORDS
}
LOWER = {literal.lower() for literal in LITERALS} | {each for each in FRAMING if "-" in each}
CAPITAL = {word.title() for word in WORDS}


def strings(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield the string constants of a module that are not docstrings, with their lines."""
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    docs |= {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            yield node.lineno, node.value


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_no_module_repeats_a_literal_of_the_wire(path: Path) -> None:
    name = path.relative_to(PACKAGE).as_posix()
    if name.startswith(HOMES):
        return
    found = [
        f"{name}:{line}: {text!r}"
        for line, text in strings(ast.parse(path.read_text("utf-8")))
        if text.lower() in LOWER or text in CAPITAL
    ]

    assert found == []


def test_the_literals_are_found_in_their_home() -> None:
    found = {text.lower() for _, text in strings(ast.parse((PACKAGE / HOMES[0]).read_text("utf-8")))}

    assert {literal.lower() for literal in LITERALS} <= found
