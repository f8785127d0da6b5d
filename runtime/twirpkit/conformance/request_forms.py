"""The three forms in which a caller may give a request."""

from __future__ import annotations

import enum
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from google.protobuf.message import Message

from twirpkit._schema.names import safe_name

__all__ = ["Form", "arguments"]


class Form(enum.StrEnum):
    """How the request is given."""

    MESSAGE = "message"
    MAPPING = "mapping"
    KEYWORDS = "keywords"


def arguments(form: Form, message: Message, call: Callable[..., Any]) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
    """Positional and keyword arguments that ask a client's method for the message.

    Args:
        form: The form.
        message: What shall be sent.
        call: The client's bound method.

    Returns:
        The arguments, or None where the form cannot say it: fields that the schema does not know, and keywords that
        are an option of the method.
    """
    if form is Form.MESSAGE:
        return (message,), {}
    if not _is_plain(message):
        return None
    if form is Form.MAPPING:
        return (_fields(message, name=str),), {}
    fields = _fields(message, name=safe_name)
    taken = {
        name
        for name, parameter in inspect.signature(call).parameters.items()
        if parameter.kind != parameter.VAR_KEYWORD
    }
    return None if taken & fields.keys() else ((), fields)


def _is_plain(message: Message) -> bool:
    """Whether the message holds nothing but fields of its schema."""
    known = type(message)()
    known.CopyFrom(message)
    known.DiscardUnknownFields()
    return bool(known.SerializeToString(deterministic=True) == message.SerializeToString(deterministic=True))


def _fields(message: Message, name: Callable[[str], str]) -> dict[str, Any]:
    return {name(field.name): _value(value) for field, value in message.ListFields()}


def _value(value: Any) -> Any:
    if isinstance(value, Message):
        well_known = value.DESCRIPTOR.full_name.startswith("google.protobuf.")
        return value if well_known else _fields(value, name=str)
    if isinstance(value, Mapping):
        return {key: _value(each) for key, each in value.items()}
    if isinstance(value, str | bytes | int | float):
        return value
    return [_value(each) for each in value]
