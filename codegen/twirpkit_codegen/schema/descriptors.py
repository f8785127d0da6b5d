"""Descriptors of protos, compiled by protoc or read from a descriptor set of buf or protoc."""

from __future__ import annotations

import importlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError

from twirpkit_codegen.errors import GenerationError, Location
from twirpkit_codegen.schema import naming
from twirpkit_codegen.schema.type_index import GOOGLE, google_module

__all__ = ["compile_protos", "read_descriptor_set"]


def compile_protos(root: Path) -> FileDescriptorSet:
    """Compile every ``.proto`` under an import root, with imports and comments.

    Raises:
        GenerationError: There is no such file, or protoc reported an error, which names file, line and column.
    """
    files = sorted(path.relative_to(root).as_posix() for path in root.rglob("*.proto") if path.is_file())
    if not files:
        raise GenerationError.at(
            Location(str(root)), "there is no .proto file in this folder: give another with --protos"
        )
    for file in files:
        naming.module_name(file, Location(file))  # also keeps a name like "--x.proto" from being taken for a flag
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, "descriptors.bin")
        # A separate process, because protoc does not write its errors to Python's sys.stderr. It runs in the root,
        # because -I gives characters of a path a meaning, and with -P, because the root may contain Python modules.
        command = [sys.executable, "-P", "-m", "grpc_tools.protoc", "-I.", "--include_imports", "--include_source_info"]
        command += [f"--descriptor_set_out={target}", *files]
        done = subprocess.run(  # noqa: S603  # the arguments are the generator's own
            command, cwd=root, capture_output=True, text=True, encoding="utf-8", errors="replace", check=False
        )
        if done.returncode != 0:
            problems = [line for line in done.stderr.splitlines() if line.strip()]
            raise GenerationError(*(problems or [f"protoc ended with {done.returncode}"]))
        return FileDescriptorSet.FromString(target.read_bytes())


def read_descriptor_set(path: Path) -> FileDescriptorSet:
    """Read a serialized ``FileDescriptorSet`` with imports. If it has source info, comments become docstrings.

    Raises:
        GenerationError: It cannot be read, is not a descriptor set, or lacks an import.
    """
    location = Location(path.name)
    try:
        found = FileDescriptorSet.FromString(path.read_bytes())
    except OSError as error:
        raise GenerationError.at(Location(str(path)), f"cannot be read: {error.strerror}") from None
    except DecodeError:
        raise GenerationError.at(location, "is not a FileDescriptorSet: make it with protoc or buf") from None
    files = {file.name: file for file in found.file}
    if not files:
        raise GenerationError.at(location, "holds no file: make it with protoc or buf")
    if len(files) < len(found.file):
        raise GenerationError.at(location, "holds a file twice: make it anew")
    pool = DescriptorPool()
    for file in _after_imports(files, location):
        problem = None
        try:
            pool.Add(file)
        except TypeError as error:
            problem = " ".join(str(error).split())
        if problem is not None:
            raise GenerationError.at(location, f"{file.name} is not valid: {problem}")
    found.file.extend(file for name, file in files.items() if name not in {each.name for each in found.file})
    return found


def _after_imports(files: dict[str, FileDescriptorProto], location: Location) -> Iterator[FileDescriptorProto]:
    """Yield the files, each after its imports. Missing files of protobuf itself are added."""
    done: set[str] = set()

    def visit(name: str, importers: tuple[str, ...]) -> Iterator[FileDescriptorProto]:
        if name in importers:
            raise GenerationError.at(location, f"{name} imports itself, by way of {', '.join(importers)}: make it anew")
        if name in done:
            return
        if name not in files:
            files[name] = _google_file(name, importers[-1], location)
        for dependency in files[name].dependency:
            yield from visit(dependency, (*importers, name))
        done.add(name)
        yield files[name]

    for name in sorted(files):
        yield from visit(name, ())


def _google_file(name: str, importer: str, location: Location) -> FileDescriptorProto:
    try:
        if name.startswith(GOOGLE):
            return FileDescriptorProto.FromString(importlib.import_module(google_module(name)).DESCRIPTOR.serialized_pb)
    except ImportError:
        pass
    raise GenerationError.at(location, f"lacks {name}, which {importer} imports: make it with --include_imports")
