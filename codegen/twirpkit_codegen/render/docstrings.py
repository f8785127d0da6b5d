"""Text as docstrings. The text is data: whatever it holds, it cannot end the docstring or start code."""

from __future__ import annotations

import textwrap
from typing import Final

from twirpkit_codegen.schema.message_model import Doc

__all__ = ["docstring", "escape", "literal", "printable", "wrap"]

_LAST_COLUMN: Final = 112
_LEAST_WIDTH: Final = 40
"""Columns of a text that stands far to the right, as in messages that are nested many times."""
_LITERAL_WIDTH: Final = 72


def docstring(*paragraphs: str, indent: int = 0) -> str:
    """Return a docstring literal of paragraphs, wrapped, for a place that many columns in; empty ones are left out."""
    text = f"\n\n{' ' * indent}".join(wrap(each, indent) for each in paragraphs if each)
    if "\n" not in text and len(text) + 6 <= _LAST_COLUMN - indent:
        return f'"""{text} """' if text.endswith('"') else f'"""{text}"""'
    return f'"""{text}\n{" " * indent}"""'


def wrap(text: str, column: int, hang: int = 0) -> str:
    """Return escaped text for inside a docstring, wrapped.

    Args:
        text: One paragraph.
        column: Columns before the first line and before each other.
        hang: Columns more before each other line.
    """
    if Doc.is_verbatim(text):
        return f"\n{' ' * column}".join(escape(line).rstrip() for line in text.split("\n")).replace(
            f"\n{' ' * column}\n", "\n\n"
        )
    lines = textwrap.wrap(
        escape(text),
        max(_LAST_COLUMN - column, _LEAST_WIDTH),
        subsequent_indent=" " * hang,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return f"\n{' ' * column}".join(lines)


def literal(text: str) -> str:
    """Return a string literal of one paragraph; of a long one, several that Python joins."""
    parts = textwrap.wrap(
        text,
        _LITERAL_WIDTH,
        expand_tabs=False,
        replace_whitespace=False,
        drop_whitespace=False,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return repr(text) if len(parts) < 2 else f"({' '.join(map(repr, parts))})"


def escape(text: str) -> str:
    """Escape backslashes, triple quotes and characters that are not printable, for a triple-quoted literal."""
    return printable(text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"'))


def printable(text: str) -> str:
    """Escape characters that are not printable as Python does; newlines stay."""
    return "".join(each if each.isprintable() or each == "\n" else _escape_character(each) for each in text)


def _escape_character(character: str) -> str:
    if character == "\t":
        return "    "
    return character.encode("unicode_escape").decode("ascii")
