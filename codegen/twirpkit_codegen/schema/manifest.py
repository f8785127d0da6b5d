"""The manifest of an SDK: a TOML file with everything that protos cannot say."""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from twirpkit_codegen.errors import GenerationError, Location
from twirpkit_codegen.schema.model import FakeServer, KnownError, PackageInfo
from twirpkit_codegen.schema.naming import is_public
from twirpkit_codegen.schema.toml_lines import line_of, line_of_error

__all__ = ["Manifest", "is_plug_in", "load"]

_TOP: Final = frozenset(("sdk", "known_errors", "claims", "services", "skip"))
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
_TOML_NAMES: Final[Mapping[type, str]] = {str: "string", list: "list of strings", dict: "table"}
_IMPORTED: Final = frozenset(("aiohttp", "google", "requests", "twirpkit"))
_CODES: Final = (
    "canceled",
    "unknown",
    "invalid_argument",
    "malformed",
    "deadline_exceeded",
    "not_found",
    "bad_route",
    "already_exists",
    "permission_denied",
    "unauthenticated",
    "resource_exhausted",
    "failed_precondition",
    "aborted",
    "out_of_range",
    "unimplemented",
    "internal",
    "unavailable",
    "data_loss",
)
"""Twirp's error codes. The generator does not import the runtime; a test compares."""
BOUND_OPTIONS: Final[Mapping[str, type]] = {"base": str, "generic": bool, "properties": dict}
"""Keys of a row of ``[sdk.bound]`` besides its attribute."""
_ENV: Final = frozenset(("url", "token", "api_key", "api_secret"))


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest, checked as far as that is possible without the protos."""

    package: PackageInfo
    acronyms: tuple[str, ...]
    claims: Mapping[str, Mapping[str, str]] | None
    """The claim schema: claim, then name, then ``bool``, ``string`` or ``strings``. None for no grant policy."""
    services: Mapping[str, Mapping[str, Any]]
    """The section of each service."""
    skip: tuple[str, ...]
    """Services of the protos that the SDK leaves out."""
    exports: Mapping[str, tuple[str, ...]]
    """Names of other packages that the SDK exports as well, by their modules."""
    bound: Mapping[str, Mapping[str, Any]]
    """By the name of a class: ``base``, the options of `BOUND_OPTIONS`, and one attribute with what it is bound to."""
    file: str
    text: str
    folder: Path
    """The folder that the manifest is in."""

    def location(self, *path: str) -> Location:
        """Return the place of a key, or of the innermost existing table around it."""
        return Location(self.file, line_of(self.text, path))


def is_plug_in(value: object) -> bool:
    """Return True for the name of something to import, ``module:name``."""
    return isinstance(value, str) and re.fullmatch(r"\w+(\.\w+)*:\w+", value, re.ASCII) is not None


def is_bindable(value: object) -> bool:
    """Return True for the name of a class, ``module:Class``, or of a class method, ``module:Class.method``."""
    return isinstance(value, str) and re.fullmatch(r"\w+(\.\w+)*:\w+(\.\w+)?", value, re.ASCII) is not None


def is_exportable(name: str) -> bool:
    """Return True for a name that a package can export: a public one, or its version."""
    return is_public(name) or name == "__version__"


def load(path: Path) -> Manifest:
    """Read a manifest. Raises GenerationError."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise GenerationError.at(Location(str(path)), "this manifest does not exist") from None
    except OSError as error:
        raise GenerationError.at(Location(str(path)), f"cannot be read: {error.strerror}") from None
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        location = Location(path.name, content.count(b"\n", 0, error.start) + 1)
        raise GenerationError.at(location, "is not UTF-8, which TOML must be: save it as UTF-8") from None
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        location = Location(path.name, line_of_error(text, str(error)))
        raise GenerationError.at(location, f"is not TOML: {error}") from None
    return _Reader(path, text, data).manifest()


class _Reader:
    """The checks of a manifest's parts, whose errors name places."""

    def __init__(self, path: Path, text: str, data: dict[str, Any]) -> None:
        self.file = path.name
        self.folder = path.parent
        self.text = text
        self.data = data

    def manifest(self) -> Manifest:
        self.check_keys("the manifest", (), self.data, _TOP)
        sdk = self.data.get("sdk", {})
        return Manifest(
            package=self.package_info(sdk),
            acronyms=self.acronyms(sdk.get("acronyms", [])),
            claims=self.claims(self.data["claims"]) if "claims" in self.data else None,
            services=self.tables(("services",), self.data.get("services", {})),
            skip=self.strings(("skip",), self.data.get("skip", [])),
            exports=self.exports(sdk.get("exports", {})),
            bound=self.bound(sdk.get("bound", {})),
            file=self.file,
            text=self.text,
            folder=self.folder,
        )

    def package_info(self, sdk: Any) -> PackageInfo:
        if not isinstance(sdk, dict):
            raise self.error("[sdk] must be a table", "sdk")
        self.check_keys("[sdk]", ("sdk",), sdk, _SDK)
        for name, kind in _SDK.items():
            if name in sdk and not isinstance(sdk[name], kind):
                raise self.error(f"sdk.{name} must be a {_TOML_NAMES[kind]}", "sdk", name)
        self.check_names(sdk.get("package", ""), sdk.get("facade", ""))
        self.check_wire(sdk.get("prefix", ""), sdk.get("request_id_header"))
        for name in ("signer", "errors", "regions"):
            if name in sdk and not is_plug_in(sdk[name]):
                raise self.error(f"sdk.{name} {sdk[name]!r} must be like 'package.module:name'", "sdk", name)
        return PackageInfo(
            name=sdk["package"],
            facade=sdk["facade"],
            summary=sdk.get("summary", f"The API of {sdk['package']}."),
            prefix=sdk.get("prefix", "/twirp"),
            signer=sdk.get("signer"),
            errors=sdk.get("errors"),
            regions=sdk.get("regions"),
            testing=self.testing(sdk["testing"]) if "testing" in sdk else None,
            request_id_header=sdk.get("request_id_header"),
            env=self.env(sdk.get("env", {})),
            known_errors=self.known_errors(self.data.get("known_errors", [])),
            sensitivity=sdk.get("sensitivity"),
            sensitive_fields=self.strings(("sdk", "sensitive_fields"), sdk.get("sensitive_fields", [])),
        )

    def check_names(self, package: str, facade: str) -> None:
        if not all(is_public(part.removeprefix("_")) for part in package.split(".")):
            raise self.error("sdk.package must be given, as the name of a Python package", "sdk", "package")
        if package in _IMPORTED or package in sys.stdlib_module_names:
            text = f"sdk.package {package!r} is a package that generated code imports: choose another name"
            raise self.error(text, "sdk", "package")
        if not is_public(facade):
            raise self.error("sdk.facade must be given, as the name of a public Python class", "sdk", "facade")

    def check_wire(self, prefix: str, header: str | None) -> None:
        if prefix and not re.fullmatch(r"(/[A-Za-z0-9._~-]+)+", prefix):
            text = f"sdk.prefix {prefix!r} must be empty or like '/twirp', without a slash at its end"
            raise self.error(text, "sdk", "prefix")
        if header is not None and not re.fullmatch(r"[A-Za-z0-9-]+", header):
            text = f"sdk.request_id_header {header!r} must be the name of a header: letters, digits and '-'"
            raise self.error(text, "sdk", "request_id_header")

    def acronyms(self, value: Any) -> tuple[str, ...]:
        acronyms = self.strings(("sdk", "acronyms"), value)
        if not all(re.fullmatch(r"[A-Za-z][A-Za-z0-9]*", each) for each in acronyms):
            raise self.error("sdk.acronyms must be words of ASCII letters and digits", "sdk", "acronyms")
        return acronyms

    def known_errors(self, tables: Any) -> tuple[KnownError, ...]:
        if not isinstance(tables, list) or not all(isinstance(each, dict) for each in tables):
            raise self.error("known_errors must be a list of tables: write [[known_errors]]", "known_errors")
        return tuple(self.known_error(each) for each in tables)

    def known_error(self, table: Mapping[str, Any]) -> KnownError:
        name = "[[known_errors]]"
        self.check_keys(name, ("known_errors",), table, ("code", "text", "hint", "final", "strip", "cloud_only"))
        code, text, hint = table.get("code"), table.get("text", ""), table.get("hint", "")
        final, strip, cloud_only = (table.get(each, False) for each in ("final", "strip", "cloud_only"))
        if code not in _CODES and not (strip and code is None):
            raise self.error(f"{name} needs a code, one of {', '.join(_CODES)}; one has {code!r}", "known_errors")
        if not isinstance(text, str) or not (text or cloud_only):
            raise self.error(f"{name} needs a text: a part of the error's message", "known_errors")
        if not all(isinstance(each, bool) for each in (final, strip, cloud_only)):
            raise self.error(f"{name}: final, strip and cloud_only are true or false", "known_errors")
        if not isinstance(hint, str) or not (hint or final or strip):
            raise self.error(f"{name} needs a hint (a string), or final = true, or both", "known_errors")
        return KnownError(code, text, hint, final, strip, cloud_only)

    def env(self, env: Mapping[str, Any]) -> Mapping[str, str]:
        self.check_keys("[sdk.env]", ("sdk", "env"), env, _ENV)
        for name, value in env.items():
            if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", value):
                raise self.error(f"sdk.env.{name} must be the name of an environment variable", "sdk", "env", name)
        return {name: env[name] for name in sorted(env)}

    def testing(self, testing: Mapping[str, Any]) -> FakeServer:
        self.check_keys("[sdk.testing]", ("sdk", "testing"), testing, ("base", "exports", "parameters"))
        names, parameters = (
            self.strings(("sdk", "testing", key), testing.get(key, [])) for key in ("exports", "parameters")
        )
        if not is_plug_in(testing.get("base")) or not all(map(is_public, (*names, *parameters))):
            text = "sdk.testing must be { base = 'package.module:Class', parameters = ['Name'], exports = ['Name'] }"
            raise self.error(text, "sdk", "testing")
        module, _, name = testing["base"].partition(":")
        return FakeServer(module, name, parameters, names)

    def exports(self, exports: Mapping[str, Any]) -> Mapping[str, tuple[str, ...]]:
        for module, names in exports.items():
            if not re.fullmatch(r"\w+(\.\w+)*", module, re.ASCII):
                raise self.error(f"sdk.exports: {module!r} is not a module", "sdk", "exports", module)
            if wrong := [each for each in self.strings(("sdk", "exports", module), names) if not is_exportable(each)]:
                text = f"sdk.exports: {wrong[0]!r} of {module} is not a public Python name"
                raise self.error(text, "sdk", "exports", module)
        return {module: tuple(names) for module, names in exports.items()}

    def bound(self, bound: Any) -> Mapping[str, Mapping[str, Any]]:
        for name, row in self.tables(("sdk", "bound"), bound).items():
            options = {key: value for key, value in row.items() if key in BOUND_OPTIONS}
            attributes = {key: value for key, value in row.items() if key not in BOUND_OPTIONS}
            fits = len(attributes) == 1 and all(isinstance(each, str) for each in attributes.values())
            fits = fits and is_bindable(row.get("base"))
            fits = fits and all(isinstance(value, BOUND_OPTIONS[key]) for key, value in options.items())
            fits = fits and all(isinstance(each, str) for each in row.get("properties", {}).values())
            if not fits or not all(map(is_public, (name, *attributes))):
                text = f"sdk.bound.{name} must be {{ base = 'package.module:Class', <attribute> = '<message>' }}"
                raise self.error(text, "sdk", "bound", name)
        return {name: dict(row) for name, row in bound.items()}

    def claims(self, claims: Any) -> Mapping[str, Mapping[str, str]]:
        schema = self.tables(("claims",), claims)
        for claim, names in schema.items():
            for name, kind in names.items():
                if kind not in ("bool", "string", "strings"):
                    text = f"claims.{claim}.{name} must be 'bool', 'string' or 'strings', not {kind!r}"
                    raise self.error(text, "claims", claim, name)
        return schema

    def tables(self, path: tuple[str, ...], value: Any) -> Mapping[str, Mapping[str, Any]]:
        if not isinstance(value, dict):
            raise self.error(f"{'.'.join(path)} must be a table of tables", *path)
        for name, each in value.items():
            if not isinstance(each, dict):
                raise self.error(f"{'.'.join((*path, name))} must be a table", *path, name)
        return value

    def strings(self, path: tuple[str, ...], value: Any) -> tuple[str, ...]:
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise self.error(f"{'.'.join(path)} must be a list of strings", *path)
        return tuple(value)

    def check_keys(self, what: str, path: tuple[str, ...], table: Mapping[str, Any], known: Iterable[str]) -> None:
        if unknown := sorted(set(table) - set(known)):
            text = f"{what} has the unknown key {unknown[0]!r}; it may have {', '.join(sorted(known))}"
            raise self.error(text, *path, unknown[0])

    def error(self, text: str, *path: str) -> GenerationError:
        return GenerationError.at(Location(self.file, line_of(self.text, path)), text)
