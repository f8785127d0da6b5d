"""The tables of a manifest that say facts of the package: ``[sdk]``, ``[project]``, ``[upstream]``, known errors."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from twirpkit_codegen.schema.naming import is_public
from twirpkit_codegen.schema.package_model import FakeServer, KnownError, Origin, PackageInfo, Project
from twirpkit_codegen.schema.table_reader import TableReader

__all__ = ["NO_FACADE", "PackageReader", "is_plug_in"]

NO_FACADE: Final = "sdk.facade must be given, as the name of a public Python class"
_UPSTREAM: Final[Mapping[str, type]] = {"name": str, "url": str, "license": str, "version": str}
_PROJECT: Final[Mapping[str, type]] = {
    "name": str,
    "version": str,
    "description": str,
    "license": str,
    "license-files": list,
    "urls": dict,
    "classifiers": list,
    "dependencies": list,
    "example": str,
}
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
_ENV: Final = frozenset(("url", "token", "api_key", "api_secret"))


def is_plug_in(value: object) -> bool:
    """Return True for the name of something to import, ``module:name``."""
    return isinstance(value, str) and re.fullmatch(r"\w+(\.\w+)*:\w+", value, re.ASCII) is not None


class PackageReader(TableReader):
    """The checks of what becomes a `PackageInfo`."""

    def package_info(self, sdk: Mapping[str, Any]) -> PackageInfo:
        """Return the facts of the package; `sdk` is ``[sdk]`` without what is of another type than it must be."""
        self._check_names(sdk.get("package", ""), sdk.get("facade"))
        self._check_wire(sdk.get("prefix", ""), sdk.get("request_id_header"))
        for name in ("signer", "errors", "regions"):
            if name in sdk and not is_plug_in(sdk[name]):
                self.add(f"sdk.{name} {sdk[name]!r} must be like 'package.module:name'", "sdk", name)
        return PackageInfo(
            name=sdk.get("package", ""),
            facade=sdk.get("facade", ""),
            summary=sdk.get("summary", f"The API of {sdk.get('package', '')}."),
            prefix=sdk.get("prefix", "/twirp"),
            signer=sdk.get("signer"),
            errors=sdk.get("errors"),
            regions=sdk.get("regions"),
            testing=self._testing(sdk["testing"]) if "testing" in sdk else None,
            request_id_header=sdk.get("request_id_header"),
            env=self._env(sdk.get("env", {})),
            known_errors=self._known_errors(self.data.get("known_errors", [])),
            sensitivity=sdk.get("sensitivity"),
            sensitive_fields=self.problems.attempt(
                lambda: self.strings(("sdk", "sensitive_fields"), sdk.get("sensitive_fields", [])), ()
            ),
            origin=self._origin(),
            project=self._project(sdk),
        )

    def _origin(self) -> Origin | None:
        found = self.typed("upstream", _UPSTREAM, ("name",))
        return None if found is None else Origin(**found)

    def _project(self, sdk: Mapping[str, Any]) -> Project | None:
        found = self.typed("project", _PROJECT, ("name", "version"))
        if found is None:
            return None
        found.setdefault("description", sdk.get("summary", f"The API of {sdk.get('package', '')}."))
        return Project(**{key.replace("-", "_"): value for key, value in found.items()})

    def _check_names(self, package: str, facade: str | None) -> None:
        if not all(is_public(part.removeprefix("_")) for part in package.split(".")):
            self.add("sdk.package must be given, as the name of a Python package", "sdk", "package")
        if package in _IMPORTED or package in sys.stdlib_module_names:
            text = f"sdk.package {package!r} is a package that generated code imports: choose another name"
            self.add(text, "sdk", "package")
        if facade is not None and not is_public(facade):
            self.add(NO_FACADE, "sdk", "facade")

    def _check_wire(self, prefix: str, header: str | None) -> None:
        if prefix and not re.fullmatch(r"(/[A-Za-z0-9._~-]+)+", prefix):
            text = f"sdk.prefix {prefix!r} must be empty or like '/twirp', without a slash at its end"
            self.add(text, "sdk", "prefix")
        if header is not None and not re.fullmatch(r"[A-Za-z0-9-]+", header):
            text = f"sdk.request_id_header {header!r} must be the name of a header: letters, digits and '-'"
            self.add(text, "sdk", "request_id_header")

    def _known_errors(self, tables: Any) -> tuple[KnownError, ...]:
        if not isinstance(tables, list) or not all(isinstance(each, dict) for each in tables):
            self.add("known_errors must be a list of tables: write [[known_errors]]", "known_errors")
            return ()
        return tuple(self.problems.attempt_all(partial(self._known_error, each) for each in tables))

    def _known_error(self, table: Mapping[str, Any]) -> KnownError:
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

    def _env(self, env: Mapping[str, Any]) -> Mapping[str, str]:
        self.check_keys("[sdk.env]", ("sdk", "env"), env, _ENV)
        for name, value in env.items():
            if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", value):
                self.add(f"sdk.env.{name} must be the name of an environment variable", "sdk", "env", name)
        return {name: env[name] for name in sorted(env)}

    def _testing(self, testing: Mapping[str, Any]) -> FakeServer | None:
        self.check_keys("[sdk.testing]", ("sdk", "testing"), testing, ("base", "exports", "parameters"))
        names, parameters = (
            self.strings(("sdk", "testing", key), testing.get(key, [])) for key in ("exports", "parameters")
        )
        if not is_plug_in(testing.get("base")) or not all(map(is_public, (*names, *parameters))):
            text = "sdk.testing must be { base = 'package.module:Class', parameters = ['Name'], exports = ['Name'] }"
            self.add(text, "sdk", "testing")
            return None
        module, _, name = testing["base"].partition(":")
        return FakeServer(module, name, parameters, names)
