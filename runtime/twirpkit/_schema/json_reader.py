"""Messages out of dicts and JSON, strictly."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import json
import re
from collections.abc import Mapping
from typing import Any, Final, TypeVar

from google.protobuf.descriptor_pb2 import FieldDescriptorProto
from google.protobuf.message import Message

from twirpkit._schema.fields import FLOATS, INTEGERS, Field
from twirpkit._schema.filling import NULL_VALUE, Refused, Rules, enum_number, set_message, type_name, wanted_scalar
from twirpkit._schema.well_known import SETTERS, VALUE, WANTED

__all__ = ["from_dict", "from_json", "from_value", "from_wire_json", "parse_json"]

M = TypeVar("M", bound=Message)

_TYPE: Final = FieldDescriptorProto.Type
_TEXTUAL: Final = {
    "google.protobuf.Timestamp": 'text such as "2026-01-31T12:00:00Z"',
    "google.protobuf.Duration": 'text such as "1.5s"',
    "google.protobuf.FieldMask": 'text such as "name,emptyTimeout"',
}
"""Messages of google/protobuf whose JSON is a string."""
_NOT_NUMBERS: Final = ("NaN", "Infinity", "-Infinity")
_MANY: Final = 400
"""Digits of the longest number that is read: `int` takes quadratic time, and no number of protobuf has more."""


def from_dict(cls: type[M], data: Mapping[str, Any]) -> M:
    """Return a message from a dict of values that JSON has, the inverse of `to_dict`.

    Keys are spelled ``empty_timeout`` or ``emptyTimeout``, and None means the same as no key. Enums are names or
    numbers, bytes are base64, and a number may be given as text.

    Args:
        cls: The class of the message.
        data: The dict.

    Raises:
        ValueError: A key is unknown, or a value is wrong; the text names the field, and a name that may be meant.
        TypeError: `data` is not a mapping, or `cls` is not a class of messages.
    """
    if not isinstance(data, Mapping):
        raise TypeError(f"expected a mapping, not {type_name(data)}")
    return from_value(cls, data)


def from_json(cls: type[M], text: str | bytes | bytearray) -> M:
    """Return a message from JSON, as `from_dict` from a dict.

    Args:
        cls: The class of the message.
        text: The JSON; bytes are UTF-8.

    Raises:
        ValueError: As in `from_dict`; or the text is not JSON, or has one key twice.
        TypeError: It is not text, or `cls` is not a class of messages.
    """
    if not isinstance(text, str | bytes | bytearray):
        raise TypeError(f"expected JSON as str or bytes, not {type_name(text)}")
    return from_value(cls, parse_json(text))


def from_wire_json(cls: type[M], body: bytes) -> M:
    """Return a message from JSON that a peer sent, whose schema may be newer.

    Keys and names of enums that the schema does not know are left out.

    Raises:
        ValueError: The body is not JSON in UTF-8 without a byte order mark, or a value is wrong.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        problem = f"not UTF-8 at byte {error.start}"
    else:
        return from_value(cls, parse_json(text), WIRE)
    raise ValueError(problem)


def from_value(cls: type[M], value: Any, rules: Rules | None = None) -> M:
    """Return a message from what `json.loads` returns: a dict, or what stands for a message of google/protobuf.

    Args:
        cls: The class of the message.
        value: The JSON value.
        rules: The rules for keys and values; None: `JSON`.

    Raises:
        ValueError: As in `from_dict`.
        TypeError: `cls` is not a class of messages.
    """
    if not (isinstance(cls, type) and issubclass(cls, Message)):
        raise TypeError(f"expected a class of messages, not {type_name(cls)}")
    message = cls()
    try:
        set_message(message, cls.DESCRIPTOR.full_name, value, rules or JSON)
        return message
    except Refused as refused:
        problem = refused.text
    except RecursionError:
        problem = ": nested too deeply"
    raise ValueError(f"{cls.DESCRIPTOR.name}{problem}")


def parse_json(text: str | bytes | bytearray) -> Any:
    """Return the value of a JSON text. Raises ValueError if it is not JSON, or has one key twice in an object."""
    try:
        decoded = text if isinstance(text, str) else text.decode("utf-8-sig")
        return json.loads(
            decoded, object_pairs_hook=_without_repeats, parse_constant=_refuse_constant, parse_int=_parse_int
        )
    except json.JSONDecodeError as error:
        problem = f"not JSON: {error.msg} at line {error.lineno}, column {error.colno}"
    except UnicodeDecodeError as error:
        problem = f"not UTF-8 at byte {error.start}"
    except RecursionError:
        problem = "this JSON is nested too deeply"
    raise ValueError(problem)


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"{key!r} is in one JSON object twice")
        found[key] = value
    return found


def _refuse_constant(name: str) -> None:
    raise ValueError(f'{name} is not JSON: write "{name}" with quotes')


def _parse_int(digits: str) -> int:
    if len(digits) > _MANY:
        raise ValueError(f"a number has more than {_MANY} digits")
    return int(digits)


def _scalar(field: Field, value: Any) -> Any:
    """Return what protobuf's setter takes for a value of JSON."""
    if field.enum is not None:
        if value is None and field.enum.full_name == NULL_VALUE:
            return 0
        return enum_number(field, value) if isinstance(value, str) else _integer(field, value)
    if field.type in INTEGERS:
        return _integer(field, value)
    if field.type in FLOATS:
        return _float(field, value)
    if field.type == _TYPE.TYPE_BYTES:
        return _bytes(field, value)
    if not isinstance(value, bool if field.type == _TYPE.TYPE_BOOL else str):
        raise _wrong_type(field, value)
    return value


def _integer(field: Field, value: Any) -> int:
    if isinstance(value, str) and field.enum is None and re.fullmatch(r"-?[0-9]{1,30}", value):
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise _wrong_type(field, value)
    return value


def _float(field: Field, value: Any) -> float:
    if isinstance(value, str):
        if value not in _NOT_NUMBERS and not re.fullmatch(
            r"-?[0-9]{1,400}(\.[0-9]{1,400})?([eE][-+]?[0-9]{1,3})?", value
        ):
            raise _wrong_type(field, value)
        return float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _wrong_type(field, value)
    return value


def _bytes(field: Field, value: Any) -> bytes:
    if not isinstance(value, str):
        raise _wrong_type(field, value)
    try:
        # The alphabet of URLs, and missing padding, as every reader of protobuf's JSON takes them.
        standard = value.translate({ord("-"): "+", ord("_"): "/"})
        return base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)
    except (binascii.Error, ValueError):
        refused = Refused(ValueError, ": expected bytes as base64")
    raise refused


def _key(field: Field, key: Any) -> Any:
    """Return the key of a map, which is text in JSON, whatever its type in the schema."""
    if not isinstance(key, str) or field.type == _TYPE.TYPE_STRING:
        return _scalar(field, key)
    if field.type == _TYPE.TYPE_BOOL and key in ("true", "false"):
        return key == "true"
    return _integer(field, key) if field.type in INTEGERS else _scalar(field, key)


def _wrong_type(field: Field, value: Any) -> Refused:
    return Refused(TypeError, f": {wanted_scalar(field)}, got {type_name(value)}")


def _from_text(target: Any, value: Any, _: Rules) -> bool:
    if not isinstance(value, str):
        return False
    try:
        target.FromJsonString(value)
        return True
    except ValueError:
        refused = Refused(ValueError, f": expected {_TEXTUAL[target.DESCRIPTOR.full_name]}")
    raise refused


def _only(name: str, setter: Any) -> Any:
    """Return a setter that refuses what is not its own: in JSON, such a message cannot be given by its fields."""

    def strict(target: Any, value: Any, rules: Rules) -> bool:
        if not setter(target, value, rules):
            wanted = rules.wanted.get(name, f"the value of {name}")
            raise Refused(TypeError, f": expected {wanted}, got {type_name(value)}")
        return True

    return strict


JSON: Final = Rules(
    scalar=_scalar,
    key=_key,
    well_known={name: _only(name, _from_text if name in _TEXTUAL else setter) for name, setter in SETTERS.items()},
    wanted={**WANTED, **_TEXTUAL},
    lists=(list, tuple),
    null=VALUE,
)
"""Values of JSON."""
WIRE: Final = dataclasses.replace(JSON, ignore_unknown=True)
"""Values of JSON from a peer, whose schema may be newer."""
