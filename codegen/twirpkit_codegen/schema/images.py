"""Descriptor sets of protoc and images of buf, in each of their formats."""

from __future__ import annotations

import gzip
import importlib
import json
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from google.protobuf import descriptor_pb2, json_format, text_format
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.unknown_fields import UnknownFieldSet

from twirpkit_codegen.errors import GenerationError, Location
from twirpkit_codegen.schema.selection import Protos
from twirpkit_codegen.schema.type_index import google_module, is_google

__all__ = ["read_descriptor_set"]

_GZIP: Final = b"\x1f\x8b"
_BUF: Final = 8042
"""The number of the field that buf adds to each file of an image."""
_IS_IMPORT: Final = b"\x08\x01"
"""The beginning of that field for an import: its own field 1 is true."""
_MARK: Final = b"\xd2\xf6\x03\x02" + _IS_IMPORT
"""That field with its number and length."""


def read_descriptor_set(path: Path) -> Protos:
    """Read a ``FileDescriptorSet`` with imports: binary, JSON or text, and compressed by gzip.

    If it has source info, comments become docstrings. The files that buf marks as imports are imports.

    Args:
        path: The file; ``-`` for standard input.

    Raises:
        GenerationError: It cannot be read, is not a descriptor set, or lacks an import.
    """
    location = Location("standard input" if str(path) == "-" else path.name)
    try:
        content = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    except OSError as error:
        raise GenerationError.at(Location(str(path)), f"cannot be read: {error.strerror}") from None
    found = _parsed(content, location)
    files = {file.name: file for file in found.file}
    if not files:
        raise GenerationError.at(location, "holds no file: make it with protoc or buf")
    if len(files) < len(found.file):
        raise GenerationError.at(location, "holds a file twice: make it anew")
    own = frozenset(name for name, file in files.items() if not _is_import(file))
    pool = DescriptorPool()
    for file in _after_imports(files, location):
        problem = None
        try:
            pool.Add(file)
        except TypeError as error:
            problem = " ".join(str(error).split())
        # Fields of one JSON name are told apart when the file is embedded.
        if problem is not None and "duplicate json_name" not in problem:
            raise GenerationError.at(location, f"{file.name} is not valid: {problem}")
    found.file.extend(file for name, file in files.items() if name not in {each.name for each in found.file})
    return Protos(found, own)


def _parsed(content: bytes, location: Location) -> FileDescriptorSet:
    if content.startswith(_GZIP):
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error):
            raise GenerationError.at(location, "begins as gzip, but cannot be decompressed: make it anew") from None
    if content.lstrip()[:1] == b"{":
        return _of_text(content, _parse_json, location)
    try:
        found: FileDescriptorSet = FileDescriptorSet.FromString(content)
        return found
    except DecodeError:
        return _of_text(content, _parse_text, location)


def _of_text(
    content: bytes, parse: Callable[[str, Message, DescriptorPool], None], location: Location
) -> FileDescriptorSet:
    """Parse a descriptor set that is JSON or text: once for its schema, and once more with the options that it has."""
    try:
        text = content.decode("utf-8-sig")
        first = FileDescriptorSet()
        parse(text, first, DescriptorPool())
        files = {file.name: file for file in first.file}
        pool = DescriptorPool()
        pool.AddSerializedFile(descriptor_pb2.DESCRIPTOR.serialized_pb)
        for file in _after_imports(files, location):
            if file.name != descriptor_pb2.DESCRIPTOR.name:
                pool.Add(file)
        message = GetMessageClass(pool.FindMessageTypeByName(FileDescriptorSet.DESCRIPTOR.full_name))()
        parse(text, message, pool)
        made: FileDescriptorSet = FileDescriptorSet.FromString(message.SerializeToString(deterministic=True))
        for file in made.file:
            if file.name in _imports_in(text):
                file.MergeFromString(_MARK)
        return made
    except (UnicodeDecodeError, json_format.ParseError, text_format.ParseError, TypeError):
        problem = "is not a FileDescriptorSet: make it with protoc or buf"
    raise GenerationError.at(location, problem)


def _imports_in(text: str) -> frozenset[str]:
    """Return the files that buf marks as imports in JSON, where the mark is a key that protobuf does not know."""
    if not text.lstrip().startswith("{"):
        return frozenset()
    files = json.loads(text).get("file", [])
    return frozenset(each["name"] for each in files if each.get("bufExtension", {}).get("isImport"))


def _parse_json(text: str, message: Message, pool: DescriptorPool) -> None:
    json_format.Parse(text, message, ignore_unknown_fields=True, descriptor_pool=pool)


def _parse_text(text: str, message: Message, pool: DescriptorPool) -> None:
    text_format.Parse(text, message, allow_unknown_extension=True, allow_unknown_field=True, descriptor_pool=pool)


def _is_import(file: FileDescriptorProto) -> bool:
    """Return True for a file that buf marks as an import."""
    unknown: Any = UnknownFieldSet(file)
    marks = [each.data for each in unknown if each.field_number == _BUF]
    return any(isinstance(mark, bytes) and mark[:2] == _IS_IMPORT for mark in marks)


def _after_imports(files: dict[str, FileDescriptorProto], location: Location) -> Iterator[FileDescriptorProto]:
    """Yield the files, each after its imports. Missing files of protobuf itself are added."""
    done: set[str] = set()
    for start in sorted(files):
        path: list[tuple[str, Iterator[str]]] = []
        entering: str | None = start
        while entering is not None or path:
            if entering is not None and entering not in done:
                importers = [name for name, _ in path]
                if entering in importers:
                    text = f"{entering} imports itself, by way of {', '.join(importers)}: make it anew"
                    raise GenerationError.at(location, text)
                if entering not in files:
                    files[entering] = _google_file(entering, importers[-1], location)
                path.append((entering, iter(files[entering].dependency)))
            entering = None
            if not path:
                break
            name, dependencies = path[-1]
            entering = next((each for each in dependencies), None)
            if entering is None:
                path.pop()
                done.add(name)
                yield files[name]


def _google_file(name: str, importer: str, location: Location) -> FileDescriptorProto:
    try:
        if is_google(name):
            return FileDescriptorProto.FromString(importlib.import_module(google_module(name)).DESCRIPTOR.serialized_pb)
    except ImportError:
        pass
    raise GenerationError.at(location, f"lacks {name}, which {importer} imports: make it with --include_imports")
