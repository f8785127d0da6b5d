"""Message classes and enums from serialized descriptors, in a pool of their own.

Stock ``_pb2`` modules register their files in protobuf's default pool, where two libraries that carry the same schema
clash. A generated package has a `MessagePool` instead: the same schema may be loaded beside it, in any order.
"""

from __future__ import annotations

import copyreg
import importlib
import keyword
from collections.abc import Iterator
from typing import Any

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FileDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

__all__ = ["Enum", "MessagePool", "safe_name"]


def safe_name(name: str) -> str:
    """A proto name as a Python name: a keyword gets an underscore at its end."""
    return f"{name}_" if keyword.iskeyword(name) else name


class _EnumType(type):
    """The methods of an enum class. They stand on its type, so that a member may have any name."""

    DESCRIPTOR: EnumDescriptor
    _numbers: dict[str, int]
    _names: dict[int, str]

    def Name(cls, number: int) -> str:
        """The proto name of a number. Raises ValueError where the schema knows none."""
        try:
            return cls._names[number]
        except KeyError:
            raise ValueError(f"{cls.__qualname__} has no name for {number!r}") from None

    def Value(cls, name: str) -> int:
        """The number of a proto name. Raises ValueError where the schema knows none."""
        try:
            return cls._numbers[name]
        except KeyError:
            raise ValueError(f"{cls.__qualname__} has no value {name!r}; it has {', '.join(cls._numbers)}") from None

    def keys(cls) -> list[str]:
        """The proto names, in the schema's order."""
        return list(cls._numbers)

    def values(cls) -> list[int]:
        """The numbers, in the schema's order."""
        return list(cls._numbers.values())

    def items(cls) -> list[tuple[str, int]]:
        """Pairs of name and number, in the schema's order."""
        return list(cls._numbers.items())


class Enum(metaclass=_EnumType):
    """Base of all enum classes. Members are plain ints, so that a number from a newer server stays what it is."""


class MessagePool:
    """The schema of one generated package: a private descriptor pool, filled file by file on import."""

    def __init__(self) -> None:
        self._pool = DescriptorPool()

    def load(self, serialized: bytes, namespace: dict[str, Any]) -> FileDescriptor:
        """Add one file and put its classes, nested ones included, into a module's namespace.

        Args:
            serialized: The file's ``FileDescriptorProto``. Files it imports must be loaded already, but for
                ``google/protobuf/*``, which come from the installed protobuf.
            namespace: ``globals()`` of the module whose classes these become: they pickle by its name.
        """
        for dependency in FileDescriptorProto.FromString(serialized).dependency:
            self._load_google(dependency)
        descriptor: FileDescriptor = self._pool.AddSerializedFile(serialized)
        module = namespace["__name__"]
        for message in descriptor.message_types_by_name.values():
            namespace[safe_name(message.name)] = _message_class(message, module, "")
        for enum in descriptor.enum_types_by_name.values():
            namespace[safe_name(enum.name)] = _enum_class(enum, module, "")
        return descriptor

    def _load_google(self, name: str) -> None:
        if not name.startswith("google/protobuf/"):
            return
        module = importlib.import_module(name.removesuffix(".proto").replace("/", ".") + "_pb2")
        for dependency in module.DESCRIPTOR.dependencies:
            self._load_google(dependency.name)
        self._pool.AddSerializedFile(module.DESCRIPTOR.serialized_pb)  # what is there already changes nothing


def _message_class(descriptor: Descriptor, module: str, outer: str) -> type[Message]:
    cls = GetMessageClass(descriptor)
    _name(cls, descriptor.name, module, outer)
    copyreg.pickle(cls, _reduced)
    for nested in descriptor.nested_types:
        setattr(cls, safe_name(nested.name), _message_class(nested, module, f"{cls.__qualname__}."))
    for enum in descriptor.enum_types:
        setattr(cls, safe_name(enum.name), _enum_class(enum, module, f"{cls.__qualname__}."))
    return cls


def _reduced(message: Message) -> tuple[Any, ...]:
    # protobuf's own way looks for nested classes in the default pool, and may find another library's there.
    return _restored, (type(message), type(message).SerializePartialToString(message))


def _restored(cls: type[Message], serialized: bytes) -> Message:
    message = cls()
    cls.MergeFromString(message, serialized)
    return message


def _enum_class(descriptor: EnumDescriptor, module: str, outer: str) -> _EnumType:
    numbers = dict(_members(descriptor))
    cls = _EnumType(safe_name(descriptor.name), (Enum,), {safe_name(name): number for name, number in numbers.items()})
    _name(cls, descriptor.name, module, outer)
    cls.DESCRIPTOR = descriptor
    cls._numbers = numbers
    cls._names = {
        value.number: value.name for value in reversed(descriptor.values)
    }  # the first name of a number counts
    return cls


def _members(descriptor: EnumDescriptor) -> Iterator[tuple[str, int]]:
    for value in descriptor.values:
        yield value.name, value.number


def _name(cls: type, name: str, module: str, outer: str) -> None:
    cls.__module__ = module
    cls.__name__ = safe_name(name)
    cls.__qualname__ = outer + safe_name(name)
