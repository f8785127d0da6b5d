"""Proto comments as docstrings. The text is data: whatever it holds, it cannot end the docstring or start code."""

from __future__ import annotations

import textwrap

__all__ = ["docstring", "escaped", "printable"]

_WIDTH = 112


def docstring(*blocks: str, indent: int = 0) -> str:
    """A docstring literal of blocks of text, wrapped, for a place that many columns in.

    A block whose lines start with white space keeps its lines.
    """
    width = _WIDTH - indent
    wrapped = [_wrap(escaped(block), width) for block in blocks if block]
    text = "\n\n".join(wrapped)
    if "\n" not in text and len(text) + 6 <= width:
        return f'"""{text} """' if text.endswith('"') else f'"""{text}"""'
    margin = " " * indent
    return '"""' + textwrap.indent(text, margin).lstrip(" ") + f'\n{margin}"""'


def escaped(text: str) -> str:
    """Text inside a triple-quoted literal: backslashes, triple quotes and what cannot be printed are escaped."""
    return printable(text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"'))


def printable(text: str) -> str:
    """Text in which what cannot be printed is escaped as in Python; newlines stay."""
    return "".join(each if each.isprintable() or each == "\n" else _escape(each) for each in text)


def _escape(character: str) -> str:
    if character == "\t":
        return "    "
    return character.encode("unicode_escape").decode("ascii")


def _wrap(block: str, width: int) -> str:
    if block.startswith(" ") or "\n" in block:
        return "\n".join(
            textwrap.fill(
                line.strip(),
                width,
                initial_indent=_margin(line),
                subsequent_indent=_margin(line) + "    ",
                break_long_words=False,
                break_on_hyphens=False,
            )
            for line in block.split("\n")
        )
    return textwrap.fill(block, width, break_long_words=False, break_on_hyphens=False)


def _margin(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]
