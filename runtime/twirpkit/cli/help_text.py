"""Layout of help: paragraphs and two-column lists that fit the terminal."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterable
from typing import Final

from twirpkit.help import Help

__all__ = ["columns", "description", "paragraphs", "policy", "width"]

_WIDEST: Final = 100


def description(help: Help) -> str:
    """Return an RPC's comment, wrapped."""
    return paragraphs(help.summary, *help.body)


def policy(help: Help) -> str:
    """Return an RPC's grants, retry class and timeout, a line each."""
    return "\n".join(
        textwrap.fill(f"{title}: {text}.", width(), subsequent_indent="    ") for title, text in help.policy
    )


def paragraphs(*texts: str) -> str:
    """Return paragraphs, wrapped; empty ones are left out."""
    return "\n\n".join(textwrap.fill(text, width()) for text in texts if text)


def columns(title: str, rows: Iterable[tuple[str, str]]) -> str:
    """Return a titled list of names and their descriptions in two columns."""
    lines = list(rows)
    indent = 4 + max((len(name) for name, _ in lines), default=0)
    filled = (
        textwrap.fill(f"  {name:<{indent - 2}}{text}", width(), subsequent_indent=" " * indent).rstrip()
        for name, text in lines
    )
    return "\n".join([f"{title}:", *filled])


def width() -> int:
    """Return the number of columns that help may use."""
    return max(40, min(shutil.get_terminal_size().columns - 2, _WIDEST))
