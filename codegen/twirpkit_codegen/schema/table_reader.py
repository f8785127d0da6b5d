"""Checks of the tables of a manifest, whose errors name places and are collected."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from twirpkit_codegen.errors import GenerationError, Location, Problems
from twirpkit_codegen.schema.toml_lines import line_of

__all__ = ["TOML_NAMES", "TableReader"]

TOML_NAMES: Final[Mapping[type, str]] = {str: "string", list: "list of strings", dict: "table"}


class TableReader:
    """The text and the data of a manifest, and the errors that are found in it.

    Args:
        path: The manifest.
        text: Its text.
        data: Its tables.
    """

    def __init__(self, path: Path, text: str, data: dict[str, Any]) -> None:
        self.file = path.name
        self.folder = path.parent
        self.text = text
        self.data = data
        self.problems = Problems()

    def typed(self, name: str, kinds: Mapping[str, type], required: Iterable[str]) -> dict[str, Any] | None:
        """Return a table at the top of the manifest without what is wrong in it; None if it is not there."""
        table = self.data.get(name)
        if table is None:
            return None
        if not isinstance(table, dict):
            self.add(f"[{name}] must be a table", name)
            return None
        self.check_keys(f"[{name}]", (name,), table, kinds)
        found = {}
        for key, value in table.items():
            fits = isinstance(value, kinds.get(key, object))
            items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
            if key in kinds and not (fits and all(isinstance(each, str) for each in items)):
                self.add(f"{name}.{key} must be a {TOML_NAMES[kinds[key]]}", name, key)
            elif key in kinds:
                found[key] = tuple(value) if isinstance(value, list) else value
        for key in required:
            if key not in table:
                self.add(f"[{name}] needs {key}", name)
                return None
        return found if all(key in found for key in required) else None

    def tables(self, path: tuple[str, ...], value: Any) -> Mapping[str, Mapping[str, Any]]:
        """Return a table of tables, without what is not one. Raises GenerationError if it is not a table itself."""
        if not isinstance(value, dict):
            raise self.error(f"{'.'.join(path)} must be a table of tables", *path)
        for name, each in value.items():
            if not isinstance(each, dict):
                self.add(f"{'.'.join((*path, name))} must be a table", *path, name)
        return {name: each for name, each in value.items() if isinstance(each, dict)}

    def strings(self, path: tuple[str, ...], value: Any) -> tuple[str, ...]:
        """Return a list of strings. Raises GenerationError if it is another thing."""
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise self.error(f"{'.'.join(path)} must be a list of strings", *path)
        return tuple(value)

    def check_keys(self, what: str, path: tuple[str, ...], table: Mapping[str, Any], known: Iterable[str]) -> None:
        """Add an error for each key of a table that has no meaning."""
        for unknown in sorted(set(table) - set(known)):
            text = f"{what} has the unknown key {unknown!r}; it may have {', '.join(sorted(known))}"
            self.add(text, *path, unknown)

    def add(self, text: str, *path: str) -> None:
        """Add an error at the place of a key."""
        self.problems.found.append(self.error(text, *path))

    def error(self, text: str, *path: str) -> GenerationError:
        """Return an error at the place of a key."""
        return GenerationError.at(Location(self.file, line_of(self.text, path)), text)
