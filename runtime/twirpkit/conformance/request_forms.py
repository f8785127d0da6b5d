"""The three forms in which a caller can pass a request."""

from __future__ import annotations

import enum
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from google.protobuf.message import Message

from twirpkit._schema.names import safe_name

__all__ = ["RequestForm", "arguments"]


class RequestForm(enum.StrEnum):
    """The form of a request in a call."""

    MESSAGE = "message"
    """A message object."""
    MAPPING = "mapping"
    """A mapping of field names to values."""
    KEYWORDS = "keywords"
    """Keyword arguments."""


def arguments(
    form: RequestForm, message: Message, call: Callable[..., Any]
) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
    """Return the positional and keyword arguments of a client's method for sending a message.

    Args:
        form: The form.
        message: The request to send.
        call: The client's bound method.

    Returns:
        The arguments, or None if the form cannot express the message: it has fields that the schema does not have, or
        a field with the name of one of the method's options.
    """
    if form is RequestForm.MESSAGE:
        return (message,), {}
    if not _is_plain(message):
        return None
    if form is RequestForm.MAPPING:
        return (_fields(message, name=str),), {}
    fields = _fields(message, name=safe_name)
    taken = {
        name
        for name, parameter in inspect.signature(call).parameters.items()
        if parameter.kind != parameter.VAR_KEYWORD
    }
    return None if taken & fields.keys() else ((), fields)


def _is_plain(message: Message) -> bool:
    """Return True if all fields of the message are in its schema."""
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
