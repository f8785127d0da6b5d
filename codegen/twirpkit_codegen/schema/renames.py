"""The table `[rename]` of a manifest: Python names that its author chose."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping

from twirpkit_codegen.errors import GenerationError
from twirpkit_codegen.schema.manifest import Manifest

__all__ = ["Renames"]


class Renames:
    """Chosen names by the full name of an RPC, type, field, enum value or extension, or by the path of a file."""

    def __init__(self, manifest: Manifest) -> None:
        self._manifest = manifest
        self._unused = set(manifest.rename)

    def take(self, full_names: Iterable[str]) -> dict[str, str]:
        """Return the chosen names of those that have one, and remember that these exist."""
        found = {name: self._manifest.rename[name] for name in full_names if name in self._manifest.rename}
        self._unused -= set(found)
        return found

    def check_free(self, chosen: Mapping[str, str], others: Mapping[str, str]) -> None:
        """Raise GenerationError for a chosen name that something else in the same scope has by itself."""
        owners = {name: key for key, name in others.items() if key not in chosen}
        for key, name in chosen.items():
            if name in owners:
                text = f"rename: {name!r} is the name of {owners[name]}: choose another for {key}, or rename both"
                raise GenerationError.at(self._manifest.location("rename", key), text)

    def check_all_taken(self, known: Iterable[str]) -> None:
        """Raise GenerationError for keys that name nothing; `known` are names to suggest."""
        known = list(known)
        errors = []
        for key in sorted(self._unused):
            near = difflib.get_close_matches(key, known, n=1)
            advice = f"; did you mean {near[0]!r}?" if near else ": remove it"
            text = f"rename: nothing in the protos is called {key!r}{advice}"
            errors.append(GenerationError.at(self._manifest.location("rename", key), text))
        if errors:
            raise GenerationError.of(errors)
