"""Message classes and enums from serialized descriptors, in a pool of their own.

Stock ``_pb2`` modules register their files in protobuf's default pool, where two libraries that carry the same schema
clash. A generated package has a `MessagePool` instead: the same schema may be loaded beside it, in any order.
"""

from __future__ import annotations

import copyreg
import importlib
from collections.abc import Iterable, Mapping
from typing import Any, Final, cast

from google.protobuf.descriptor import Descriptor, FileDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from twirpkit._schema.enums import EnumType, enum_class
from twirpkit._schema.message_methods import add_methods, take_other_pools
from twirpkit._schema.names import Names, top_name
from twirpkit._schema.schemas import Schema, register

__all__ = ["MessagePool"]

_GOOGLE = "google/protobuf/"
_ONLY_OPTIONS = ("google/protobuf/descriptor.proto", "google/protobuf/compiler/plugin.proto")
"""Files whose many messages describe schemas. Hardly a request has them, so their classes stay as they are."""
_MAKE_CLASS: Final[Any] = type(FileDescriptorProto)
"""The type of message classes. It makes one class; `GetMessageClass` goes on to the fields' types, by recursion, which
ends at a chain of some hundred types."""


class MessagePool:
    """The schema of one generated package: a private descriptor pool, filled file by file on import.

    Args:
        modules: The package whose modules fill the pool; None: no module does.
        sensitivity: The number of the field option that marks secret and personal fields; None: the schema has none.
        sensitive: Full names of further secret and personal fields.
    """

    def __init__(
        self, modules: str | None = None, *, sensitivity: int | None = None, sensitive: Iterable[str] = ()
    ) -> None:
        self._pool = DescriptorPool()
        self._google: set[str] = set()
        self._schema = Schema([] if modules is None else [modules], sensitivity, frozenset(sensitive))
        register(self._pool, self._schema)

    def load(
        self, serialized: bytes, namespace: dict[str, Any], names: Mapping[str, str] | None = None
    ) -> FileDescriptor:
        """Add one file and put its classes, nested ones included, into a module's namespace.

        Args:
            serialized: The file's ``FileDescriptorProto``. Files it imports must be loaded already, but for
                ``google/protobuf/*``, which come from the installed protobuf.
            namespace: ``globals()`` of the module whose classes these become: they pickle by its name.
            names: Python names by full name, of what does not have the name that `safe_name` gives it.
        """
        self._schema.names.update(names or {})
        for dependency in FileDescriptorProto.FromString(serialized).dependency:
            self._load_google(dependency)
        descriptor: FileDescriptor = self._pool.AddSerializedFile(serialized)
        module, own = namespace["__name__"], self._schema.names
        for message in descriptor.message_types_by_name.values():
            namespace[top_name(message, own)] = _message_class(message, module, "", own)
        for enum in descriptor.enum_types_by_name.values():
            namespace[top_name(enum, own)] = enum_class(enum, module, "", own)
        for extension in descriptor.extensions_by_name.values():
            namespace[top_name(extension, own)] = extension
        return descriptor

    def joined(self, modules: str) -> MessagePool:
        """Let the modules of another package fill this pool, too, and return it."""
        self._schema.modules.append(modules)
        return self

    def _load_google(self, name: str) -> None:
        if not name.startswith(_GOOGLE) or name in self._google:
            return
        self._google.add(name)
        if _has_file(self._pool, name):
            return  # one of the schema's own, in that folder
        module = importlib.import_module(name.removesuffix(".proto").replace("/", ".") + "_pb2")
        for dependency in module.DESCRIPTOR.dependencies:
            self._load_google(dependency.name)
        descriptor: FileDescriptor = self._pool.AddSerializedFile(module.DESCRIPTOR.serialized_pb)
        if name not in _ONLY_OPTIONS:
            for message in descriptor.message_types_by_name.values():
                cls = GetMessageClass(message)
                take_other_pools(cls)
                self._schema.classes.append(cls)


def _has_file(pool: DescriptorPool, name: str) -> bool:
    try:
        pool.FindFileByName(name)
        return True
    except KeyError:
        return False


def _message_class(descriptor: Descriptor, module: str, outer: str, names: Names) -> type[Message]:
    facts = {"DESCRIPTOR": descriptor, "__module__": module}
    cls = cast("type[Message]", _MAKE_CLASS(descriptor.name, (Message,), facts))
    cls.__module__ = module
    cls.__name__ = top_name(descriptor, names)
    cls.__qualname__ = outer + cls.__name__
    copyreg.pickle(cls, _reduced)
    add_methods(cls)
    inner = f"{cls.__qualname__}."
    for enum in descriptor.enum_types:
        enum_type: Any = enum_class(enum, module, inner, names)
        for py_name, member in EnumType.members(enum_type).items():
            if not hasattr(Message, py_name):  # a member does not take the place of a method
                setattr(cls, py_name, member)
        setattr(cls, enum_type.__name__, enum_type)
    for nested in descriptor.nested_types:
        nested_type = _message_class(nested, module, inner, names)
        setattr(cls, nested_type.__name__, nested_type)
    for extension in descriptor.extensions:
        setattr(cls, top_name(extension, names), extension)
    return cls


def _reduced(message: Message) -> tuple[Any, ...]:
    # protobuf's own way looks for nested classes in the default pool, and may find another library's there.
    return _restored, (type(message), type(message).SerializePartialToString(message))


def _restored(cls: type[Message], serialized: bytes) -> Message:
    message = cls()
    cls.MergeFromString(message, serialized)
    return message
