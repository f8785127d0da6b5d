"""The request of a command line: a message from options named after its fields, and from JSON."""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from google.protobuf.descriptor import EnumDescriptor
from google.protobuf.descriptor_pb2 import FieldDescriptorProto
from google.protobuf.message import Message

from twirpkit._schema.fields import WRAPPERS, Field, fields_of
from twirpkit._schema.json_reader import from_dict, from_value, parse_json

__all__ = ["RESERVED", "Option", "options_of", "request_of"]

RESERVED: Final = frozenset(("help", "json"))
"""Options of an RPC that are not fields."""

_TYPE: Final = FieldDescriptorProto.Type
_SCALARS: Final = {
    _TYPE.TYPE_STRING: "TEXT",
    _TYPE.TYPE_BYTES: "BASE64",
    _TYPE.TYPE_BOOL: "true|false",
    _TYPE.TYPE_ENUM: "NAME",
    _TYPE.TYPE_DOUBLE: "NUMBER",
    _TYPE.TYPE_FLOAT: "NUMBER",
}
_TEXTUAL: Final = {
    "google.protobuf.Duration": "DURATION",
    "google.protobuf.Timestamp": "TIME",
    "google.protobuf.FieldMask": "FIELD,FIELD",
}
"""Messages of google/protobuf whose JSON is a string."""
_HINTS: Final = {"DURATION": "For example 30s or 1.5s.", "TIME": "For example 2026-01-31T12:00:00Z."}
_BOOLS: Final = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Option:
    """The option of one field."""

    field: Field
    flag: str
    """``--max-participants`` for ``max_participants``."""
    negative: str | None
    """``--no-…``, for a bool that is neither repeated nor in a map."""
    metavar: str
    """The kind of value that it takes."""
    enum: EnumDescriptor | None

    def hint(self) -> str:
        """Return the sentences that help adds to the field's comment."""
        kind = self.metavar.removeprefix("KEY=")
        parts = [_HINTS.get(kind, "")]
        if self.enum is not None:
            parts.append(f"One of {', '.join(self.enum.values_by_name)}, or a number.")
        if self.field.repeated:
            parts.append("May be repeated.")
        return " ".join(part for part in parts if part)

    def value(self, texts: list[Any]) -> Any:
        """Return the field's value in protobuf's JSON, from the arguments of the option.

        Raises:
            ValueError: It cannot be parsed, or was given twice; the text says what is expected.
        """
        if self.field.map_value is not None:
            return self._entries(texts)
        if self.field.repeated:
            return [self._read(self.field, text) for text in texts]
        if len(texts) > 1:
            raise ValueError("given twice, but it takes one value")
        return texts[0] if self.negative is not None else self._read(self.field, texts[0])

    def _entries(self, texts: list[str]) -> dict[str, Any]:
        assert self.field.map_value is not None  # noqa: S101  # for the type checker
        entries: dict[str, Any] = {}
        for text in texts:
            key, equals, value = text.partition("=")
            if not equals:
                raise ValueError("expected KEY=VALUE")
            if key in entries:
                raise ValueError(f"the key {key!r} is given twice")
            entries[key] = self._read(self.field.map_value, value)
        return entries

    def _read(self, field: Field, text: str) -> Any:
        if self.enum is not None:
            return _enum_value(text)
        kind = _kind(field)
        return _READERS[kind](text) if kind in _READERS else text


def options_of(request: type[Message]) -> list[Option]:
    """Return the options of a request's fields, in the proto's order.

    The option of a field is its name with hyphens. Where that name is taken it gets the prefix ``field.``, which no
    proto name contains: a field called like an option of the command itself (``--field.json``), and the ``--no-…`` of
    a bool where another field has that name (``--no-field.…``).

    Messages of google/protobuf have no options: such a request is given as JSON.
    """
    descriptor = request.DESCRIPTOR
    if descriptor.full_name.startswith("google.protobuf."):
        return []
    fields = fields_of(descriptor)
    plain = {name: name.replace("_", "-") for name in fields}
    taken = {*RESERVED, *plain.values()}
    found = []
    for name, field in fields.items():
        spelled = f"field.{plain[name]}" if plain[name] in RESERVED else plain[name]
        negative = None
        if not field.repeated and _kind(field) == "true|false":
            negative = f"--no-field.{plain[name]}" if f"no-{plain[name]}" in taken else f"--no-{spelled}"
        holder: Any = descriptor.fields_by_name[name]
        if field.map_value is not None:
            holder = holder.message_type.fields_by_name["value"]
        metavar = _kind(field) if field.map_value is None else f"KEY={_kind(field.map_value)}"
        found.append(Option(field, f"--{spelled}", negative, metavar, holder.enum_type))
    return found


def request_of(request: type[Message], document: str | None, given: Iterable[tuple[Option, list[Any]]]) -> Message:
    """Return the message to send.

    Args:
        request: The class of the message.
        document: The value of ``--json``: JSON, ``@file``, or ``-`` for standard input. None: it was not given.
        given: Options with their arguments; they override the fields of the JSON.

    Raises:
        ValueError: A value cannot be parsed; the text begins with the option's name.
    """
    message = request()
    if document is not None:
        message = _naming_option("--json", functools.partial(_from_document, request, document))
    values: dict[str, Any] = {}
    members: dict[str, str] = {}
    for option, texts in given:
        name, oneof = option.field.name, option.field.oneof
        values[name] = _naming_option(option.flag, functools.partial(option.value, texts))
        # Read alone first, so that an error can name the option.
        _naming_option(option.flag, functools.partial(from_dict, request, {name: values[name]}))
        if oneof is not None and members.setdefault(oneof, option.flag) != option.flag:
            raise ValueError(f"{members[oneof]} and {option.flag} exclude each other: give one")
    if values:
        for name in values:
            request.ClearField(message, name)
        request.MergeFrom(message, from_dict(request, values))
    return message


def _naming_option(name: str, attempt: Callable[[], Any]) -> Any:
    """Run `attempt`; the text of its error gets the option's name in front."""
    try:
        return attempt()
    except ValueError as error:
        problem = str(error)
    raise ValueError(f"{name}: {problem}")


def _from_document(request: type[Message], argument: str) -> Message:
    value = parse_json(_document(argument))
    if not isinstance(value, dict) and not request.DESCRIPTOR.full_name.startswith("google.protobuf."):
        raise ValueError(f"expected a JSON object, not {_json_name(value)}")
    return from_value(request, value)


def _document(argument: str) -> str:
    """Return the JSON text that ``--json`` names."""
    if argument != "-" and not argument.startswith("@"):
        return argument
    try:
        data = sys.stdin.buffer.read() if argument == "-" else Path(argument[1:]).read_bytes()
        return data.decode("utf-8-sig")
    except OSError as error:
        problem = f"the file {argument[1:]!r} cannot be read: {error.strerror}"
    except UnicodeDecodeError as error:
        problem = f"not UTF-8 at byte {error.start}"
    raise ValueError(problem)


def _json_name(value: object) -> str:
    for kind, name in ((list, "a list"), (str, "a string"), (bool, "a bool"), (int | float, "a number")):
        if isinstance(value, kind):
            return name
    return "null"


def _object(text: str) -> Any:
    value = parse_json(text)
    if not isinstance(value, dict):
        raise ValueError(f"expected a JSON object, not {_json_name(value)}")
    return value


def _bool(text: str) -> bool:
    if text not in _BOOLS:
        raise ValueError("expected true or false")
    return _BOOLS[text]


def _integer(text: str) -> int:
    if re.fullmatch("[-+]?[0-9]{1,30}", text) is None:
        raise ValueError("expected a whole number")
    return int(text)


def _number(text: str) -> float | str:
    try:
        float(text)
    except ValueError:
        problem = "expected a number"
    else:
        return text
    raise ValueError(problem)


def _enum_value(text: str) -> str | int:
    return int(text) if re.fullmatch("-?[0-9]{1,10}", text) is not None else text


def _kind(field: Field) -> str:
    """Return the kind of a field's values: its name in help, and the key of its reader."""
    if field.message is None:
        return _SCALARS.get(field.type, "INTEGER")  # type: ignore[call-overload,no-any-return]  # the stub wants its NewType
    name = field.message.full_name
    if name in WRAPPERS:
        return _kind(fields_of(field.message)["value"])
    if name in ("google.protobuf.Value", "google.protobuf.ListValue"):
        return "VALUE"
    return _TEXTUAL.get(name, "JSON")


_READERS: Final[Mapping[str, Callable[[str], Any]]] = {
    "INTEGER": _integer,
    "JSON": _object,
    "NUMBER": _number,
    "VALUE": parse_json,
    "true|false": _bool,
}
"""Parsers of values by kind; all other kinds are text in protobuf's JSON as well."""
