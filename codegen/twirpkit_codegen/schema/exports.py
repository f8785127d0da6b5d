"""Exports of other packages' names, and classes of other packages that are bound to messages of this one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from twirpkit_codegen.errors import GenerationError, Location
from twirpkit_codegen.schema import naming
from twirpkit_codegen.schema.manifest import Manifest
from twirpkit_codegen.schema.model import BoundClass, Export, TypeRef

__all__ = ["bound_classes", "check_names", "exports"]


def exports(manifest: Manifest) -> tuple[Export, ...]:
    """Return the names that the manifest takes from other packages."""
    return tuple(Export(name, module) for module, names in manifest.exports.items() for name in names)


def bound_classes(manifest: Manifest, index: Mapping[str, TypeRef]) -> tuple[BoundClass, ...]:
    """Return the classes that the manifest binds to messages.

    Args:
        manifest: The manifest.
        index: Every type of the protos, by full name.

    Raises:
        GenerationError: The protos have no such message.
    """
    return tuple(_bound(manifest, name, facts, index) for name, facts in manifest.bound.items())


def _bound(manifest: Manifest, name: str, facts: Mapping[str, str], index: Mapping[str, TypeRef]) -> BoundClass:
    ((attribute, full_name),) = ((key, value) for key, value in facts.items() if key != "base")
    message = index.get(full_name)
    if message is None or message.kind != "message" or message.is_google:
        text = f"sdk.bound.{name}: {full_name!r} is not a message of these protos"
        raise GenerationError.at(manifest.location("sdk", "bound", name), text)
    return BoundClass(name, facts["base"], attribute, message)


def check_names(manifest: Manifest, classes: Iterable[tuple[str, str, Location]]) -> None:
    """Raise GenerationError for two exports of one name; `classes` are the SDK's own, as for `naming.check_unique`."""
    added = list(_places(manifest))
    for name, _, location in added:
        naming.check_free(name, naming.ERROR_NAMES | naming.PACKAGE_NAMES, "a package", location, "leave it out")
    naming.check_unique([*classes, *added], "leave one out")


def _places(manifest: Manifest) -> Iterator[tuple[str, str, Location]]:
    for module, names in manifest.exports.items():
        yield from ((name, f"{module}:{name}", manifest.location("sdk", "exports", module)) for name in names)
    yield from ((name, f"sdk.bound.{name}", manifest.location("sdk", "bound", name)) for name in manifest.bound)
