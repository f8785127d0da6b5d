"""Messages of google/protobuf from the Python values that mean the same."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from typing import Any, Final

from google.protobuf.message import Message

from twirpkit._schema.fields import WRAPPERS, fields_by_key
from twirpkit._schema.filling import Refused, Rules, fill, merge_bytes, set_field, set_message, type_name
from twirpkit._schema.schemas import message_class

__all__ = ["ANY", "HAVE_JSON_OF_THEIR_OWN", "SETTERS", "VALUE", "WANTED"]

ANY: Final = "google.protobuf.Any"
VALUE: Final = "google.protobuf.Value"
_STRUCT: Final = "google.protobuf.Struct"
_LIST: Final = "google.protobuf.ListValue"
_TIMESTAMP: Final = "google.protobuf.Timestamp"
_DURATION: Final = "google.protobuf.Duration"
_FIELD_MASK: Final = "google.protobuf.FieldMask"
HAVE_JSON_OF_THEIR_OWN: Final = frozenset((VALUE, _STRUCT, _LIST, _TIMESTAMP, _DURATION, _FIELD_MASK, *WRAPPERS))
"""Messages whose JSON is not the object of their fields. In an ``Any`` it stands under the key ``value``."""
_LONGEST: Final = datetime.timedelta(seconds=315_576_000_000)
"""The longest `Duration`: 10,000 years."""
_PREFIX: Final = "type.googleapis.com/"


def _timestamp(target: Any, value: Any, _: Rules) -> bool:
    if not isinstance(value, datetime.datetime):
        return False
    if value.tzinfo is None:
        raise Refused(ValueError, ": the datetime has no time zone: give it one, for example datetime.timezone.utc")
    try:
        target.FromDatetime(value)
        return True
    except (ValueError, OverflowError):
        refused = Refused(ValueError, ": a google.protobuf.Timestamp cannot hold this datetime")
    raise refused


def _duration(target: Any, value: Any, _: Rules) -> bool:
    if not isinstance(value, datetime.timedelta):
        return False
    if abs(value) > _LONGEST:  # which protobuf itself does not check
        raise Refused(ValueError, ": a google.protobuf.Duration cannot hold this timedelta")
    target.FromTimedelta(value)
    return True


def _struct(target: Any, value: Any, _: Rules) -> bool:
    if not isinstance(value, Mapping):
        return False
    _fill_struct(target, value)
    return True


def _fill_struct(target: Any, value: Mapping[Any, Any]) -> None:
    for key, item in value.items():
        if not isinstance(key, str):
            raise Refused(TypeError, f"[{key!r}]: expected string, got {type_name(key)}")
        try:
            _set_value(target.fields[key], item)
        except Refused as refused:
            raise refused.at(f"[{key!r}]") from None


def _list(target: Any, value: Any, _: Rules) -> bool:
    if not isinstance(value, list | tuple):
        return False
    _fill_list(target, value)
    return True


def _fill_list(target: Any, value: list[Any] | tuple[Any, ...]) -> None:
    for index, item in enumerate(value):
        try:
            _set_value(target.values.add(), item)
        except Refused as refused:
            raise refused.at(f"[{index}]") from None


def _value(target: Any, value: Any, _: Rules) -> bool:
    if isinstance(value, Message) and type(value).DESCRIPTOR.full_name not in (_STRUCT, _LIST):
        return False
    _set_value(target, value)
    return True


def _set_value(target: Any, value: Any) -> None:
    """Set a ``google.protobuf.Value``, which holds what JSON can say."""
    if value is None:
        target.null_value = 0
    elif isinstance(value, bool):
        target.bool_value = value
    elif isinstance(value, int | float):
        target.number_value = _double(value)
    elif isinstance(value, str):
        try:
            target.string_value = value
        except ValueError:
            raise Refused(ValueError, ": not a valid string: not Unicode") from None
    elif isinstance(value, Message):
        name = type(value).DESCRIPTOR.full_name
        within = {_STRUCT: "struct_value", _LIST: "list_value"}.get(name)
        merge_bytes(target if within is None else getattr(target, within), value)
    elif isinstance(value, Mapping):
        target.struct_value.SetInParent()
        _fill_struct(target.struct_value, value)
    elif isinstance(value, list | tuple):
        target.list_value.SetInParent()
        _fill_list(target.list_value, value)
    else:
        raise Refused(TypeError, f": expected {WANTED[VALUE]}, got {type_name(value)}")


def _double(value: float) -> float:
    try:
        number = float(value)
    except OverflowError:
        number = None
    if number is None or (isinstance(value, int) and int(number) != value):
        raise Refused(ValueError, ": this int cannot be a number of JSON without loss: give it as a str")
    return number


def _field_mask(target: Any, value: Any, _: Rules) -> bool:
    if isinstance(value, str | bytes | Mapping | Message) or not isinstance(value, Iterable):
        return False
    for index, path in enumerate(value):
        if not isinstance(path, str):
            raise Refused(TypeError, f"[{index}]: expected string, got {type_name(path)}")
        target.paths.append(path)
    return True


def _wrapper(target: Any, value: Any, rules: Rules) -> bool:
    if not isinstance(value, str | bytes | int | float):
        return False
    set_field(target, fields_by_key(type(target))["value"], value, rules)
    return True


def _any(target: Any, value: Any, rules: Rules) -> bool:
    """Pack a message, or a mapping whose key ``@type`` names one."""
    if isinstance(value, Message):
        if type(value).DESCRIPTOR.full_name == ANY:
            return False
        target.type_url = _PREFIX + type(value).DESCRIPTOR.full_name
        target.value = type(value).SerializePartialToString(value)
        return True
    if not isinstance(value, Mapping) or (value and "@type" not in value):
        return False
    if not value:
        return True
    url = value["@type"]
    if not isinstance(url, str):
        raise Refused(TypeError, f"['@type']: expected string, got {type_name(url)}")
    name = url.rpartition("/")[2]
    cls = message_class(target.DESCRIPTOR, name)
    if cls is None:
        raise Refused(ValueError, f"['@type']: there is no message {name!r} in this package")
    packed = cls()
    rest = {key: each for key, each in value.items() if key != "@type"}
    if name != ANY and name not in HAVE_JSON_OF_THEIR_OWN:
        fill(packed, rest, rules)
    elif set(rest) == {"value"}:
        set_message(packed, name, rest["value"], rules)
    else:
        raise Refused(ValueError, f": beside '@type', a {name} has the key 'value' and no other")
    target.type_url = url if "/" in url else _PREFIX + url
    target.value = cls.SerializePartialToString(packed)
    return True


SETTERS: Final = {
    _TIMESTAMP: _timestamp,
    _DURATION: _duration,
    _STRUCT: _struct,
    _LIST: _list,
    VALUE: _value,
    _FIELD_MASK: _field_mask,
    ANY: _any,
    **dict.fromkeys(WRAPPERS, _wrapper),
}
"""Setters for `Rules.well_known`."""

WANTED: Final = {
    _TIMESTAMP: "a datetime.datetime with a time zone",
    _DURATION: "a datetime.timedelta, such as datetime.timedelta(seconds=30)",
    _STRUCT: "a mapping",
    _LIST: "a list",
    VALUE: "None, a bool, a number, a str, a list or a mapping",
    _FIELD_MASK: 'a list of paths, such as ["name"]',
    ANY: 'a message, or a mapping with "@type"',
}
"""The values that they take, in words."""
