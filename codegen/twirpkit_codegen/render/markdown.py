"""Proto comments as Markdown. The text is data: it cannot start a heading, end a table or contain HTML."""

from __future__ import annotations

import re
import textwrap
from typing import Final

from twirpkit_codegen.render.docstrings import printable
from twirpkit_codegen.schema.message_model import Doc

__all__ = ["cell", "paragraphs", "text"]

_CODE: Final = re.compile(r"(`[^`]+`)")
_SPECIAL: Final = re.compile(r"[\\`*\[\]<>&~|$]|(?<![^\W_])_|_(?![^\W_])")
_BLOCK: Final = re.compile(r"^(\d*)([#+=.)-])")
"""The beginning of a line that would be a heading, a rule or a list item."""
_LANGUAGE: Final = re.compile(r"```([A-Za-z0-9_+-]+)$")
_NUMBERED: Final = re.compile(r"\d{1,9}[.)] ")


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


def _code(content: str) -> str:
    """Return a block of code, in a fence that it cannot end."""
    lines, language = content.split("\n"), "text"
    if content.startswith("```"):
        language = found[1] if (found := _LANGUAGE.match(lines[0])) else language
        lines = [line for line in lines[1:] if not line.strip().startswith("```")]
    else:
        lines = textwrap.dedent(content).split("\n")
    longest = max((len(each) for line in lines for each in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join([f"{fence}{language}", *map(printable, lines), fence])


def _table(content: str) -> str:
    """Return a table; its cells are text."""
    rows = []
    for line in content.split("\n"):
        cells = [cell(each.strip()) for each in line.strip().strip("|").split("|")]
        is_rule = all(re.fullmatch(r":?-+:?", each.strip()) for each in line.strip().strip("|").split("|"))
        rows.append(line if is_rule else f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def _paragraph(content: str) -> str:
    if Doc.is_verbatim(content):
        return _table(content) if content.startswith("|") else _code(content)
    if content.startswith(("- ", "* ")):
        return f"- {text(content[2:])}"
    if item := _NUMBERED.match(content):
        return f"{item[0]}{text(content[item.end() :])}"
    return _BLOCK.sub(r"\1\\\2", text(content))
