"""Files on disk: compared, written all or not at all, and removed when nothing generates them any more."""

from __future__ import annotations

import difflib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from twirpkit_codegen.errors import GenerationError
from twirpkit_codegen.render import MARK

__all__ = ["difference", "write"]


def difference(files: Mapping[str, str], out: Path, package: str) -> str:
    """What `write` would change, as a unified diff; empty where nothing would."""
    parts = []
    for path in sorted({*files, *_generated(out, package)}):
        target = out / path
        old = target.read_text(encoding="utf-8") if target.is_file() else ""
        new = files.get(path, "")
        lines = difflib.unified_diff(
            old.splitlines(keepends=True), new.splitlines(keepends=True), f"on disk/{path}", f"generated/{path}"
        )
        text = "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)
        if not text and not target.is_file():
            text = f"--- on disk/{path}\n+++ generated/{path}\n(an empty file is missing)\n"
        parts.append(text)
    return "".join(parts)


def write(files: Mapping[str, str], out: Path, package: str) -> list[str]:
    """Write what differs and remove what is stale.

    Everything is written beside its place first, so that a full disk or a kill leaves the old files whole.

    Returns:
        The paths that changed, were added or removed.

    Raises:
        GenerationError: A file of somebody else's is in the way, or the disk refuses. Nothing has changed then.
    """
    foreign = [path for path in files if (out / path).exists() and not _is_ours(out / path)]
    if foreign:
        raise GenerationError(
            *(f"{out / path}: not written by twirpkit, so not overwritten: move it away" for path in foreign)
        )
    changed = [path for path, text in files.items() if _read(out / path) != text]
    stale = sorted(set(_generated(out, package)) - set(files))
    try:
        _replace({path: files[path] for path in changed}, out)
        for path in stale:
            (out / path).unlink()
            _remove_empty((out / path).parent, out)
    except OSError as error:
        raise GenerationError(f"{error.filename or out}: {error.strerror}") from None
    return sorted([*changed, *stale])


def _replace(files: Mapping[str, str], out: Path) -> None:
    if not files:
        return
    out.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=".twirpkit-", dir=out))
    try:
        for number, text in enumerate(files.values()):
            (staging / str(number)).write_text(text, encoding="utf-8", newline="\n")
        for path in files:
            (out / path).parent.mkdir(parents=True, exist_ok=True)
        for number, path in enumerate(files):
            os.replace(staging / str(number), out / path)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _generated(out: Path, package: str) -> Iterator[str]:
    for path in sorted((out / package).rglob("*")):
        if path.suffix in (".py", ".pyi", ".typed") and path.is_file() and _is_ours(path):
            yield path.relative_to(out).as_posix()


def _is_ours(path: Path) -> bool:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return MARK in file.readline()
    except OSError:
        return False


def _read(path: Path) -> str | None:
    return path.read_bytes().decode("utf-8", "replace") if path.is_file() else None


def _remove_empty(folder: Path, out: Path) -> None:
    while folder != out and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent
