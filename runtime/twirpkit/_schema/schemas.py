"""Private descriptor pools: the facts of each, and message classes by full name."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from dataclasses import dataclass, field
from typing import Any, Final

from google.protobuf.descriptor import Descriptor
from google.protobuf.descriptor_pool import Default, DescriptorPool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

__all__ = ["Schema", "find_extension", "message_class", "register", "schema_of"]

_WELL_KNOWN: Final = ("any", "api", "duration", "empty", "field_mask", "struct", "timestamp", "type", "wrappers")


@dataclass(frozen=True, slots=True)
class Schema:
    """The facts of one private pool."""

    modules: list[str] = field(default_factory=list)
    """The packages whose modules fill the pool when they are imported; none if it is filled already."""
    sensitivity: int | None = None
    """The number of the field option that marks secret and personal fields; None if the schema has none."""
    sensitive: frozenset[str] = frozenset()
    """Full names of further fields that are secret or personal, though the schema does not mark them."""
    classes: list[type[Message]] = field(default_factory=list)
    """Classes that no module holds. Protobuf's C engine would make another class, without what was set on this one."""
    names: dict[str, str] = field(default_factory=dict)
    """Python names by full name, of what does not have the name that `safe_name` gives it."""


_SCHEMAS: Final[dict[DescriptorPool, Schema]] = {}
_NONE: Final = Schema()


def register(pool: DescriptorPool, schema: Schema) -> None:
    """Remember the facts of a pool, for as long as the process lives: so do the classes of generated modules."""
    _SCHEMAS[pool] = schema


def schema_of(descriptor: Descriptor) -> Schema:
    """Return the facts of the pool that a message type is in; without any for google's own pool."""
    return _SCHEMAS.get(descriptor.file.pool, _NONE)


def message_class(near: Descriptor, name: str) -> type[Message] | None:
    """Return the class of a full name: out of the pool of `near`, else out of protobuf's default pool.

    Modules of the package that have not been imported are imported first.
    """
    pool = near.file.pool
    schema = _SCHEMAS.get(pool, _NONE)
    found = _find(pool, name)
    for package in schema.modules if found is None else ():
        _import_all(package)
        found = found or _find(pool, name)
    if found is None:
        _import_google()
        found = _find(Default(), name)
    return found


def find_extension(near: Descriptor, name: str) -> Any:
    """Return the live descriptor of an extension in the pool of `near`, or None; modules are imported as needed."""
    pool: Any = near.file.pool
    for package in (None, *_SCHEMAS.get(pool, _NONE).modules):
        if package is not None:
            _import_all(package)
        try:
            return pool.FindExtensionByName(name)
        except KeyError:
            continue
    return None


def _find(pool: DescriptorPool, name: str) -> type[Message] | None:
    try:
        return GetMessageClass(pool.FindMessageTypeByName(name))
    except KeyError:
        return None


@functools.cache
def _import_all(package: str) -> None:
    for module in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
        importlib.import_module(module.name)


@functools.cache
def _import_google() -> None:
    for name in _WELL_KNOWN:
        importlib.import_module(f"google.protobuf.{name}_pb2")
