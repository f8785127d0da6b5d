"""What the command line's help says, from the docstrings of the generated sync client."""

from __future__ import annotations

import inspect
import re
import shutil
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

__all__ = ["NO_TEXT", "MethodText", "listing", "method_text", "summary", "width", "wrapped"]

_WIDEST: Final = 100
_SECTION: Final = re.compile(
    r"^(Fields|Only by message or mapping|Grants|Retry class|Timeout|Raises)\b[^\n]*", re.MULTILINE
)
_ENTRY: Final = re.compile(r"^ {4}(\w+):((?:[^\n]|\n {5})*)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class MethodText:
    """A generated method's docstring, in parts."""

    description: str
    fields: dict[str, str]
    """What each field is for, by its Python name."""
    policy: str
    """Its grants, its retry class and its timeout."""


NO_TEXT: Final = MethodText("", {}, "")


def summary(documented: object) -> str:
    """The first line of a docstring; empty where there is none (``python -OO`` takes them away)."""
    return (inspect.getdoc(documented) or "").partition("\n")[0]


def method_text(method: Any) -> MethodText:
    """The parts of a generated method's docstring."""
    doc = inspect.getdoc(method) or ""
    first = _SECTION.search(doc)
    description, rest = (doc, "") if first is None else (doc[: first.start()], doc[first.start() :])
    entries, policy = "", []
    for block in rest.split("\n\n"):
        if block.startswith("Fields:"):
            entries = block
        elif block.startswith(("Grants:", "Retry class:")):
            policy.append(block)
    fields = {name: _joined(text) for name, text in _ENTRY.findall(entries)}
    return MethodText(description.strip(), fields, "\n".join(policy))


def wrapped(text: str) -> str:
    """Paragraphs, wrapped to the terminal."""
    return "\n\n".join(textwrap.fill(_joined(block), width()) for block in text.split("\n\n"))


def listing(title: str, rows: Iterable[tuple[str, str]]) -> str:
    """Names and what they are, in two columns."""
    lines = list(rows)
    indent = 4 + max((len(name) for name, _ in lines), default=0)
    filled = (
        textwrap.fill(f"  {name:<{indent - 2}}{text}", width(), subsequent_indent=" " * indent).rstrip()
        for name, text in lines
    )
    return "\n".join([f"{title}:", *filled])


def width() -> int:
    """Columns that help may take."""
    return max(40, min(shutil.get_terminal_size().columns - 2, _WIDEST))


def _joined(text: str) -> str:
    return " ".join(text.split())
