"""Proto files on disk: those that belong to an SDK, and the import roots of protoc."""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from twirpkit_codegen.errors import GenerationError, Location

__all__ = ["ProtoFiles", "find_protos"]

_IGNORED: Final = frozenset(("__pycache__", "node_modules", "site-packages"))
"""Folders of other tools, which hold protos of other projects."""


@dataclass(frozen=True, slots=True)
class ProtoFiles:
    """Import roots, and the files of an SDK."""

    roots: tuple[Path, ...]
    """Folders that imports are looked for in, in this order."""
    own: tuple[str, ...]
    """The SDK's files, by their paths below a root, as an import spells them."""
    unused: tuple[str, ...] = ()
    """Patterns that exclude nothing."""
    remarks: tuple[str, ...] = ()
    """Lines about files that are left out, because an earlier root has another one of that name."""


def find_protos(roots: Sequence[Path], imports: Sequence[Path], exclude: Sequence[str]) -> ProtoFiles:
    """Find the files of an SDK.

    A file belongs to the innermost root around it. Hidden folders, virtual environments, and folders such as
    ``node_modules`` are left out.

    Args:
        roots: Folders whose files are the SDK's.
        imports: Folders of files that are only imported.
        exclude: Patterns of paths below a root, or of folders: ``internal``, ``acme/*_test.proto``.

    Raises:
        GenerationError: There is no file, protoc cannot be given the name of one, or a folder does not exist.
    """
    errors = [
        GenerationError.at(Location(str(folder)), "this folder of protos does not exist")
        for folder in (*roots, *imports)
        if not folder.is_dir()
    ]
    if errors:
        raise GenerationError.of(errors)
    # An outer root must not find the files of an inner one first, under a longer name.
    every = tuple(dict.fromkeys(folder.resolve() for folder in (*roots, *imports)))
    found: dict[str, Path] = {}
    used: set[str] = set()
    remarks = []
    given = {folder.resolve(): folder for folder in reversed(roots)}
    for root in reversed(given):
        for name in _protos_in(root, [other for other in every if other != root]):
            matching = [pattern for pattern in exclude if _matches(name, pattern)]
            used.update(matching)
            if matching:
                continue
            first = found.setdefault(name, root)
            if first != root and (first / name).read_bytes() != (root / name).read_bytes():
                remarks.append(
                    f"{name}: {given[first]} has another file of this name: that of {given[root]} is left out"
                )
    if not found:
        advice = "give another with --protos" if not exclude else "give another with --protos, or exclude less"
        raise GenerationError.at(Location(str(roots[0])), f"there is no .proto file in this folder: {advice}")
    _check_names(found)
    unused = tuple(pattern for pattern in exclude if pattern not in used)
    return ProtoFiles(every, tuple(sorted(found)), unused, tuple(remarks))


def _check_names(found: Mapping[str, Path]) -> None:
    """Raise GenerationError for names that no descriptor, or no list of arguments, can hold."""
    text = "protoc cannot be given this name, which must be UTF-8 without control characters: rename or exclude it"
    if wrong := [name for name in found if re.search(r"[\x00-\x1f\ud800-\udfff]", name)]:
        raise GenerationError.of([GenerationError.at(Location(repr(name)), text) for name in sorted(wrong)])


def _protos_in(root: Path, others: Sequence[Path]) -> Iterator[str]:
    """Yield the paths of the files below a root, but not of those in another root inside it; links are followed."""
    entered = set()
    for folder, folders, files in os.walk(root, followlinks=True):
        here = Path(folder)
        real = here.resolve()
        if real in entered or real in others:
            folders.clear()
            continue
        entered.add(real)
        folders[:] = sorted(each for each in folders if not _is_ignored(here, each))
        for file in files:
            if file.endswith(".proto") and (here / file).is_file():
                yield (here / file).relative_to(root).as_posix()


def _is_ignored(folder: Path, name: str) -> bool:
    if name.startswith(".") or name in _IGNORED or (folder / name / "pyvenv.cfg").exists():
        return True
    return (folder.name == "build" and name in ("lib", "bdist")) or name.endswith((".egg-info", ".dist-info"))


def _matches(name: str, pattern: str) -> bool:
    """Return True if a pattern matches a path, or a folder that it is in."""
    pattern = pattern.rstrip("/")
    parts = name.split("/")
    return any(fnmatch.fnmatchcase("/".join(parts[:end]), pattern) for end in range(1, len(parts) + 1))
