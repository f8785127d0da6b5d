"""Proto comments as Markdown. The text is data: it starts no heading, ends no table, and is no HTML."""

from __future__ import annotations

import re
from typing import Final

from twirpkit_codegen.render.docstrings import printable
from twirpkit_codegen.schema.model import Doc

__all__ = ["cell", "paragraphs", "text"]

_CODE: Final = re.compile(r"(`[^`]+`)")
_SPECIAL: Final = re.compile(r"[\\`*\[\]<>&~|$]|(?<![^\W_])_|_(?![^\W_])")
_BLOCK: Final = re.compile(r"^(\d*)([#+=.)-])")
"""How a line begins that would be a heading, a rule, or an item of a list."""


def text(content: str) -> str:
    """Running text. What stands in backticks is code; nothing else means anything."""
    return "".join(
        part if number % 2 else _SPECIAL.sub(r"\\\g<0>", part)
        for number, part in enumerate(_CODE.split(printable(content).replace("\n", " ")))
    )


def cell(content: str) -> str:
    """The same in a cell of a table, where a bar would end the cell, even in code."""
    # Odd backslashes before a bar escape it already, whatever else they mean.
    return re.sub(r"(\\*)\|", lambda found: found[0] if len(found[1]) % 2 else f"{found[1]}\\|", text(content))


def paragraphs(doc: Doc) -> str:
    """A comment as paragraphs and lists, as it was written."""
    return "\n\n".join(_paragraph(each) for each in (doc.summary, *doc.body) if each)


def _paragraph(content: str) -> str:
    if content.startswith(("- ", "* ")):
        return f"- {text(content[2:])}"
    return _BLOCK.sub(r"\1\\\2", text(content))
