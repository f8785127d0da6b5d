"""Uses generated packages in a fresh interpreter: every class, and every RPC through both clients.

Run as `python probe.py URL FOLDER PACKAGE…`; the server at the URL answers with the request's body. What went wrong in
each package is printed as JSON.
"""

import asyncio
import contextlib
import importlib
import io
import json
import keyword
import pickle
import pkgutil
import sys
import traceback
import warnings
from collections.abc import AsyncIterator, Iterator
from types import ModuleType
from typing import Any

from google.protobuf.message import Message

from twirpkit import InternalError, cli, from_json, to_json
from twirpkit._schema.schemas import schema_of
from twirpkit.sdk import Enum

OPTIONS = ("self", "timeout", "retry", "extra_headers")
SCALARS: dict[int, Any] = {
    **dict.fromkeys((1, 2), 1.5),
    **dict.fromkeys((3, 4, 5, 6, 7, 13, 15, 16, 17, 18), 7),
    8: True,
    9: "text",
    12: b"bytes",
}
DEPTH = 2


def main() -> None:
    """Probe each package and print what went wrong."""
    url, folder, *packages = sys.argv[1:]
    sys.path.insert(0, folder)
    warnings.filterwarnings("ignore", r"\w+ is deprecated", DeprecationWarning)  # what a proto says of itself
    found = {}
    for package in packages:
        try:
            probe(package, url)
            found[package] = ""
        except BaseException:
            found[package] = traceback.format_exc()
    print(json.dumps(found))


def probe(name: str, url: str) -> None:
    """Touch all that a package has, and call all that it can."""
    package = importlib.import_module(name)
    for each in package.__all__:
        assert getattr(package, each) is not None, each
        assert each in dir(package)
    for module in modules(package):
        for value in list(vars(module).values()):
            if isinstance(value, type) and value.__module__ == module.__name__:
                touch(value, module)
    sdk = importlib.import_module(f"{name}._sdk").PACKAGE
    if not sdk.services:
        return
    with getattr(package, sdk.facade)(url, auth="Bearer x") as client:
        for service, method in methods(name, sdk):
            for arguments, keywords, expected in requests(method):
                response = getattr(getattr(client, service), method.py_name)(*arguments, **keywords)
                check(method, response, expected)
                if method.pages is not None and method.request is method.response:
                    paged = iterator(getattr(client, service), method)(*arguments, **keywords)
                    check_pages(method, list(until_it_repeats(paged)), expected)
    asyncio.run(call_async(package, name, sdk, url))
    command(sdk)
    for service, method in methods(name, sdk):
        words = [spelled(service), spelled(method.py_name)]
        assert f"\n  {words[1]} " in command(sdk, words[0]), words
        assert f"{words[1]} [--json JSON]" in command(sdk, *words, "--help")
        if method.request is method.response:
            document = to_json(filled(method.request, DEPTH))
            response = command(sdk, "--url", url, "--show-secrets", *words, "--json", document)
            check(method, from_json(method.response, response), from_json(method.request, document))


def command(sdk: Any, *arguments: str) -> str:
    """Return the output of the package's command line."""
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        code = cli.main(sdk, arguments)
    complaints = [line for line in err.getvalue().splitlines() if " is deprecated" not in line]
    assert (code, complaints) == (0, []), arguments
    return out.getvalue()


def spelled(py_name: str) -> str:
    """A name on the command line."""
    bare = py_name.removesuffix("_")
    return (bare if keyword.iskeyword(bare) else py_name).replace("_", "-")


async def call_async(package: ModuleType, name: str, sdk: Any, url: str) -> None:
    """The same calls by the async client."""
    async with getattr(package, f"Async{sdk.facade}")(url, auth="Bearer x") as client:
        for service, method in methods(name, sdk):
            for arguments, keywords, expected in requests(method):
                response = await getattr(getattr(client, service), method.py_name)(*arguments, **keywords)
                check(method, response, expected)
                if method.pages is not None and method.request is method.response:
                    paged = iterator(getattr(client, service), method)(*arguments, **keywords)
                    check_pages(method, [item async for item in until_it_repeats_async(paged)], expected)


def modules(package: ModuleType) -> Iterator[ModuleType]:
    """Every module of a package."""
    for each in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        yield importlib.import_module(each.name)


def touch(cls: type, module: ModuleType) -> None:
    """Check that a class is reachable by its qualified name, and does what a message or an enum does."""
    target: Any = module
    for part in cls.__qualname__.split("."):
        target = vars(target)[part] if isinstance(target, ModuleType) else getattr(target, part)
    assert target is cls, cls
    if issubclass(cls, Message):
        message = filled(cls, DEPTH)
        assert pickle.loads(pickle.dumps(message)) == message
        for nested in vars(cls).values():
            if isinstance(nested, type):
                touch(nested, module)
    elif issubclass(cls, Enum):
        kind: Any = type(cls)
        assert len(kind.keys(cls)) == len(kind.values(cls)) == len(kind.items(cls))
        members = dict(zip(kind.keys(cls), kind.members(cls), strict=True))
        for name, number in kind.items(cls):
            assert kind.Value(cls, name) == number == getattr(cls, members[name])
            assert kind.Value(cls, kind.Name(cls, number)) == number


def methods(name: str, sdk: Any) -> Iterator[tuple[str, Any]]:
    """Every RPC with its service's attribute."""
    for facts in sdk.services.values():
        for method in importlib.import_module(f"{name}._methods.{facts.attribute}").METHODS:
            yield facts.attribute, method


def requests(method: Any) -> Iterator[tuple[tuple[Any, ...], dict[str, Any], Message]]:
    """One request as a message, as a mapping, and as keywords; and the message that it is."""
    depth = DEPTH if method.request is method.response else -1
    message = filled(method.request, depth)
    yield (message,), {}, message
    if method.request.DESCRIPTOR.full_name.startswith("google.protobuf."):
        return  # a mapping may mean something else there, such as the content of a Struct
    mapping = as_mapping(message)
    yield (mapping,), {}, message
    keys = python_keys(method.request)
    keywords = {keys[name]: value for name, value in mapping.items() if keys[name] not in OPTIONS}
    expected = method.request()
    for name, value in type(message).ListFields(message):
        if keys[name.name] not in OPTIONS:
            assign(expected, name.name, value)
    assert type(expected).SerializeToString(method.request(**keywords)) == type(expected).SerializeToString(expected)
    if type(expected).IsInitialized(expected) and (keywords or not mapping):
        yield (), keywords, expected


def check(method: Any, response: Message, expected: Message) -> None:
    """Check that the response is equal to the request."""
    assert type(response) is method.response
    assert type(response).SerializeToString(response, deterministic=True) == type(expected).SerializeToString(
        expected, deterministic=True
    )


def iterator(service: Any, method: Any) -> Any:
    """The iterator beside a method; where an RPC has taken its name, it has an underscore."""
    name = "iter_" + method.py_name.removeprefix("list_").rstrip("_")
    return getattr(service, f"{name}_", None) or getattr(service, name)


def until_it_repeats(items: Any) -> Iterator[Any]:
    """The items before the error that the server's page is the one that was asked for."""
    try:
        yield from items
    except InternalError as error:
        assert "leads back" in error.message, error
        return
    raise AssertionError("the echoed token was taken")


async def until_it_repeats_async(items: Any) -> AsyncIterator[Any]:
    """The same of the async client."""
    try:
        async for item in items:
            yield item
    except InternalError as error:
        assert "leads back" in error.message, error
        return
    raise AssertionError("the echoed token was taken")


def check_pages(method: Any, items: list[Message], expected: Message) -> None:
    """The items are those of the request, which has a token."""
    response = method.response.FromString(type(expected).SerializeToString(expected))
    assert items == list(getattr(response, method.pages.items)) != []


def filled(cls: type[Message], depth: int) -> Any:
    """A message with something in every field, and in those of its messages down to a depth."""
    message = cls()
    if cls.DESCRIPTOR.full_name == "google.protobuf.Any":
        return cls(type_url="type.googleapis.com/google.protobuf.Empty")
    if depth < 0:
        return message
    oneofs = set()
    for field in cls.DESCRIPTOR.fields:
        oneof = field.containing_oneof
        if oneof is None or oneof.name not in oneofs:
            oneofs.add(oneof.name if oneof is not None else "")
            fill(message, field, depth)
    return message


def fill(message: Any, field: Any, depth: int) -> None:
    """Something in one field."""
    target = getattr(message, field.name)
    repeated = field.is_repeated if hasattr(field, "is_repeated") else field.label == field.LABEL_REPEATED
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        key, value = (field.message_type.fields_by_name[each] for each in ("key", "value"))
        if value.message_type is not None:
            target[scalar(key)].CopyFrom(filled(type(target[scalar(key)]), depth - 1))
        else:
            target[scalar(key)] = scalar(value)
    elif field.message_type is not None:
        one = target.add() if repeated else target
        type(one).CopyFrom(one, filled(type(one), depth - 1))
        type(one).SetInParent(one)
    elif repeated:
        target.append(scalar(field))
    else:
        setattr(message, field.name, scalar(field))


def scalar(field: Any) -> Any:
    """A value for a field that is no message."""
    return field.enum_type.values[-1].number if field.enum_type is not None else SCALARS[field.type]


def as_mapping(message: Message) -> dict[str, Any]:
    """A message as a mapping of field names, messages inside it as mappings too."""
    return {field.name: plain(field, value) for field, value in type(message).ListFields(message)}


def plain(field: Any, value: Any) -> Any:
    """A field's value without messages. google's stay: what stands for them is tested with the runtime."""
    if field.message_type is None:
        return value if isinstance(value, str | bytes | int | float) else list(value)
    if field.message_type.GetOptions().map_entry:
        return {key: plain(field.message_type.fields_by_name["value"], each) for key, each in value.items()}
    if not isinstance(value, Message):
        return [plain(field, each) if isinstance(each, Message) else each for each in value]
    return value if field.message_type.full_name.startswith("google.protobuf.") else as_mapping(value)


def assign(message: Any, name: str, value: Any) -> None:
    """Copy a field's value."""
    target = getattr(message, name)
    if isinstance(value, Message):
        type(target).CopyFrom(target, value)
    elif hasattr(target, "MergeFrom"):
        target.MergeFrom(value)
    else:
        setattr(message, name, value)


def python_keys(cls: type[Message]) -> dict[str, str]:
    """The Python names of fields, by their names in the proto."""
    names = schema_of(cls.DESCRIPTOR).names
    return {
        field.name: names.get(field.full_name) or (f"{field.name}_" if keyword.iskeyword(field.name) else field.name)
        for field in cls.DESCRIPTOR.fields
    }


main()
