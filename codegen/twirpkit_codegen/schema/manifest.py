"""The manifest of an SDK: a TOML file with everything that protos cannot say."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from twirpkit_codegen.errors import GenerationError, Location, Problems
from twirpkit_codegen.schema.naming import is_public
from twirpkit_codegen.schema.package_model import PackageInfo
from twirpkit_codegen.schema.package_reader import PackageReader
from twirpkit_codegen.schema.table_reader import TOML_NAMES
from twirpkit_codegen.schema.toml_lines import line_of, line_of_error

__all__ = ["BOUND_OPTIONS", "Manifest", "ProtoFolders", "bare", "load"]

_TOP: Final = frozenset(
    ("sdk", "protos", "known_errors", "claims", "services", "skip", "only", "rename", "share", "project", "upstream")
)
_PROTOS: Final = frozenset(("roots", "imports", "exclude"))
_SDK: Final[Mapping[str, type]] = {
    "package": str,
    "facade": str,
    "summary": str,
    "prefix": str,
    "signer": str,
    "errors": str,
    "regions": str,
    "testing": dict,
    "request_id_header": str,
    "sensitivity": str,
    "sensitive_fields": list,
    "acronyms": list,
    "env": dict,
    "exports": dict,
    "bound": dict,
}
BOUND_OPTIONS: Final[Mapping[str, type]] = {"base": str, "generic": bool, "properties": dict}
"""Keys of a row of ``[sdk.bound]`` besides its attribute."""


@dataclass(frozen=True, slots=True)
class ProtoFolders:
    """The manifest's ``[protos]``: where the files are, relative to the manifest."""

    roots: tuple[str, ...] = (".",)
    """Folders whose files are the SDK's."""
    imports: tuple[str, ...] = ()
    """Folders of files that are only imported."""
    exclude: tuple[str, ...] = ()
    """Patterns of files and folders that are left out."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest, checked as far as that is possible without the protos."""

    package: PackageInfo
    protos: ProtoFolders
    acronyms: tuple[str, ...]
    claims: Mapping[str, Mapping[str, str]] | None
    """The claim schema: claim, then name, then ``bool``, ``string`` or ``strings``. None for no grant policy."""
    services: Mapping[str, Mapping[str, Any]]
    """The section of each service."""
    skip: tuple[str, ...]
    """Services, and RPCs as ``service/RPC``, that the SDK leaves out."""
    only: tuple[str, ...]
    """Services, RPCs and types that the SDK has, with what they need; empty for everything."""
    rename: Mapping[str, str]
    """Python names by the full name of an RPC, type, field, enum value or extension, or by the path of a file."""
    share: Mapping[str, str]
    """Packages that have the messages of a file already, by the path of the file."""
    exports: Mapping[str, tuple[str, ...]]
    """Names of other packages that the SDK exports as well, by their modules."""
    bound: Mapping[str, Mapping[str, Any]]
    """By the name of a class: ``base``, the options of `BOUND_OPTIONS`, and one attribute with what it is bound to."""
    file: str
    text: str
    folder: Path
    """The folder that the manifest is in."""
    problems: Problems
    """The manifest's own errors. What is wrong has its default, so that the run can go on to the protos."""

    def location(self, *path: str) -> Location:
        """Return the place of a key, or of the innermost existing table around it."""
        return Location(self.file, line_of(self.text, path))


def is_bindable(value: object) -> bool:
    """Return True for the name of a class, ``module:Class``, or of a class method, ``module:Class.method``."""
    return isinstance(value, str) and re.fullmatch(r"\w+(\.\w+)*:\w+(\.\w+)?", value, re.ASCII) is not None


def is_exportable(name: str) -> bool:
    """Return True for a name that a package can export: a public one, or its version."""
    return is_public(name) or name == "__version__"


def load(path: Path) -> Manifest:
    """Read a manifest.

    Raises:
        GenerationError: It cannot be read, or is not TOML. Its other errors are in `Manifest.problems`.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise GenerationError.at(Location(str(path)), "this manifest does not exist") from None
    except OSError as error:
        raise GenerationError.at(Location(str(path)), f"cannot be read: {error.strerror}") from None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        location = Location(path.name, content.count(b"\n", 0, error.start) + 1)
        raise GenerationError.at(location, "is not UTF-8, which TOML must be: save it as UTF-8") from None
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        location = Location(path.name, line_of_error(text, str(error)))
        raise GenerationError.at(location, f"is not TOML: {error}") from None
    return _Reader(path, text, data).manifest()


def bare() -> Manifest:
    """Return the manifest of protos that have none."""
    return _Reader(Path("manifest"), "", {"sdk": {"package": "sdk", "facade": "SDK"}}).manifest()


class _Reader(PackageReader):
    """The checks of a manifest's parts. Errors name places, and are collected."""

    def manifest(self) -> Manifest:
        attempt = self.problems.attempt
        self.check_keys("the manifest", (), self.data, _TOP)
        sdk: dict[str, Any] = self.data.get("sdk", {})
        if not isinstance(sdk, dict):
            self.add("[sdk] must be a table", "sdk")
            sdk = {"package": "sdk"}  # one error is enough
        self.check_keys("[sdk]", ("sdk",), sdk, _SDK)
        for name, kind in _SDK.items():
            if name in sdk and not isinstance(sdk[name], kind):
                self.add(f"sdk.{name} must be a {TOML_NAMES[kind]}", "sdk", name)
        wrong = {name for name, value in sdk.items() if not isinstance(value, _SDK.get(name, object))}
        sdk = {name: value for name, value in sdk.items() if name not in wrong}
        return Manifest(
            package=self.package_info(sdk),
            protos=self.protos(self.data.get("protos", {})),
            acronyms=attempt(lambda: self.acronyms(sdk.get("acronyms", [])), ()),
            claims=attempt(lambda: self.claims(self.data["claims"]), {}) if "claims" in self.data else None,
            services=attempt(lambda: self.tables(("services",), self.data.get("services", {})), {}),
            skip=attempt(lambda: self.strings(("skip",), self.data.get("skip", [])), ()),
            only=attempt(lambda: self.strings(("only",), self.data.get("only", [])), ()),
            rename=attempt(lambda: self.rename(self.data.get("rename", {})), {}),
            share=attempt(lambda: self.share(self.data.get("share", {})), {}),
            exports=self.exports(sdk.get("exports", {})),
            bound=attempt(lambda: self.bound(sdk.get("bound", {})), {}),
            file=self.file,
            text=self.text,
            folder=self.folder,
            problems=self.problems,
        )

    def protos(self, table: Any) -> ProtoFolders:
        if not isinstance(table, dict):
            self.add("[protos] must be a table", "protos")
            return ProtoFolders()
        self.check_keys("[protos]", ("protos",), table, _PROTOS)
        found = {
            name: self.problems.attempt(partial(self.strings, ("protos", name), value), ())
            for name, value in table.items()
            if name in _PROTOS
        }
        if "roots" in found and not found["roots"]:
            self.add("protos.roots must name a folder at least: leave it out for the manifest's own", "protos", "roots")
        return ProtoFolders(**{name: value for name, value in found.items() if value})

    def rename(self, table: Any) -> Mapping[str, str]:
        if not isinstance(table, dict):
            raise self.error("[rename] must be a table", "rename")
        for key, name in table.items():
            parts = name.split(".") if isinstance(name, str) and key.endswith(".proto") else [name]
            if not all(isinstance(part, str) and is_public(part) for part in parts):
                self.add(f"rename: {name!r} for {key!r} is not a public Python name", "rename", key)
        return {key: name for key, name in table.items() if isinstance(name, str)}

    def share(self, table: Any) -> Mapping[str, str]:
        if not isinstance(table, dict) or not all(isinstance(each, str) for each in table.values()):
            raise self.error("[share] must be a table of packages by the paths of files", "share")
        if len(packages := sorted(set(table.values()))) > 1:
            text = (
                f"[share] names {' and '.join(packages)}: messages can be shared with one package, which has the pool"
            )
            raise self.error(text, "share")
        return table

    def acronyms(self, value: Any) -> tuple[str, ...]:
        acronyms = self.strings(("sdk", "acronyms"), value)
        if not all(re.fullmatch(r"[A-Za-z][A-Za-z0-9]*", each) for each in acronyms):
            raise self.error("sdk.acronyms must be words of ASCII letters and digits", "sdk", "acronyms")
        return acronyms

    def exports(self, exports: Mapping[str, Any]) -> Mapping[str, tuple[str, ...]]:
        found = {}
        for module, names in exports.items():
            place = ("sdk", "exports", module)
            if not re.fullmatch(r"\w+(\.\w+)*", module, re.ASCII):
                self.add(f"sdk.exports: {module!r} is not a module", *place)
            found[module] = self.problems.attempt(partial(self.strings, place, names), ())
            for wrong in [each for each in found[module] if not is_exportable(each)]:
                self.add(f"sdk.exports: {wrong!r} of {module} is not a public Python name", *place)
        return found

    def bound(self, bound: Any) -> Mapping[str, Mapping[str, Any]]:
        found = {}
        for name, row in self.tables(("sdk", "bound"), bound).items():
            options = {key: value for key, value in row.items() if key in BOUND_OPTIONS}
            attributes = {key: value for key, value in row.items() if key not in BOUND_OPTIONS}
            fits = len(attributes) == 1 and all(isinstance(each, str) for each in attributes.values())
            fits = fits and is_bindable(row.get("base"))
            fits = fits and all(isinstance(value, BOUND_OPTIONS[key]) for key, value in options.items())
            fits = fits and all(isinstance(each, str) for each in row.get("properties", {}).values())
            if not fits or not all(map(is_public, (name, *attributes))):
                text = f"sdk.bound.{name} must be {{ base = 'package.module:Class', <attribute> = '<message>' }}"
                self.add(text, "sdk", "bound", name)
                continue
            found[name] = dict(row)
        return found

    def claims(self, claims: Any) -> Mapping[str, Mapping[str, str]]:
        schema = self.tables(("claims",), claims)
        for claim, names in schema.items():
            for name, kind in names.items():
                if kind not in ("bool", "string", "strings"):
                    text = f"claims.{claim}.{name} must be 'bool', 'string' or 'strings', not {kind!r}"
                    self.add(text, "claims", claim, name)
        return schema
