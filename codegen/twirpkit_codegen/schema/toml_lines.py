"""Lines of keys in a TOML file. tomllib does not report them."""

from __future__ import annotations

import functools
import re
import tomllib
from typing import Any

__all__ = ["line_of", "line_of_error"]


def line_of(text: str, path: tuple[str, ...]) -> int:
    """Return the line of a key, or of the innermost existing table around it. tomllib does not report lines."""
    best, depth = 1, 0
    for number, found in _keyed_lines(text):
        shared = len(path) if found[: len(path)] == path else len(found) if path[: len(found)] == found else 0
        if shared > depth:
            best, depth = number, shared
    return best


@functools.lru_cache(maxsize=1)
def _keyed_lines(text: str) -> list[tuple[int, tuple[str, ...]]]:
    """Return the lines that begin a table or a value, with their paths."""
    lines: list[tuple[int, tuple[str, ...]]] = []
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), 1):
        if line.lstrip().startswith("["):
            table = _keys(line)
            lines.append((number, table))
        elif "=" in line:
            lines.append((number, (*table, *_keys(f"{line.partition('=')[0]}= 0"))))
    return lines


def _keys(line: str) -> tuple[str, ...]:
    """Return the dotted key of a table's header or an assignment; empty for any other line."""
    try:
        value: Any = tomllib.loads(line)
    except tomllib.TOMLDecodeError:
        return ()
    found: list[str] = []
    while isinstance(value, dict) and value:
        ((key, value),) = value.items()
        found.append(key)
    return tuple(found)


def line_of_error(text: str, problem: str) -> int:
    """Return the line that tomllib names in an error, or the last one."""
    found = re.search(r"at line (\d+)", problem)
    return int(found[1]) if found else text.count("\n") + 1
