"""``repr`` and ``str`` of messages, with the values of sensitive fields and the secrets in URLs replaced."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from google.protobuf.message import Message
from google.protobuf.text_encoding import CEscape

from twirpkit._schema.enums import enum_facts
from twirpkit._schema.fields import Field, field_of
from twirpkit._schema.floats import shortest
from twirpkit._schema.names import safe_name
from twirpkit._schema.sensitivity import is_sensitive
from twirpkit._secret import REDACTED
from twirpkit._url_secrets import without_url_secrets

__all__ = ["message_repr", "message_str"]


def message_repr(message: Message) -> str:
    """Return a message on one line, as the call of its constructor: ``Room(name='standup')``."""
    parts = (f"{safe_name(field.name)}={_python(field, value)}" for field, value in _shown_fields(message))
    return f"{type(message).__qualname__}({', '.join(parts)})"


def message_str(message: Message) -> str:
    """Return a message as protobuf's text format, one line a value; the empty string for an empty message."""
    return "\n".join(_lines(message, ""))


def _shown_fields(message: Message) -> Iterator[tuple[Field, Any]]:
    """Yield the fields that are set; `REDACTED` itself is the value of a sensitive one."""
    cls = type(message)  # which has the methods in any case: a field of the message may have the name of one
    descriptor: Any = cls.DESCRIPTOR
    for live, value in cls.ListFields(message):
        field = field_of(descriptor, live)
        yield field, REDACTED if is_sensitive(descriptor, field) else value


def _python(field: Field, value: Any) -> str:
    if value is REDACTED:
        return REDACTED
    if field.map_value is not None:
        kind = field.map_value
        return f"{{{', '.join(f'{key!r}: {_python_item(kind, item)}' for key, item in value.items())}}}"
    if field.repeated:
        return f"[{', '.join(_python_item(field, item) for item in value)}]"
    return _python_item(field, value)


def _python_item(field: Field, value: Any) -> str:
    if isinstance(value, Message):
        return message_repr(value)
    if field.enum is not None:
        return repr(enum_facts(field.enum).names.get(value, value))
    if isinstance(value, str):
        return repr(without_url_secrets(value))
    return repr(shortest(value) if field.is_single else value)


def _lines(message: Message, indent: str) -> Iterator[str]:
    for field, value in _shown_fields(message):
        if value is REDACTED:
            yield f"{indent}{field.name}: {REDACTED}"
        elif field.map_key is not None and field.map_value is not None:
            for key in sorted(value):
                yield f"{indent}{field.name} {{"
                yield f"{indent}  key: {_scalar(field.map_key, key)}"
                yield from _value_lines("value", field.map_value, value[key], f"{indent}  ")
                yield f"{indent}}}"
        elif field.repeated:
            for item in value:
                yield from _value_lines(field.name, field, item, indent)
        else:
            yield from _value_lines(field.name, field, value, indent)


def _value_lines(name: str, field: Field, value: Any, indent: str) -> Iterator[str]:
    if field.message is None:
        yield f"{indent}{name}: {_scalar(field, value)}"
        return
    yield f"{indent}{name} {{"
    yield from _lines(value, f"{indent}  ")
    yield f"{indent}}}"


def _scalar(field: Field, value: Any) -> str:
    if field.enum is not None:
        return str(enum_facts(field.enum).names.get(value, value))
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | bytes):
        shown = without_url_secrets(value) if isinstance(value, str) else value
        escaped: str = CEscape(shown, isinstance(shown, str))  # type: ignore[arg-type]  # the stub lacks str
        return f'"{escaped}"'
    return str(shortest(value) if field.is_single else value)
