"""The pages for readers: their links lead somewhere, their tables stay readable, and their Python code compiles."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("examples/**/*.md"), *ROOT.glob("benchmarks/*.md")]
)
WRITTEN = [page for page in PAGES if ROOT / "docs" / "reference" not in page.parents]
"""The pages that people write; the others are generated."""
LONGEST_CELL = 200


def name_of(path: Path) -> str:
    """The path from the root of the checkout: the id of a test."""
    return path.relative_to(ROOT).as_posix()


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def without_code(text: str) -> str:
    return re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)


def anchors(path: Path) -> set[str]:
    """The fragments that a page offers, as GitHub makes them from headings."""
    text = without_code(text_of(path))
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    plain = [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]
    return {*plain, *re.findall(r'<a (?:id|name)="([^"]+)"', text)}


def links(path: Path) -> Iterator[tuple[str, str]]:
    """The file and the fragment of each link that stays inside the checkout."""
    for target in re.findall(r"\]\(([^)\s]+)\)", without_code(text_of(path))):
        if "://" not in target:
            file, _, fragment = target.partition("#")
            yield file, fragment


@pytest.mark.parametrize("page", WRITTEN, ids=name_of)
def test_links_lead_to_a_file_and_a_heading(page: Path) -> None:
    for file, fragment in links(page):
        target = page.parent / file if file else page
        assert target.exists(), file
        assert not fragment or fragment in anchors(target), f"{file}#{fragment}"


@pytest.mark.parametrize("page", WRITTEN, ids=name_of)
def test_table_cells_are_short(page: Path) -> None:
    rows = [line for line in without_code(text_of(page)).splitlines() if line.startswith("|")]
    cells = [cell.strip() for row in rows for cell in re.split(r"(?<!\\)\|", row)]
    assert [cell for cell in cells if len(cell) > LONGEST_CELL] == []


@pytest.mark.parametrize("page", WRITTEN, ids=name_of)
def test_python_code_compiles(page: Path) -> None:
    for code in re.findall(r"^```python.*?\n(.*?)^```$", text_of(page), re.DOTALL | re.MULTILINE):
        compile(code, name_of(page), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


def steps() -> list[tuple[str, str]]:
    """The functions and modules that the table of steps of `docs/life-of-a-call.md` names."""
    row = re.compile(r"^\| \d+ \| [^|]* \| (`[^|]+`) \| `([^|]+)` \|$", re.MULTILINE)
    rows = row.findall(text_of(ROOT / "docs" / "life-of-a-call.md"))
    return [(function, module) for functions, module in rows for function in re.findall(r"\w+", functions)]


@pytest.mark.parametrize(("function", "module"), steps())
def test_steps_name_functions_of_their_modules(function: str, module: str) -> None:
    assert re.search(rf"^ *(?:async )?def {function}\(", text_of(ROOT / module), re.MULTILINE)


def test_there_are_steps() -> None:
    assert len(steps()) >= 8
