"""Protos to descriptors: by protoc, or from a descriptor set that buf or protoc made."""

from __future__ import annotations

import importlib.resources
import subprocess
import sys
import tempfile
from contextlib import AbstractContextManager
from pathlib import Path

from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.message import DecodeError

from twirpkit_codegen import naming
from twirpkit_codegen.errors import GenerationError, Where

__all__ = ["compile_protos", "read_descriptor_set"]


def compile_protos(root: Path) -> FileDescriptorSet:
    """Every ``.proto`` under an import root, with its imports and comments.

    Raises:
        GenerationError: There are none, or protoc refuses them; its own lines name file, line and column.
    """
    files = sorted(path.relative_to(root).as_posix() for path in root.rglob("*.proto"))
    if not files:
        raise GenerationError.at(Where(str(root)), "there is no .proto file in this folder")
    for file in files:
        naming.module_name(file, Where(file))  # also keeps a name like "--x.proto" from being taken for a flag
    with tempfile.TemporaryDirectory() as folder, _google_protos() as google:
        target = Path(folder, "descriptors.bin")
        # A process of its own, because protoc writes its errors past Python's sys.stderr.
        command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{root}", f"-I{google}", "--include_imports"]
        command += ["--include_source_info", f"--descriptor_set_out={target}", *files]
        done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", errors="replace", check=False)  # noqa: S603  # our own arguments
        if done.returncode != 0:
            problems = [line for line in done.stderr.splitlines() if line.strip()]
            raise GenerationError(*(problems or [f"protoc ended with {done.returncode}"]))
        return FileDescriptorSet.FromString(target.read_bytes())


def read_descriptor_set(path: Path) -> FileDescriptorSet:
    """A serialized ``FileDescriptorSet``. It must hold the imports; with source info, comments become docstrings.

    Raises:
        GenerationError: It cannot be read, is none, or lacks an import.
    """
    where = Where(path.name)
    try:
        found = FileDescriptorSet.FromString(path.read_bytes())
    except OSError as error:
        raise GenerationError.at(Where(str(path)), f"cannot be read: {error.strerror}") from None
    except DecodeError:
        raise GenerationError.at(where, "is no serialized FileDescriptorSet") from None
    names = {file.name for file in found.file}
    if not names:
        raise GenerationError.at(where, "holds no file")
    for file in found.file:
        for dependency in file.dependency:
            if dependency not in names and not dependency.startswith("google/protobuf/"):
                text = f"lacks {dependency}, which {file.name} imports: make it with --include_imports"
                raise GenerationError.at(where, text)
    return found


def _google_protos() -> AbstractContextManager[Path]:
    import grpc_tools  # type: ignore[import-untyped]  # it ships no types

    return importlib.resources.as_file(importlib.resources.files(grpc_tools) / "_proto")
