"""Exports of other packages' names, and classes of other packages that are bound to messages of this one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from twirpkit_codegen.errors import GenerationError, Location, Problems
from twirpkit_codegen.schema import naming, reserved_names
from twirpkit_codegen.schema.manifest import BOUND_OPTIONS, Manifest
from twirpkit_codegen.schema.message_model import Message, TypeRef
from twirpkit_codegen.schema.model import BoundClass, Export

__all__ = ["bound_classes", "check_names", "exports"]


def exports(manifest: Manifest) -> tuple[Export, ...]:
    """Return the names that the manifest takes from other packages."""
    return tuple(Export(name, module) for module, names in manifest.exports.items() for name in names)


def bound_classes(
    manifest: Manifest, index: Mapping[str, TypeRef], messages: Mapping[str, Message]
) -> tuple[BoundClass, ...]:
    """Return the classes that the manifest binds to messages, or to each other.

    Args:
        manifest: The manifest.
        index: Every type of the protos, by full name.
        messages: The messages of the package, by full name.

    Raises:
        GenerationError: The protos have no such message, or a property that it names is not a field of the message.
    """
    modules = {name: _module(manifest, name) for name in manifest.bound}
    places = ((modules[name], f"sdk.bound.{name}", manifest.location("sdk", "bound", name)) for name in modules)
    naming.check_unique(places, "rename one")
    problems = Problems()
    made = problems.attempt_all(partial(_bound, manifest, name, modules, index, messages) for name in manifest.bound)
    problems.raise_all()
    return tuple(made)


def _module(manifest: Manifest, name: str) -> str:
    return f"_bound.{naming.public_name(naming.snake_case(name, manifest.acronyms))}"


def _bound(
    manifest: Manifest,
    name: str,
    modules: Mapping[str, str],
    index: Mapping[str, TypeRef],
    messages: Mapping[str, Message],
) -> BoundClass:
    row: Mapping[str, Any] = manifest.bound[name]
    ((attribute, target),) = ((key, value) for key, value in row.items() if key not in BOUND_OPTIONS)
    message = messages.get(target)
    if target in modules and target != name:
        target_module, target_name = modules[target], target
    elif message is not None:
        target_module, target_name = f"messages.{index[target].module}", index[target].name
    else:
        text = f"sdk.bound.{name}: {target!r} is not a message of these protos"
        raise GenerationError.at(manifest.location("sdk", "bound", name), text)
    own = row.get("properties", {})
    fields = () if message is None else [field.name for field in message.fields]
    if unknown := [each for each in own if each not in fields]:
        text = f"sdk.bound.{name}: {target} has no field {unknown[0]!r}"
        raise GenerationError.at(manifest.location("sdk", "bound", name), text)
    module, _, base = row["base"].partition(":")
    class_name, _, method = base.partition(".")
    return BoundClass(
        name=name,
        module=modules[name],
        base=f"{module}.{class_name}",
        method=method or None,
        attribute=attribute,
        target_module=target_module,
        target=target_name,
        generic=row.get("generic", True),
        message=message if "properties" in row else None,
        own=own,
    )


def check_names(manifest: Manifest, classes: Iterable[tuple[str, str, Location]]) -> None:
    """Raise GenerationError for two exports of one name; `classes` are the SDK's own, as for `naming.check_unique`."""
    added, problems = list(_places(manifest)), Problems()
    taken = reserved_names.ERROR_NAMES | reserved_names.JSON_NAMES | reserved_names.PACKAGE_NAMES
    for name, _, location in added:
        problems.attempt(partial(naming.check_free, name, taken, "a package", location, "leave it out"), None)
    problems.attempt(lambda: naming.check_unique([*classes, *added], "leave one out"), None)
    problems.raise_all()


def _places(manifest: Manifest) -> Iterator[tuple[str, str, Location]]:
    for module, names in manifest.exports.items():
        yield from ((name, f"{module}:{name}", manifest.location("sdk", "exports", module)) for name in names)
    yield from ((name, f"sdk.bound.{name}", manifest.location("sdk", "bound", name)) for name in manifest.bound)
