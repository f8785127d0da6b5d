"""Messages as dicts and as JSON."""

from __future__ import annotations

import base64
import json
import math
from typing import Any, NamedTuple

from google.protobuf.message import DecodeError, Message

from twirpkit._schema.enums import enum_facts
from twirpkit._schema.fields import Field, field_of, fields_of
from twirpkit._schema.floats import shortest
from twirpkit._schema.schemas import message_class
from twirpkit._schema.sensitivity import is_sensitive
from twirpkit._schema.well_known import ANY, HAVE_JSON_OF_THEIR_OWN
from twirpkit._secret import REDACTED
from twirpkit._url_secrets import without_url_secrets

__all__ = ["to_dict", "to_json"]


class _Options(NamedTuple):
    redact: bool
    defaults: bool
    camel_case: bool


def to_dict(
    message: Message, *, redact: bool = False, defaults: bool = False, camel_case: bool = False
) -> dict[str, Any]:
    """Return a message as a dict of values that JSON has: what `to_json` writes.

    Enums are names, and a number that the schema does not know stays a number. Integers are ints, of 64 bits too.
    Bytes are base64. ``Timestamp``, ``Duration`` and the other messages of ``google.protobuf`` are what protobuf's
    JSON makes of them. `from_dict` is the inverse.

    Args:
        message: Any message, of this package or another.
        redact: Replace the values of fields that the schema marks as secret or personal, and the secrets in URLs, by
            ``"<redacted>"``.
        defaults: Include fields that are not set: ``0``, ``""``, ``[]``. Messages and fields with presence are left
            out nevertheless.
        camel_case: Spell keys ``emptyTimeout`` instead of ``empty_timeout``.

    Raises:
        ValueError: The message has no JSON: an ``Any`` holds a message that is not known here, or a date is out of
            range.
        TypeError: It is not a message, or its JSON is not an object, as that of a ``Timestamp``: use `to_json`.
    """
    value = _value(message, _Options(redact, defaults, camel_case))
    if not isinstance(value, dict):
        raise TypeError(f"the JSON of {type(message).DESCRIPTOR.full_name} is not an object: use to_json")
    return value


def to_json(
    message: Message,
    *,
    redact: bool = False,
    defaults: bool = False,
    camel_case: bool = False,
    indent: int | None = None,
) -> str:
    """Return a message as JSON, in ASCII.

    Args:
        message: As in `to_dict`.
        redact: As in `to_dict`.
        defaults: As in `to_dict`.
        camel_case: As in `to_dict`.
        indent: Spaces of each level; None: all on one line.

    Raises:
        ValueError: As in `to_dict`.
        TypeError: It is not a message.
    """
    return json.dumps(_value(message, _Options(redact, defaults, camel_case)), indent=indent, allow_nan=False)


def _value(message: Message, options: _Options) -> Any:
    """Return the JSON of a message."""
    if not isinstance(message, Message):
        raise TypeError(f"expected a message, not {type(message).__name__}")
    name = type(message).DESCRIPTOR.full_name
    if name == ANY:
        return _any(message, options)
    return _well_known(message, name, options) if name in HAVE_JSON_OF_THEIR_OWN else _object(message, options)


def _object(message: Message, options: _Options) -> dict[str, Any]:
    cls = type(message)  # which has the methods in any case: a field of the message may have the name of one
    descriptor: Any = cls.DESCRIPTOR
    present = {field_of(descriptor, live).name: (live, value) for live, value in cls.ListFields(message)}
    extensions = {name: field_of(descriptor, live) for name, (live, _) in present.items() if live.is_extension}
    found: dict[str, Any] = {}
    for name, field in {**fields_of(descriptor), **extensions}.items():
        key = field.json_name if options.camel_case else name
        if name in present:
            hidden = options.redact and is_sensitive(descriptor, field)
            found[key] = REDACTED if hidden else _field(field, present[name][1], options)
        elif options.defaults and not field.has_presence:
            found[key] = _field(field, getattr(message, name), options)
    return found


def _field(field: Field, value: Any, options: _Options) -> Any:
    if field.map_key is not None and field.map_value is not None:
        kind = field.map_value
        return {_key(key): _item(kind, item, options) for key, item in value.items()}
    return [_item(field, item, options) for item in value] if field.repeated else _item(field, value, options)


def _key(key: Any) -> str:
    return str(key).lower() if isinstance(key, bool) else str(key)


def _item(field: Field, value: Any, options: _Options) -> Any:
    if field.message is not None:
        return _value(value, options)
    if field.enum is not None:
        is_null = field.enum.full_name == "google.protobuf.NullValue"
        return None if is_null else enum_facts(field.enum).names.get(value, value)
    if options.redact and isinstance(value, str):
        return without_url_secrets(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    return _number(shortest(value) if field.is_single else value) if isinstance(value, float) else value


def _number(value: float) -> float | str:
    """Return a number; the names of those that JSON does not have."""
    if math.isnan(value):
        return "NaN"
    return value if math.isfinite(value) else "Infinity" if value > 0 else "-Infinity"


def _well_known(message: Any, name: str, options: _Options) -> Any:
    match name.rpartition(".")[2]:
        case "Timestamp" | "Duration" | "FieldMask":
            return message.ToJsonString()
        case "Struct":
            return {key: _any_value(item, options) for key, item in message.fields.items()}
        case "ListValue":
            return [_any_value(item, options) for item in message.values]
        case "Value":
            return _any_value(message, options)
        case _:
            return _item(fields_of(message.DESCRIPTOR)["value"], message.value, options)


def _any_value(value: Any, options: _Options) -> Any:
    """Return what a ``google.protobuf.Value`` holds."""
    match value.WhichOneof("kind"):
        case "struct_value":
            return _well_known(value.struct_value, "Struct", options)
        case "list_value":
            return _well_known(value.list_value, "ListValue", options)
        case "number_value":
            number = value.number_value
            return int(number) if number.is_integer() else _number(number)
        case "string_value":
            return without_url_secrets(value.string_value) if options.redact else value.string_value
        case "bool_value":
            return value.bool_value
        case _:
            return None


def _any(message: Any, options: _Options) -> dict[str, Any]:
    if not message.type_url:
        return {}
    name = message.type_url.rpartition("/")[2]
    cls = message_class(message.DESCRIPTOR, name)
    if cls is None:
        raise ValueError(f"an Any holds {name}, which is not a message of this package")
    try:
        packed = cls.FromString(message.value)
    except (DecodeError, UnicodeDecodeError):  # the latter in protobuf's pure Python engine
        packed = None
    if packed is None:
        raise ValueError(f"the bytes in an Any are not a message {name}")
    value = _value(packed, options)
    own = name == ANY or name in HAVE_JSON_OF_THEIR_OWN
    return {"@type": message.type_url, "value": value} if own else {"@type": message.type_url, **value}
