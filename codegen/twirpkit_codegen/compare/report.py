"""Changes of an API as text, Markdown and JSON."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import Final

from twirpkit_codegen.compare.changes import Change

__all__ = ["FORMATS"]

_TITLES: Final = {"breaks": "Breaks callers", "changes": "Changes", "new": "New"}
_NONE: Final = "no changes\n"


def _text(changes: Sequence[Change]) -> str:
    lines = []
    for effect, group in groupby(changes, key=lambda change: change.effect):
        lines += [f"{_TITLES[effect]}:", *(f"  {each.kind} {each.name}: {each.text}" for each in group), ""]
    return "\n".join(lines) if lines else _NONE


def _markdown(changes: Sequence[Change]) -> str:
    lines = []
    for effect, group in groupby(changes, key=lambda change: change.effect):
        rows = (f"| {each.kind} | `{each.name}` | {_cell(each.text)} |" for each in group)
        lines += [f"## {_TITLES[effect]}", "", "| | | |", "|---|---|---|", *rows, ""]
    return "\n".join(lines) if lines else _NONE.capitalize()


def _cell(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "\\<").replace("*", "\\*").replace("_", "\\_")


def _json(changes: Sequence[Change]) -> str:
    return json.dumps([dataclasses.asdict(change) for change in changes], indent=2) + "\n"


FORMATS: Final[Mapping[str, Callable[[Sequence[Change]], str]]] = {"text": _text, "markdown": _markdown, "json": _json}
"""Functions that write changes, by the name of the format."""
