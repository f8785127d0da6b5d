"""Messages filled from mappings, by rules that say which values a field takes.

Two sets of rules exist: `twirpkit._schema.request_messages` takes Python's values, `twirpkit._schema.json_reader`
those of JSON. Both are stricter than protobuf where its leniency hides mistakes: a bare ``str`` is not a list of
strings, ``None`` has no place in a list, and two members of one oneof are refused instead of the last one winning.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from google.protobuf.message import DecodeError, Message

from twirpkit._schema.enums import enum_facts, suggested_name
from twirpkit._schema.fields import INTEGERS, Field, extension_field, fields_by_key, fields_of
from twirpkit._suggestion import suggestion

__all__ = [
    "NULL_VALUE",
    "Refused",
    "Rules",
    "UnknownName",
    "enum_number",
    "fill",
    "merge_bytes",
    "set_field",
    "set_message",
    "type_name",
    "wanted_scalar",
]

M = TypeVar("M", bound=Message)

NULL_VALUE: Final = "google.protobuf.NullValue"
"""The full name of the enum whose one value is null in JSON."""
_SHOWN_NAMES = 20


class Refused(Exception):
    """A value that a field does not take. On its way up, each level puts its part of the path in front.

    Args:
        kind: The class of the error that the caller gets.
        text: The rest of the text after the path. The value is not in it, because it may be private.
    """

    def __init__(self, kind: type[TypeError | ValueError], text: str) -> None:
        self.kind = kind
        self.text = text

    def at(self, step: str) -> Refused:
        """Put one step in front of the path."""
        self.text = f"{step}{self.text}"
        return self

    def error(self, name: str) -> TypeError | ValueError:
        """Return the error that the caller gets; the path begins with `name`."""
        return self.kind(f"{name}{self.text}")


class UnknownName(Refused):
    """A name that an enum does not have: a newer schema may have it."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Values that fields take."""

    scalar: Callable[[Field, Any], Any]
    """Returns what protobuf's setter takes, or raises `Refused`."""
    key: Callable[[Field, Any], Any]
    """The same for the key of a map."""
    well_known: Mapping[str, Callable[[Any, Any, Rules], bool]]
    """Setters of messages of google/protobuf, by full name. They return False for a value that is not theirs."""
    wanted: Mapping[str, str]
    """The values that those setters take, in words."""
    lists: tuple[type, ...]
    """Types that a repeated field takes."""
    null: str | None
    """The full name of the message for which None is a value, and not the same as no key."""
    ignore_unknown: bool = False
    """True if keys and names of enums that the schema does not know are left out, as in a message of a newer peer."""


def fill(message: M, values: Mapping[str, Any], rules: Rules) -> M:
    """Set the fields that a mapping names, and return the message. None means the same as no key.

    Raises:
        Refused: A key or a value is wrong.
    """
    cls = type(message)
    known = fields_by_key(cls)
    exclusive: dict[str, str] = {}
    for key, value in values.items():
        field = known.get(key)
        if field is None:
            if rules.ignore_unknown and extension_field(cls, key) is None:
                continue
            field = _unusual(cls, key)
        if value is None and (field.repeated or not _takes_null(field, rules)):
            continue
        if field.oneof is not None or key != field.name:
            _check_exclusive(exclusive, values, field, key)
        if type(value) is field.plain:
            try:
                setattr(message, field.name, value)
                continue
            except (TypeError, ValueError, OverflowError) as error:
                refused = _not_set(field, value, error)
            raise refused.at(f".{field.name}")
        try:
            set_field(message, field, value, rules)
        except Refused as refused:
            if not _is_ignored(refused, rules):
                raise refused.at(f".{field.name}") from None
    return message


def _is_ignored(refused: Refused, rules: Rules) -> bool:
    return rules.ignore_unknown and isinstance(refused, UnknownName)


def _takes_null(field: Field, rules: Rules) -> bool:
    if rules.null is None:
        return False
    return field.message_name == rules.null or (field.enum is not None and field.enum.full_name == NULL_VALUE)


def set_field(message: Message, field: Field, value: Any, rules: Rules) -> None:
    """Set one field, which may be a list or a map."""
    extensions: Any = None if field.extension is None else message.Extensions
    if field.message is None and not field.repeated:
        if extensions is None:
            _assign(functools.partial(setattr, message, field.name), field, value, rules.scalar)
        else:
            _assign(functools.partial(extensions.__setitem__, field.extension), field, value, rules.scalar)
        return
    child = getattr(message, field.name) if extensions is None else extensions[field.extension]
    if field.map_key is not None and field.map_value is not None:
        _set_map(child, field.map_key, field.map_value, value, rules)
    elif field.repeated:
        _set_repeated(child, field, value, rules)
    else:
        type(child).SetInParent(child)
        set_message(child, field.message_name, value, rules)


def set_message(target: Message, name: str, value: Any, rules: Rules) -> None:
    """Set a message, whose full name is `name`, from another one, a mapping, or the Python value that means the same.

    Raises:
        Refused: It does not take the value.
    """
    cls = type(target)  # which has the methods in any case: a field of the message may have the name of one
    if isinstance(value, cls):
        cls.CopyFrom(target, value)
        return
    setter = rules.well_known.get(name)
    if setter is not None and setter(target, value, rules):
        return
    if isinstance(value, Message):
        merge_bytes(target, value)
    elif isinstance(value, Mapping):
        fill(target, value, rules)
    else:
        raise Refused(TypeError, f": {_wanted_message(cls, name, value, rules)}, got {type_name(value)}")


def merge_bytes(target: Message, foreign: Message) -> None:
    """Merge a message of the same full name out of another pool, by its bytes. Raises `Refused`."""
    name, other = type(target).DESCRIPTOR.full_name, type(foreign).DESCRIPTOR.full_name
    if other != name:
        raise Refused(TypeError, f": expected {name}, got {other}")
    try:
        type(target).MergeFromString(target, type(foreign).SerializePartialToString(foreign))
        return
    except (DecodeError, UnicodeDecodeError):  # the latter in protobuf's pure Python engine
        refused = Refused(ValueError, f": this {name} has another schema than the one here")
    raise refused


def enum_number(field: Field, name: str) -> int:
    """Return the number of an enum's name. Raises `Refused` with a suggestion."""
    assert field.enum is not None  # noqa: S101  # for the type checker
    facts = enum_facts(field.enum)
    number = facts.numbers.get(name)
    if number is None:
        raise UnknownName(ValueError, f": {facts.title} has no such name{suggested_name(name, facts.numbers)}")
    return number


def type_name(value: object) -> str:
    """Return the name of a value's type, for an error text."""
    return "None" if value is None else type(value).__name__


def _unusual(cls: type[Message], key: object) -> Field:
    """Return the extension that a key names. Raises `Refused` for a key that names nothing."""
    if not isinstance(key, str):
        raise Refused(TypeError, f": a field's name must be a str, not {type_name(key)}")
    field = extension_field(cls, key)
    if field is None:
        raise Refused(TypeError, f" has no field {key!r}{suggestion(key, fields_of(cls.DESCRIPTOR))}")
    return field


def _check_exclusive(seen: dict[str, str], values: Mapping[str, Any], field: Field, key: str) -> None:
    """Refuse a second member of a oneof, and a second spelling of one field."""
    slot = f".{field.name}" if field.oneof is None else field.oneof
    other = seen.setdefault(slot, key)
    if other == key and field.oneof is None and values.get(field.name) is not None:
        other = field.name
    if other != key:
        raise Refused(ValueError, f": {other} and {key} exclude each other: give one")


def _set_repeated(target: Any, field: Field, value: Any, rules: Rules) -> None:
    if isinstance(value, str | bytes | bytearray | Mapping | Message) or not isinstance(value, rules.lists):
        raise Refused(TypeError, f": give a list, not {type_name(value)}")
    items: Any = value
    for index, item in enumerate(items):
        try:
            if field.message is not None:
                set_message(target.add(), field.message_name, item, rules)
            else:
                _assign(target.append, field, item, rules.scalar)
        except Refused as refused:
            if not _is_ignored(refused, rules):
                raise refused.at(f"[{index}]") from None


def _set_map(target: Any, key_field: Field, field: Field, value: Any, rules: Rules) -> None:
    if not isinstance(value, Mapping):
        raise Refused(TypeError, f": give a mapping, not {type_name(value)}")
    for key, item in value.items():
        try:
            if field.message is not None:
                child = _assign(target.get_or_create, key_field, key, rules.key)
                set_message(child, field.message_name, item, rules)
            else:
                _assign(functools.partial(target.__setitem__, rules.key(key_field, key)), field, item, rules.scalar)
        except Refused as refused:
            if not _is_ignored(refused, rules):
                raise refused.at(f"[{key!r}]") from None


def _assign(assign: Callable[[Any], Any], field: Field, value: Any, convert: Callable[[Field, Any], Any]) -> Any:
    """Convert a value and assign it, with protobuf's own errors turned into ours."""
    scalar = convert(field, value)
    try:
        return assign(scalar)
    except (TypeError, ValueError, OverflowError) as error:
        refused = _not_set(field, scalar, error)
    raise refused


def _not_set(field: Field, value: Any, error: Exception) -> Refused:
    """Return the reason why protobuf's setter refused a value."""
    if isinstance(error, TypeError):
        return Refused(TypeError, f": {wanted_scalar(field)}, got {type_name(value)}")
    if field.type not in INTEGERS:
        text = "not Unicode: it contains half of a surrogate pair" if isinstance(value, str) else "out of range"
        return Refused(ValueError, f": not a valid {field.kind}: {text}")
    least, most = INTEGERS[field.type]
    if field.enum is not None and least <= value <= most:  # an enum of proto2 is closed
        return Refused(ValueError, f": {enum_facts(field.enum).title} has no such number")
    return Refused(ValueError, f": not a valid {field.kind}: out of range, which is {least} to {most}")


def wanted_scalar(field: Field) -> str:
    """Return what a scalar field takes, for an error text."""
    if field.enum is None:
        return f"expected {field.kind}"
    facts = enum_facts(field.enum)
    names = list(facts.numbers)
    more = ", …" if len(names) > _SHOWN_NAMES else ""
    return f"expected a member or a name of {facts.title} ({', '.join(names[:_SHOWN_NAMES])}{more})"


def _wanted_message(cls: type[Message], name: str, value: object, rules: Rules) -> str:
    if name in rules.wanted:
        return f"expected {rules.wanted[name]}"
    fields = list(fields_of(cls.DESCRIPTOR).values())
    several = fields and fields[0].repeated and fields[0].map_key is None
    if several and (isinstance(value, list | tuple | set) or (isinstance(value, str) and fields[0].kind == "string")):
        return f'expected {name} or a mapping such as {{"{fields[0].name}": [...]}}'
    return f"expected {name} or a mapping"
