"""Examples of docs/messages.md and docs/enums.md run, and are worth what their comments say."""

from __future__ import annotations

import ast
import builtins
import re
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(r"^```python(?: raises=(\w+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.protobuf
@pytest.mark.parametrize("page", ["messages.md", "enums.md"])
def test_examples_run(page: str) -> None:
    blocks = BLOCK.findall((DOCS / page).read_text("utf-8"))
    namespace: dict[str, Any] = {"__name__": __name__}
    assert len(blocks) > 3

    for raises, source in blocks:
        if raises:
            words = re.escape(source.rpartition("# ")[2].strip())
            with pytest.raises(getattr(builtins, raises), match=f"^{words}$"):
                exec(source, namespace)
        else:
            run(source, namespace)


def run(source: str, namespace: dict[str, Any]) -> None:
    """Run a block; an expression with a comment that is a value must be worth that value."""
    lines = source.splitlines()
    for statement in ast.parse(source).body:
        if not isinstance(statement, ast.Expr):
            exec(compile(ast.Module([statement], []), "page", "exec"), namespace)
            continue
        value = eval(compile(ast.Expression(statement.value), "page", "eval"), namespace)
        expected = said(lines[(statement.end_lineno or 0) - 1])
        assert expected is None or value == expected[0], ast.unparse(statement)


def said(line: str) -> tuple[Any] | None:
    """The value in the comment of a line, None for words."""
    try:
        return (ast.literal_eval(line.partition("  # ")[2]),)
    except (SyntaxError, ValueError):
        return None
