"""Proto comments as Markdown. The text is data: it cannot start a heading, end a table or contain HTML."""

from __future__ import annotations

import re
from typing import Final

from twirpkit_codegen.render.docstrings import printable
from twirpkit_codegen.schema.model import Doc

__all__ = ["cell", "paragraphs", "text"]

_CODE: Final = re.compile(r"(`[^`]+`)")
_SPECIAL: Final = re.compile(r"[\\`*\[\]<>&~|$]|(?<![^\W_])_|_(?![^\W_])")
_BLOCK: Final = re.compile(r"^(\d*)([#+=.)-])")
"""The beginning of a line that would be a heading, a rule or a list item."""


def text(content: str) -> str:
    """Escape running text. Text in backticks is code; nothing else is markup."""
    return "".join(
        part if number % 2 else _SPECIAL.sub(r"\\\g<0>", part)
        for number, part in enumerate(_CODE.split(printable(content).replace("\n", " ")))
    )


def cell(content: str) -> str:
    """Escape text for a cell of a table, which a bar would end, even in code."""
    # A bar after an odd number of backslashes is escaped already.
    return re.sub(r"(\\*)\|", lambda found: found[0] if len(found[1]) % 2 else f"{found[1]}\\|", text(content))


def paragraphs(doc: Doc) -> str:
    """Return a comment as paragraphs and list items, as it was written."""
    return "\n\n".join(_paragraph(each) for each in (doc.summary, *doc.body) if each)


def _paragraph(content: str) -> str:
    if content.startswith(("- ", "* ")):
        return f"- {text(content[2:])}"
    return _BLOCK.sub(r"\1\\\2", text(content))
