"""Generated files on disk: comparison, and writing of all files or none."""

from __future__ import annotations

import difflib
import errno
import io
import itertools
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from twirpkit_codegen.errors import GenerationError
from twirpkit_codegen.render.templating import MARK

__all__ = ["check_foreign", "difference", "write"]

_MARKS: Final = (f"# {MARK}", f"<!-- {MARK}", MARK)


def difference(files: Mapping[str, str], out: Path, package: str | None = "") -> str:
    """Return the changes that `write` would make, as a unified diff; an empty string for none."""
    parts = []
    for path in sorted({*files, *_generated_files(out, package)}):
        old, new = _lines(_read(out / path) or ""), _lines(files.get(path, ""))
        lines = difflib.unified_diff(old, new, f"on disk/{path}", f"generated/{path}")
        parts += [line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines]
    return "".join(parts)


def check_foreign(files: Mapping[str, str], out: Path) -> None:
    """Raise GenerationError where something is in the way that the generator did not write: a file, or a link.

    `out` itself may be a link. One below it leads to a folder that is not ours to write to.
    """
    links = {path: None for path in map(out.joinpath, files) for path in _links(path, out)}
    foreign = [out / path for path in files if (out / path).exists() and not _is_generated(out / path)]
    if links:
        raise GenerationError(*(f"{path}: a symbolic link, so not written through: remove it" for path in links))
    if foreign:
        raise GenerationError(
            *(f"{path}: not written by twirpkit, so not overwritten: move it away" for path in foreign)
        )


def _links(path: Path, out: Path) -> Iterator[Path]:
    """Yield the symbolic links on the way from a folder to a path in it."""
    yield from (
        each
        for each in (*reversed(path.parents), path)
        if each.is_relative_to(out) and each != out and each.is_symlink()
    )


def write(files: Mapping[str, str], out: Path, package: str | None = "") -> list[str]:
    """Write the files that differ and remove those that are stale.

    New files are written to a folder beside their places first, and old ones are kept until all are in place: a full
    disk leaves the old files as they were.

    Args:
        files: Text by path.
        out: The folder that they go into.
        package: The import package, where `out` contains more than it: only files of the package can be stale. None: no
            file is.

    Returns:
        The paths that were changed, added or removed.

    Raises:
        GenerationError: A file is in the way that the generator did not write, or the disk returned an error. Nothing
            has been changed.
    """
    check_foreign(files, out)
    changed = {path: text for path, text in files.items() if _read(out / path) != text}
    stale = sorted(set(_generated_files(out, package)) - set(files))
    if not changed and not stale:
        return []
    made: list[Path] = []
    try:
        _make_folders(out, made)
        staging = Path(tempfile.mkdtemp(prefix=".twirpkit-", dir=out))
        try:
            _replace(changed, stale, out, staging, made)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    except OSError as error:
        for folder in reversed(made):
            folder.rmdir()
        raise GenerationError(f"{error.filename or out}: {error.strerror}: nothing was written") from None
    for path in stale:
        _remove_empty((out / path).parent, out)
    return sorted([*changed, *stale])


def _replace(changed: Mapping[str, str], stale: Iterable[str], out: Path, staging: Path, made: list[Path]) -> None:
    """Move new files into place and stale ones out of it. On an error, restore everything."""
    for number, text in enumerate(changed.values()):
        (staging / f"new{number}").write_text(text, encoding="utf-8", newline="\n")
    for path in changed:
        _make_folders((out / path).parent, made)
    undo: list[tuple[Path, Path | None]] = []
    try:
        for number, path in enumerate((*changed, *stale)):
            target, kept = out / path, staging / f"old{number}"
            if target.exists():
                shutil.copy2(target, kept)
            undo.append((target, kept if kept.exists() else None))
            if path in changed:
                os.replace(staging / f"new{number}", target)
            else:
                target.unlink()
    except BaseException:  # KeyboardInterrupt as well
        for target, old in reversed(undo):
            if old is None:
                target.unlink(missing_ok=True)
            else:
                os.replace(old, target)
        raise


def _make_folders(folder: Path, made: list[Path]) -> None:
    """Create a folder and its parents, and append those that did not exist to `made`."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    for each in reversed(missing):
        each.mkdir()
        made.append(each)
    if not folder.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder))


def _generated_files(out: Path, package: str | None) -> Iterator[str]:
    if package is None:
        return
    for path in sorted((out / package.replace(".", "/")).rglob("*")):
        if path.suffix in (".py", ".pyi", ".typed", ".md") and path.is_file() and _is_generated(path):
            yield path.relative_to(out).as_posix()


def _is_generated(path: Path) -> bool:
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            return any(line.startswith(_MARKS) for line in itertools.takewhile(_is_head, file))
    except OSError:
        return False


def _is_head(line: str) -> bool:
    """Return True for a line that may stand before the mark, such as one of a licence that a tool has added."""
    return not line.strip() or line.startswith(("#", "<!--", MARK))


def _read(path: Path) -> str | None:
    """Return the text of a file, with newlines as this generator writes them: a checkout may have others."""
    if not path.is_file():
        return None
    return path.read_bytes().decode("utf-8", "replace").replace("\r\n", "\n")


def _lines(text: str) -> list[str]:
    """Split at newlines and keep them. `str.splitlines` would also split at other characters."""
    return io.StringIO(text, newline="\n").readlines()


def _remove_empty(folder: Path, out: Path) -> None:
    while folder != out and folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent
