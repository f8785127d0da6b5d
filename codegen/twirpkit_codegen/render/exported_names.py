"""The public names of a generated package."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from twirpkit_codegen.render.mode import MODES
from twirpkit_codegen.schema import reserved_names
from twirpkit_codegen.schema.message_model import File
from twirpkit_codegen.schema.model import Api

__all__ = ["exported_names", "server_names"]


def exported_names(api: Api, types: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the public names of a package and the modules that they come from, sorted.

    A message that shares its name with another, or with something of the package, is left to its module; so is one with
    a private name.

    Args:
        api: The model.
        types: Types of mappings and of names of enums, and their modules under ``types``.
    """
    package = api.package.name
    found: dict[str, str] = dict.fromkeys(reserved_names.ERROR_NAMES | reserved_names.JSON_NAMES, "twirpkit")
    for mode in MODES if api.services else ():
        found[f"{mode.prefix}{api.package.facade}"] = f"{package}.{mode.folder}.api"
        for service in api.services:
            found[f"{mode.prefix}{service.class_name}"] = f"{package}.{mode.folder}.{service.attribute}"
    found |= {each.name: each.module for each in api.exports}
    found |= {each.name: f"{package}.{each.module}" for each in api.bound}
    reserved = set(found) | reserved_names.PACKAGE_NAMES
    names = [(each, f"{package}.messages.{file.module}") for file in api.files for each in _names(file)]
    names += [(name, f"{package}.types.{module}") for name, module in types]
    names = [(name, module) for name, module in names if not name.startswith("_")]
    count = Counter(name for name, _ in names)
    found |= {name: module for name, module in names if count[name] == 1 and name not in reserved}
    return dict(sorted(found.items()))


def server_names(api: Api) -> dict[str, str]:
    """Return the public names of a package's module ``server`` and the modules that they come from, sorted."""
    found = dict.fromkeys(reserved_names.SERVER_NAMES, "twirpkit.server")
    for mode in MODES:
        for service in api.services:
            module = f"{api.package.name}.{mode.folder}._server.{service.attribute}"
            found |= {f"{mode.prefix}{service.class_name}{end}": module for end in ("Base", "Handler")}
    return dict(sorted(found.items()))


def _names(file: File) -> list[str]:
    return [each.py_name for each in file.messages] + [each.py_name for each in file.enums]
