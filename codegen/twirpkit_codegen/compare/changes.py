"""The changes from one version of an API to another, as callers of its SDK see them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from twirpkit_codegen.schema.message_model import Enum, EnumValue, Field, Message, TypeRef, walk
from twirpkit_codegen.schema.model import Api, Method, Service

__all__ = ["Change", "changes"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Change:
    """One change."""

    effect: Literal["breaks", "new", "changes"]
    """``breaks``: a program that uses it may fail; ``new``: no program uses it yet; ``changes``: nothing fails."""
    kind: str
    """The kind of thing: ``service``, ``rpc``, ``message``, ``field``, ``enum`` or ``value``."""
    name: str
    """Its full name in the proto; of an RPC, as in the URL."""
    text: str


def changes(old: Api, new: Api) -> list[Change]:
    """Return all changes; those that break callers first, each group by name."""
    found = [
        *_pairs("service", _services(old), _services(new), _service_changes),
        *_pairs("message", _messages(old), _messages(new), _message_changes),
        *_pairs("enum", _enums(old), _enums(new), _enum_changes),
    ]
    order = ("breaks", "changes", "new")
    return sorted(found, key=lambda change: (order.index(change.effect), change.name, change.kind, change.text))


def _pairs(
    kind: str, old: Mapping[str, T], new: Mapping[str, T], compare: Callable[[str, T, T], Iterable[Change]]
) -> Iterator[Change]:
    """Yield what is gone, what is new, and the changes of what both versions have."""
    for name in old.keys() - new.keys():
        yield Change("breaks", kind, name, "is gone")
    for name in new.keys() - old.keys():
        yield Change("new", kind, name, _shown(new[name]))
    for name in old.keys() & new.keys():
        yield from compare(name, old[name], new[name])


def _shown(what: object) -> str:
    """Return what a new thing is, in a few words."""
    if isinstance(what, Method):
        return f"takes {what.request.full_name}, returns {what.response.full_name}, {_retry(what)}"
    if isinstance(what, Field):
        return f"{_type(what)} = {what.number}"
    if isinstance(what, EnumValue):
        return f"= {what.number}"
    if isinstance(what, Service):
        return f"with {len(what.methods)} RPCs"
    if isinstance(what, Message):
        return f"with {len(what.fields)} fields"
    return f"with {len(what.values)} values" if isinstance(what, Enum) else ""


def _services(api: Api) -> dict[str, Service]:
    return {service.full_name: service for service in api.services}


def _messages(api: Api) -> dict[str, Message]:
    return {message.full_name: message for file in api.files for message in walk(file.messages)}


def _enums(api: Api) -> dict[str, Enum]:
    return {enum.full_name: enum for file in api.files for enum in file.all_enums}


def _service_changes(name: str, old: Service, new: Service) -> Iterator[Change]:
    for what, one, other in (("attribute", old.attribute, new.attribute), ("class", old.class_name, new.class_name)):
        if one != other:
            yield Change("breaks", "service", name, f"its {what} is {other!r}, and was {one!r}")
    before, after = ({f"{name}/{method.name}": method for method in service.methods} for service in (old, new))
    yield from _pairs("rpc", before, after, _rpc_changes)


def _rpc_changes(name: str, old: Method, new: Method) -> Iterator[Change]:
    for what, before, after in (
        ("takes", old.request.full_name, new.request.full_name),
        ("returns", old.response.full_name, new.response.full_name),
        ("is called", old.py_name, new.py_name),
        ("has the iterator", old.pages and old.pages.py_name, new.pages and new.pages.py_name),
    ):
        if before != after:
            effect: Literal["breaks", "new"] = "new" if before is None else "breaks"
            yield Change(effect, "rpc", name, f"{what} {after or 'none'}" + (f", before {before}" if before else ""))
    if _retry(old) != _retry(new):
        yield Change("breaks", "rpc", name, f"{_retry(new)}, before {_retry(old)}")
    yield from _grant_changes(name, old.policy.grants or {}, new.policy.grants or {})
    if old.policy.timeout != new.policy.timeout or old.policy.wait != new.policy.wait:
        yield Change("changes", "rpc", name, "its default timeout is another")
    yield from _deprecation("rpc", name, old.deprecated, new.deprecated)


def _retry(method: Method) -> str:
    key = f" by {method.policy.key}" if method.policy.key else ""
    return f"retry class {method.policy.retry}{key}"


def _grant_changes(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    """Yield changes of grants: callers with a token of their own need those that are added."""
    before, after = _claims(old), _claims(new)
    for claim in sorted(after.keys() | before.keys()):
        if claim not in before or (claim in after and before[claim] != after[claim]):
            yield Change("breaks", "rpc", name, f"needs the grant {claim} = {after[claim]!r}")
        elif claim not in after:
            yield Change("changes", "rpc", name, f"no longer needs the grant {claim}")


def _claims(grants: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{claim}.{name}": value for claim, names in grants.items() for name, value in names.items()}


def _message_changes(name: str, old: Message, new: Message) -> Iterator[Change]:
    if old.qualname != new.qualname:
        yield Change("breaks", "message", name, f"is the class {new.qualname}, before {old.qualname}")
    by_number = {field.number: field for field in new.fields}
    before, after = ({f"{name}.{field.name}": field for field in message.fields} for message in (old, new))
    for change in _pairs("field", before, after, _field_changes):
        field = before.get(change.name)
        renamed = by_number.get(field.number) if field is not None and change.text == "is gone" else None
        text = f"is gone; its number is that of {renamed.name}" if renamed is not None else change.text
        yield Change(change.effect, change.kind, change.name, text)


def _field_changes(name: str, old: Field, new: Field) -> Iterator[Change]:
    for what, before, after in (
        ("its number is", str(old.number), str(new.number)),
        ("its type is", _type(old), _type(new)),
        ("its oneof is", old.oneof or "none", new.oneof or "none"),
        ("its key in Python is", old.py_name, new.py_name),
        ("its presence is", _presence(old), _presence(new)),
    ):
        if before != after:
            yield Change("breaks", "field", name, f"{what} {after}, before {before}")
    yield from _deprecation("field", name, old.deprecated, new.deprecated)


def _presence(field: Field) -> str:
    return "explicit" if field.has_presence else "implicit"


def _type(field: Field) -> str:
    if field.map_key is not None:
        return f"map<{_name(field.map_key)}, {_name(field.type)}>"
    return f"repeated {_name(field.type)}" if field.repeated else _name(field.type)


def _name(ref: TypeRef) -> str:
    return ref.full_name or ref.proto_name


def _enum_changes(name: str, old: Enum, new: Enum) -> Iterator[Change]:
    if old.qualname != new.qualname:
        yield Change("breaks", "enum", name, f"is the class {new.qualname}, before {old.qualname}")
    before, after = ({f"{name}.{value.name}": value for value in enum.values} for enum in (old, new))
    yield from _pairs("value", before, after, _value_changes)


def _value_changes(name: str, old: EnumValue, new: EnumValue) -> Iterator[Change]:
    if old.number != new.number:
        yield Change("breaks", "value", name, f"is {new.number}, before {old.number}")
    if old.py_name != new.py_name:
        yield Change("breaks", "value", name, f"is called {new.py_name}, before {old.py_name}")
    yield from _deprecation("value", name, old.deprecated, new.deprecated)


def _deprecation(kind: str, name: str, old: bool, new: bool) -> Iterator[Change]:
    if new and not old:
        yield Change("changes", kind, name, "is deprecated")
    elif old and not new:
        yield Change("changes", kind, name, "is no longer deprecated")
