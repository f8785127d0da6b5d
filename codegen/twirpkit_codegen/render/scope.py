"""The names of one generated file, and the imports that they need.

A proto may call a field ``str`` or a message ``Literal``. A name that the file defines itself, at any depth, is never
used for anything else: the import gets an underscore before it, and a builtin is named by its module.
"""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["Scope"]


class Scope:
    """The names of one generated file.

    Args:
        package: The import package that the file is in.
        taken: Every name that the file defines, nested ones included, and those that its template imports.
        module: The file's own place in the package (``messages.hats``), for references to its own classes.
        hidden: Names that something inside a class of this file has: there, a reference would not reach the file's own
            class of that name.
    """

    def __init__(self, package: str, taken: Iterable[str], module: str = "", hidden: Iterable[str] = ()) -> None:
        self.package = package
        self.taken = frozenset(taken)
        self.module = module
        self.hidden = frozenset(hidden)
        self._owners: dict[str, tuple[str, str]] = {}
        self._for_types: set[str] = set()
        self._at_run_time: set[str] = set()
        self._aliases: dict[str, str] = {}

    @property
    def imports(self) -> list[str]:
        """Import statements that only a type checker needs, sorted."""
        return sorted(self._for_types - self._at_run_time)

    @property
    def run_time_imports(self) -> list[str]:
        """Import statements that the code itself needs, sorted."""
        return sorted(self._at_run_time)

    @property
    def aliases(self) -> list[tuple[str, str]]:
        """Pairs of alias and own class, for classes whose names are hidden inside a class."""
        return sorted(self._aliases.items())

    def use(self, module: str, name: str) -> str:
        """A name imported from a module, for annotations. Of a nested class, the outermost is imported."""
        first, dot, rest = name.partition(".")
        made = self._bind(module, first)
        self._for_types.add(_from_import(module, first, made))
        return f"{made}{dot}{rest}"

    def need(self, module: str, name: str, wanted: str = "") -> str:
        """A name imported from a module, for the code itself; called `wanted` if that is free."""
        first, dot, rest = name.partition(".")
        made = self._bind(module, first, wanted)
        self._at_run_time.add(_from_import(module, first, made))
        return f"{made}{dot}{rest}"

    def library(self, name: str) -> str:
        """A module, for annotations."""
        made = self._bind(name, "")
        self._for_types.add(f"import {name}" if made == name else f"import {name} as {made}")
        return made

    def builtin(self, name: str) -> str:
        """A builtin."""
        if name not in self.taken and self._owners.setdefault(name, ("builtins", name)) == ("builtins", name):
            return name
        made = self._bind("builtins", "")
        self._at_run_time.add("import builtins" if made == "builtins" else f"import builtins as {made}")
        return f"{made}.{name}"

    def generated(self, folder: str, module: str, name: str) -> str:
        """A class of another generated module, for annotations; for one of this file, the class itself."""
        if f"{folder}.{module}" != self.module:
            return self.use(f"{self.package}.{folder}.{module}", name)
        first, dot, rest = name.partition(".")
        if first in self.hidden:
            made = self._bind(self.module, first)
            self._aliases[made] = first
            first = made
        return f"{first}{dot}{rest}"

    def _bind(self, module: str, name: str, wanted: str = "") -> str:
        """The local name of something imported: its own, or the first free one with underscores before it."""
        made, owner = wanted or name or module, (module, name)
        while made in self.taken or self._owners.setdefault(made, owner) != owner:
            made = f"_{made}"
        return made


def _from_import(module: str, name: str, made: str) -> str:
    return f"from {module} import {name}" + (f" as {made}" if made != name else "")
