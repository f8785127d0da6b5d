"""The table `[rename]` of a manifest: Python names that its author chose."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from twirpkit_codegen.errors import Problems, suggestion
from twirpkit_codegen.schema.manifest import Manifest

__all__ = ["Renames"]


class Renames:
    """Chosen names by the full name of an RPC, type, field, enum value or extension, or by the path of a file."""

    def __init__(self, manifest: Manifest) -> None:
        self.problems = Problems()
        """Names that cannot be had. Something else stands in their place, so that the run can go on."""
        self._manifest = manifest
        self._unused = set(manifest.rename)

    def take(self, full_names: Iterable[str]) -> dict[str, str]:
        """Return the chosen names of those that have one, and remember that these exist."""
        found = {name: self._manifest.rename[name] for name in full_names if name in self._manifest.rename}
        self._unused -= set(found)
        return found

    def check_free(self, chosen: Mapping[str, str], others: Mapping[str, str], reserved: Collection[str]) -> None:
        """Note the problem of each chosen name that is reserved, or that something else in the same scope has."""
        owners = {name: key for key, name in others.items() if key not in chosen}
        for key, name in chosen.items():
            place = self._manifest.location("rename", key)
            if name in reserved:
                self.problems.add(place, f"rename: {name!r} is taken: choose another for {key}")
            elif name in owners:
                text = f"rename: {name!r} is the name of {owners[name]}: choose another for {key}, or rename both"
                self.problems.add(place, text)
            owners.setdefault(name, key)

    def check_all_taken(self, known: Iterable[str]) -> None:
        """Note the problem of each key that names nothing; `known` are names to suggest."""
        known = list(known)
        for key in sorted(self._unused):
            text = f"rename: nothing in the protos is called {key!r}{suggestion(key, known, ': remove it')}"
            self.problems.add(self._manifest.location("rename", key), text)
