"""Names of one generated file, and the imports that it needs.

A template asks for a name in the place where it uses it: ``{{ t("collections.abc.Mapping") }}`` in an annotation,
``{{ r("functools.cached_property") }}`` in code that runs. The scope remembers each import, and `Scope.imports` writes
them all where the template says ``{{ imports() }}``.

A proto may call a field ``str`` or a message ``Literal``. A name that the file defines itself, at any depth, is never
used for anything else: an import gets an underscore before it, and a builtin is named by its module.
"""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["Scope"]


class Scope:
    """The names of one generated file.

    Args:
        package: The import package that the file is in.
        taken: Every name that the file defines, nested ones included, and those that its template spells out.
        module: The file's own place in the package (``messages.hats``), for references to its own classes.
        hidden: Names that are defined inside a class of this file: there, a reference would not reach the file's own
            class of that name.
        stub: True for a ``.pyi`` file, where no import is for type checkers only.
    """

    def __init__(
        self, package: str, taken: Iterable[str] = (), module: str = "", hidden: Iterable[str] = (), stub: bool = False
    ) -> None:
        self.package = package
        self.taken = frozenset(taken) | {"annotations", "TYPE_CHECKING"}
        self.module = module
        self.hidden = frozenset(hidden)
        self.stub = stub
        self._owners: dict[str, tuple[str, str]] = {}
        self._for_types: set[str] = set()
        self._at_run_time: set[str] = set()
        self._aliases: dict[str, str] = {}

    @property
    def aliases(self) -> list[tuple[str, str]]:
        """Pairs of alias and own class, for classes whose names are hidden inside a class."""
        return sorted(self._aliases.items())

    def imports(self) -> str:
        """Return the import statements; those that only a type checker needs are guarded."""
        run_time = sorted(self._at_run_time)
        for_types = sorted(self._for_types - self._at_run_time)
        if self.stub or not for_types:
            return "\n".join(run_time + for_types)
        guarded = ["", "if TYPE_CHECKING:", *(f"    {line}" for line in for_types)]
        return "\n".join(["from typing import TYPE_CHECKING", *run_time, *guarded])

    def for_types(self, path: str, *, qualified: bool = False) -> str:
        """Import a name for annotations only.

        Args:
            path: Module and name, ``collections.abc.Mapping``; a builtin without its module, ``str``.
            qualified: Import the module and return ``module.name``.

        Returns:
            The expression by which this file reaches it.
        """
        module, _, name = path.rpartition(".")
        if not module:
            return self._builtin(path)
        if qualified:
            return f"{self._import(self._for_types, module, '')}.{name}"
        return self._import(self._for_types, module, name)

    def at_run_time(self, path: str, wanted: str = "") -> str:
        """Import a name for code that runs, called `wanted` if that is free; a builtin as in `for_types`."""
        module, _, name = path.rpartition(".")
        return self._import(self._at_run_time, module, name, wanted) if module else self._builtin(path)

    def class_for_types(self, module: str, qualname: str) -> str:
        """Import a class for annotations only; of a nested one, the outermost."""
        return self._nested(self._for_types, module, qualname)

    def class_at_run_time(self, module: str, qualname: str) -> str:
        """Import a class for code that runs; of a nested one, the outermost."""
        return self._nested(self._at_run_time, module, qualname)

    def generated(self, folder: str, module: str, qualname: str, package: str = "") -> str:
        """Return a class of a generated module, for annotations: imported, or this file's own."""
        if package:
            return self.class_for_types(f"{package}.{folder}.{module}", qualname)
        if f"{folder}.{module}" != self.module:
            return self.class_for_types(f"{self.package}.{folder}.{module}", qualname)
        first, dot, rest = qualname.partition(".")
        if first in self.hidden:
            alias = self._bind(self.module, first)
            self._aliases[alias] = first
            first = alias
        return f"{first}{dot}{rest}"

    def _nested(self, statements: set[str], module: str, qualname: str) -> str:
        first, dot, rest = qualname.partition(".")
        return f"{self._import(statements, module, first)}{dot}{rest}"

    def _builtin(self, name: str) -> str:
        owner = ("builtins", name)
        if name not in self.taken and self._owners.setdefault(name, owner) == owner:
            return name
        return f"{self._import(self._at_run_time, 'builtins', '')}.{name}"

    def _import(self, statements: set[str], module: str, name: str, wanted: str = "") -> str:
        """Add an import statement, of the module itself if `name` is empty, and return the local name."""
        local = self._bind(module, name, wanted)
        statement, natural = (f"from {module} import {name}", name) if name else (f"import {module}", module)
        statements.add(statement if local == natural else f"{statement} as {local}")
        return local

    def _bind(self, module: str, name: str, wanted: str = "") -> str:
        """Return the local name of an import: its own, or the first free one with underscores around it."""
        local, owner = wanted or name or module, (module, name)
        while local in self.taken or self._owners.setdefault(local, owner) != owner:
            # Only one before it, because Python mangles names with two inside a class.
            local = f"{local}_" if local.startswith("_") else f"_{local}"
        return local
