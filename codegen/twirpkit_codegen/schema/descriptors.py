"""Descriptors of protos, compiled by protoc."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from google.protobuf.descriptor_pb2 import FileDescriptorSet

from twirpkit_codegen.errors import GenerationError
from twirpkit_codegen.schema.proto_files import ProtoFiles
from twirpkit_codegen.schema.selection import Protos

__all__ = ["compile_protos"]

_LOG: Final = re.compile(r"WARNING: All log messages|[IWEF]\d{4} ")
"""Lines of protoc's own log, which names lines of its source."""
_NOT_FOUND: Final = "an import was not found: name the folder that it is below, in protos.imports or with -I"
_EACH: Final = """
import importlib.resources, sys
from grpc_tools import protoc
roots, target, *files = sys.argv[1:]
include = f"-I{importlib.resources.files('grpc_tools') / '_proto'}"
for file in files:
    protoc.main(["protoc", *roots.splitlines(), include, f"--descriptor_set_out={target}", file])
"""
"""A program that compiles files one by one: protoc itself stops at the first that has an error."""


def compile_protos(files: ProtoFiles) -> Protos:
    """Compile the files of an SDK, with imports and comments.

    Raises:
        GenerationError: protoc reported errors, each of which names file, line and column.
    """
    with tempfile.TemporaryDirectory() as folder:
        target = str(Path(folder, "descriptors.bin"))
        roots = [f"-I{each}" for each in _spelled(files.roots, Path(folder))]
        names = [_argument(name, roots) for name in files.own]
        arguments = Path(folder, "arguments")
        arguments.write_text("\n".join(names), encoding="utf-8")  # a command line has a limit
        flags = ["--include_imports", "--include_source_info", f"--descriptor_set_out={target}"]
        done = _run(["-m", "grpc_tools.protoc", *roots, *flags, f"@{arguments}"])
        if done.returncode != 0:
            problems = _lines(_run(["-c", _EACH, "\n".join(roots), target, *names]).stderr, roots)
            errors = [line for line in problems if ": warning: " not in line]
            if any(line.endswith(": File not found.") for line in errors):
                errors.append(_NOT_FOUND)
            raise GenerationError(*(errors or _lines(done.stderr, roots) or [f"protoc ended with {done.returncode}"]))
        found = FileDescriptorSet.FromString(Path(target).read_bytes())
    return Protos(found, frozenset(files.own), (*files.remarks, *_lines(done.stderr, roots)))


def _run(arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run Python, because protoc does not write its errors to `sys.stderr`."""
    # -P, because the folder that this runs in may contain Python modules.
    command = [sys.executable, "-P", *arguments]
    return subprocess.run(  # noqa: S603  # the arguments are the generator's own
        command, capture_output=True, text=True, encoding="utf-8", errors="replace", check=False
    )


def _spelled(roots: Iterable[Path], folder: Path) -> list[str]:
    """Return roots as protoc takes them: separators and equals signs have a meaning, and what is not UTF-8 has none."""
    spelled = []
    for number, root in enumerate(roots):
        text = str(root)
        if "=" in text or os.pathsep in text or not text.isprintable():
            link = folder / f"root{number}"
            link.symlink_to(root, target_is_directory=True)
            text = str(link)
        spelled.append(text)
    return spelled


def _argument(name: str, roots: Iterable[str]) -> str:
    """Return a file as protoc takes it: by its path, if its name would be taken for a flag or a list of arguments."""
    if not name.startswith(("-", "@")):
        return name
    paths = [f"{root.removeprefix('-I')}/{name}" for root in roots]
    return next((path for path in paths if os.path.exists(path)), name)


def _lines(text: str, roots: Iterable[str]) -> list[str]:
    """Return lines of protoc, with paths as imports spell them."""
    for root in roots:
        text = text.replace(f"{root.removeprefix('-I')}{os.sep}", "")
    return list(dict.fromkeys(line for line in text.splitlines() if line.strip() and not _LOG.match(line)))
