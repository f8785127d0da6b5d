"""Sends generated values through every message and RPC of generated packages, in a fresh interpreter.

Run as `python round_trips.py URL FOLDER EXAMPLES PACKAGE…`; the server at the URL answers with the request's body. What
went wrong in each package is printed as JSON.
"""

import asyncio
import functools
import importlib
import json
import keyword
import pkgutil
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from google.protobuf.message import Message
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twirpkit import from_dict, from_json, to_dict, to_json
from twirpkit._schema.fields import Field, fields_of
from twirpkit._schema.request_messages import request_message
from twirpkit._schema.schemas import message_class, schema_of

OPTIONS = ("self", "timeout", "retry", "extra_headers")
SIGNED = {**dict.fromkeys((3, 16, 18), 63), **dict.fromkeys((5, 15, 17), 31)}
UNSIGNED = {**dict.fromkeys((4, 6), 64), **dict.fromkeys((7, 13), 32)}
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
DEPTH = 3
GOOGLE = "google.protobuf."


def main() -> None:
    """Try each package and print what went wrong."""
    url, folder, examples, *packages = sys.argv[1:]
    sys.path.insert(0, folder)
    warnings.filterwarnings("ignore", r"\w+ is deprecated", DeprecationWarning)
    found = {}
    for name in packages:
        try:
            try_package(name, url, int(examples))
            found[name] = ""
        except BaseException:
            found[name] = traceback.format_exc()
    print(json.dumps(found))


def try_package(name: str, url: str, examples: int) -> None:
    """Round-trip every message, and call every RPC that returns what it gets."""
    package = importlib.import_module(name)
    messages = importlib.import_module(f"{name}.messages")
    found = pkgutil.walk_packages(messages.__path__, f"{name}.messages.")
    modules = [importlib.import_module(each.name) for each in found]
    everything = [value for module in modules for value in vars(module).values()]
    classes = [value for value in everything if isinstance(value, type) and issubclass(value, Message)]
    classes = [cls for cls in classes if not cls.DESCRIPTOR.full_name.startswith(GOOGLE)]  # copies of google's
    for cls in dict.fromkeys(each for outer in classes for each in nested(outer) if is_finite(each.DESCRIPTOR)):
        try_each(cls, examples, functools.partial(check_forms, cls))
    sdk = importlib.import_module(f"{name}._sdk").PACKAGE
    if not sdk.services:
        return
    with getattr(package, sdk.facade)(url, auth="Bearer x") as client:
        for attribute, method in echoes(name, sdk):
            call = getattr(getattr(client, attribute), method.py_name)
            try_each(method.request, examples, functools.partial(check_call, method, call))
    asyncio.run(try_async(package, name, sdk, url, examples))


async def try_async(package: Any, name: str, sdk: Any, url: str, examples: int) -> None:
    """The same calls by the async client."""
    async with getattr(package, f"Async{sdk.facade}")(url, auth="Bearer x") as client:
        for attribute, method in echoes(name, sdk):
            call = getattr(getattr(client, attribute), method.py_name)
            mappings: list[dict[str, Any]] = []
            try_each(method.request, examples, mappings.append)
            for mapping in mappings:
                expected = built(method.request, mapping)
                for arguments, keywords in forms(method.request, mapping):
                    same(await call(*arguments, **keywords), expected)


def try_each(cls: type[Message], examples: int, check: Callable[[dict[str, Any]], None]) -> None:
    """Run a check with generated mappings of a message."""

    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(values(cls, DEPTH))
    def run(mapping: dict[str, Any]) -> None:
        check(mapping)

    run()


def nested(cls: type[Message]) -> Iterator[type[Message]]:
    """A class and those in it, without those of maps."""
    if not cls.DESCRIPTOR.GetOptions().map_entry:
        yield cls
    for descriptor in cls.DESCRIPTOR.nested_types:
        inner = message_class(cls.DESCRIPTOR, descriptor.full_name)
        assert inner is not None
        yield from nested(inner)


def echoes(name: str, sdk: Any) -> Iterator[tuple[str, Any]]:
    """The RPCs that return the message that they take."""
    for facts in sdk.services.values():
        for method in importlib.import_module(f"{name}._methods.{facts.attribute}").METHODS:
            if (
                method.key is None
                and method.request is method.response
                and not method.request.DESCRIPTOR.full_name.startswith(GOOGLE)
            ):
                yield facts.attribute, method


def check_forms(cls: type[Message], mapping: dict[str, Any]) -> None:
    """Keywords, mapping, message, bytes, dict and JSON are the same message."""
    expected = built(cls, mapping)
    same(request_message(cls, mapping, {}), expected)
    same(request_message(cls, None, by_keyword(cls, mapping)), expected)
    same(cls(**by_keyword(cls, mapping)), expected)
    same(cls.FromString(cls.SerializeToString(expected)), expected)
    same(from_json(cls, to_json(expected)), expected)
    same(from_json(cls, to_json(expected, camel_case=True)), expected)
    same(from_dict(cls, to_dict(expected)), expected)


def check_call(method: Any, call: Any, mapping: dict[str, Any]) -> None:
    """A call by message, by mapping and by keywords sends the same message."""
    expected = built(method.request, mapping)
    for arguments, keywords in forms(method.request, mapping):
        same(call(*arguments, **keywords), expected)


def forms(cls: type[Message], mapping: dict[str, Any]) -> Iterator[tuple[tuple[Any, ...], dict[str, Any]]]:
    """The arguments of a call in each form; keywords only where no field has the name of an option."""
    yield (built(cls, mapping),), {}
    yield (mapping,), {}
    keywords = by_keyword(cls, mapping)
    if not set(keywords) & set(OPTIONS) and (keywords or not mapping):
        yield (), keywords


def same(made: Message, expected: Message) -> None:
    assert type(made) is type(expected)
    cls = type(made)
    assert cls.SerializeToString(made, deterministic=True) == cls.SerializeToString(expected, deterministic=True)


def by_keyword(cls: type[Message], mapping: dict[str, Any]) -> dict[str, Any]:
    """A mapping with Python names for keys."""
    names = schema_of(cls.DESCRIPTOR).names
    full = cls.DESCRIPTOR.full_name

    def python(name: str) -> str:
        return names.get(f"{full}.{name}") or (f"{name}_" if keyword.iskeyword(name) else name)

    return {python(name): value for name, value in mapping.items()}


def built(cls: type[Message], mapping: dict[str, Any]) -> Message:
    """The message of a mapping, by protobuf's own means."""
    message: Any = cls()
    for name, value in mapping.items():
        put(message, fields_of(cls.DESCRIPTOR)[name], value)
    return message  # type: ignore[no-any-return]  # its fields are set by name, which the type of a message does not know


def put(message: Any, field: Field, value: Any) -> None:
    """Set one field."""
    target = getattr(message, field.name)
    if field.map_value is not None:
        for key, each in value.items():
            if field.map_value.message is None:
                target[key] = each
            else:
                merge(target[key], each)
    elif field.repeated:
        for each in value:
            if field.message is None:
                target.append(each)
            else:
                merge(target.add(), each)
    elif field.message is None:
        setattr(message, field.name, value)
    else:
        type(target).SetInParent(target)
        merge(target, value)


def merge(target: Any, value: Any) -> None:
    """Fill a message."""
    cls = type(target)
    message = value if isinstance(value, Message) else built(cls, value)
    cls.MergeFromString(target, type(message).SerializeToString(message))


@functools.cache
def values(cls: type[Message], depth: int) -> st.SearchStrategy[dict[str, Any]]:
    """Mappings of a message: any of its fields, one member of each oneof, and what is required."""
    fields = list(fields_of(cls.DESCRIPTOR).values())
    required = {each.name for each in cls.DESCRIPTOR.fields if is_required(each)}
    usable = [each for each in fields if each.name in required or depth > 0 or each.message is None]
    usable = [each for each in usable if each.message is None or is_finite(each.message)]
    oneofs = {each.oneof for each in usable if each.oneof}
    always = {each.name: value(cls, each, depth) for each in usable if each.name in required}
    maybe = {each.name: value(cls, each, depth) for each in usable if each.oneof is None and each.name not in required}
    parts = [st.fixed_dictionaries(always, optional=maybe)]
    for oneof in sorted(oneofs):
        members = [each for each in usable if each.oneof == oneof]
        parts.append(
            st.one_of(st.just({}), *(st.fixed_dictionaries({each.name: value(cls, each, depth)}) for each in members))
        )
    return st.tuples(*parts).map(lambda found: {key: each for part in found for key, each in part.items()})


@functools.cache
def is_finite(descriptor: Any, around: frozenset[str] = frozenset()) -> bool:
    """True unless a message requires one of its own type, which no value can have."""
    inner = around | {descriptor.full_name}
    required = [each.message_type for each in descriptor.fields if each.message_type and is_required(each)]
    return all(each.full_name not in inner and is_finite(each, inner) for each in required)


def is_required(live: Any) -> bool:
    return bool(live.is_required if hasattr(live, "is_required") else live.label == live.LABEL_REQUIRED)


def value(cls: type[Message], field: Field, depth: int) -> st.SearchStrategy[Any]:
    """Values of a field."""
    if field.map_key is not None and field.map_value is not None:
        return st.dictionaries(scalar(field.map_key), item(cls, field.map_value, depth), max_size=2)
    one = item(cls, field, depth)
    return st.lists(one, max_size=2) if field.repeated else one


def item(cls: type[Message], field: Field, depth: int) -> st.SearchStrategy[Any]:
    """Values of a field's item."""
    if field.message is None:
        return scalar(field)
    inner: Any = message_class(cls.DESCRIPTOR, field.message_name)
    if field.message_name.startswith(GOOGLE):
        return google(inner, field.message_name)
    return values(inner, depth - 1)


def google(cls: Any, name: str) -> st.SearchStrategy[Any]:
    """Messages of google/protobuf that have a JSON."""
    texts = st.text("abc", min_size=1, max_size=3)
    numbers = st.integers(-1000, 1000)
    made: dict[str, st.SearchStrategy[Any]] = {
        "Timestamp": st.integers(-62135596800, 253402300799).map(lambda n: cls(seconds=n)),
        "Duration": st.integers(-315576000000, 315576000000).map(lambda n: cls(seconds=n)),
        "FieldMask": st.lists(texts, max_size=2).map(lambda found: cls(paths=found)),
        "Value": numbers.map(lambda n: cls(number_value=n)),
        "Struct": texts.map(lambda key: cls(fields={key: {"bool_value": True}})),
        "ListValue": numbers.map(lambda n: cls(values=[{"number_value": n}])),
        "Any": st.just({}).map(lambda _: cls(type_url="type.googleapis.com/google.protobuf.Empty")),
        "BoolValue": st.booleans().map(lambda each: cls(value=each)),
        "BytesValue": st.binary(max_size=3).map(lambda each: cls(value=each)),
        "StringValue": texts.map(lambda each: cls(value=each)),
    }
    kind = name.removeprefix(GOOGLE)
    if kind.endswith("Value") and kind not in made:
        return st.integers(0, 1000).map(lambda each: cls(value=each))
    return made.get(kind, st.just(cls()))


def scalar(field: Field) -> st.SearchStrategy[Any]:
    """Values of a scalar."""
    if field.enum is not None:
        return st.sampled_from([each.number for each in field.enum.values])
    if field.type in SIGNED:
        return st.integers(-(2 ** SIGNED[field.type]), 2 ** SIGNED[field.type] - 1)
    if field.type in UNSIGNED:
        return st.integers(0, 2 ** UNSIGNED[field.type] - 1)
    if field.type in (1, 2):
        return st.floats(allow_nan=False, width=32 if field.type == 2 else 64)
    return {8: st.booleans(), 9: TEXT, 12: st.binary(max_size=6)}[field.type]


main()
