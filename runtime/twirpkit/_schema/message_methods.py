"""Methods that our message classes have in place of protobuf's, and some that protobuf's do not have.

Protobuf makes a message class without a base of ours, so the methods are set on each class. What protobuf itself can do
is done by its own method first: a message of ours costs nothing more.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeVar

from google.protobuf.message import Message

from twirpkit._schema.filling import Refused, merge_bytes
from twirpkit._schema.json_reader import from_dict
from twirpkit._schema.json_writer import to_dict
from twirpkit._schema.message_text import message_repr, message_str
from twirpkit._schema.request_messages import strictly

__all__ = ["add_methods", "take_other_pools"]

M = TypeVar("M", bound=Message)


def add_methods(cls: type[Message]) -> None:
    """Give a class of a generated package its methods."""
    take_other_pools(cls)
    for name, method in _METHODS.items():
        setattr(cls, name, method)


def take_other_pools(cls: Any) -> None:
    """Make the constructor, ``CopyFrom`` and ``MergeFrom`` of a class take messages of other pools."""
    # Protobuf's pure Python engine puts the values of an enum in the place of methods of the same name.
    copy, merge = (
        getattr(owner, name)
        for name in ("CopyFrom", "MergeFrom")
        for owner in [cls if callable(getattr(cls, name)) else Message]
    )
    cls.__init__ = _constructor(cls.__init__)
    cls.CopyFrom = _merging(copy, clears=True)
    cls.MergeFrom = _merging(merge, clears=False)


# Protobuf's C engine has one method for all classes, so that one of ours is enough, too.
@functools.cache
def _constructor(original: Callable[..., None]) -> Callable[..., None]:
    """Return a constructor that takes what keywords of a call take: see `twirpkit._schema.request_messages`."""

    def __init__(self: Message, /, **fields: Any) -> None:
        try:
            original(self, **fields)
            return
        except (TypeError, ValueError, AttributeError):  # the last for a Duration or Timestamp, in protobuf 5 and 6
            original(self)
            type(self).Clear(self)
        strictly(self, fields)

    return __init__


@functools.cache
def _merging(original: Callable[..., None], *, clears: bool) -> Callable[..., None]:
    """Return ``CopyFrom`` or ``MergeFrom`` that takes a message of the same full name by its bytes."""

    def merge(self: Message, other_msg: Message, /) -> None:
        try:
            original(self, other_msg)
            return
        except TypeError as unlike:
            problem: TypeError | ValueError = unlike
        if not isinstance(other_msg, Message) or isinstance(other_msg, type(self)):
            raise problem
        if clears:
            type(self).Clear(self)
        try:
            merge_bytes(self, other_msg)
            return
        except Refused as refused:
            problem = refused.error(type(self).DESCRIPTOR.name)
        raise problem

    merge.__name__ = merge.__qualname__ = original.__name__
    return merge


def _iter(self: Message) -> Iterator[tuple[str, Any]]:
    """Yield pairs of key and value of `to_dict`, so that ``dict(message)`` works: FastAPI's encoder asks for it."""
    return iter(to_dict(self).items())


def _json(self: Message, *_: object) -> dict[str, Any]:
    """Return `to_dict`: the encoder of Celery asks for it."""
    return to_dict(self)


def _pydantic_core_schema(cls: type[M], source: object, handler: object) -> Any:
    """Return the schema of a pydantic field: a message or a mapping on its way in, `to_dict` on its way out."""
    from pydantic_core import core_schema  # here, because only pydantic, which has loaded it, calls this

    return core_schema.no_info_plain_validator_function(
        functools.partial(_validated, cls),
        serialization=core_schema.plain_serializer_function_ser_schema(to_dict, when_used="json-unless-none"),
    )


def _validated(cls: type[M], value: object) -> M:
    if isinstance(value, cls):
        return value
    if isinstance(value, Mapping):
        return from_dict(cls, value)
    raise ValueError(f"expected {cls.__qualname__} or an object")


def _pydantic_json_schema(cls: type[Message], core_schema: object, handler: object) -> dict[str, Any]:
    """Return what JSON schemas, and OpenAPI's pages, say of a message."""
    return {"title": cls.__qualname__, "type": "object"}


_METHODS: Final[Mapping[str, Any]] = {
    "__repr__": message_repr,
    "__str__": message_str,
    "__iter__": _iter,
    "__json__": _json,
    "__get_pydantic_core_schema__": classmethod(_pydantic_core_schema),
    "__get_pydantic_json_schema__": classmethod(_pydantic_json_schema),
}
