"""The SDK manifest: a TOML file that says what the protos cannot."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from twirpkit_codegen.errors import GenerationError, Where
from twirpkit_codegen.model import SdkFacts

__all__ = ["Manifest", "load"]

_TOP: Final = frozenset(("sdk", "claims", "services", "skip"))
_SDK: Final[Mapping[str, type]] = {
    "package": str,
    "facade": str,
    "summary": str,
    "prefix": str,
    "signer": str,
    "request_id_header": str,
    "acronyms": list,
    "env": dict,
}
_ENV: Final = frozenset(("url", "token", "api_key", "api_secret"))


@dataclass(frozen=True, slots=True)
class Manifest:
    """The manifest, checked for what can be checked without the protos."""

    sdk: SdkFacts
    acronyms: tuple[str, ...]
    claims: Mapping[str, Mapping[str, str]] | None
    """The claim schema: claim, then name, then ``bool``, ``string`` or ``strings``. None: there is no grant policy."""
    services: Mapping[str, Mapping[str, Any]]
    """The section of each service."""
    skip: tuple[str, ...]
    """Services of the protos that the SDK leaves out."""
    file: str
    text: str

    def where(self, service: str | None = None, row: str | None = None) -> Where:
        """The place of a service's section, or of an RPC's row in it. (tomllib tells no lines.)"""
        pattern = rf"^\s*\[\s*services\s*\.\s*[\"']{re.escape(service)}[\"']" if service else None
        line = None
        inside = False
        for number, text in enumerate(self.text.splitlines(), 1):
            if pattern and re.match(pattern, text):
                inside, line = True, number
                if row is None or re.match(rf"{pattern}\s*\.\s*[\"']?{re.escape(row)}\b", text):
                    break
            elif re.match(r"\s*\[", text):
                inside = False
            elif inside and row is not None and re.match(rf"\s*[\"']?{re.escape(row)}[\"']?\s*[=.]", text):
                line = number
                break
        return Where(self.file, line)


def load(path: Path) -> Manifest:
    """Read a manifest. Raises GenerationError."""
    where = Where(path.name)
    try:
        text = path.read_bytes().decode("utf-8")
        data = tomllib.loads(text)
    except FileNotFoundError:
        raise GenerationError.at(Where(str(path)), "there is no such manifest") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise GenerationError.at(where, f"not a readable TOML file: {error}") from None
    _check_keys(where, "manifest", data, _TOP)
    sdk = data.get("sdk", {})
    return Manifest(
        sdk=_sdk_facts(where, sdk),
        acronyms=_strings(where, "sdk.acronyms", sdk.get("acronyms", [])),
        claims=_claims(where, data["claims"]) if "claims" in data else None,
        services=_tables(where, "services", data.get("services", {})),
        skip=_strings(where, "skip", data.get("skip", [])),
        file=path.name,
        text=text,
    )


def _sdk_facts(where: Where, sdk: Any) -> SdkFacts:
    if not isinstance(sdk, dict):
        raise GenerationError.at(where, "[sdk] must be a table")
    _check_keys(where, "[sdk]", sdk, _SDK)
    for name, kind in _SDK.items():
        if name in sdk and not isinstance(sdk[name], kind):
            raise GenerationError.at(where, f"sdk.{name} must be a {kind.__name__}")
    for name in ("package", "facade"):
        if not sdk.get(name, "").isidentifier():
            raise GenerationError.at(where, f"sdk.{name} must be given, as a Python name")
    prefix = sdk.get("prefix", "/twirp")
    if prefix and not re.fullmatch(r"(/[A-Za-z0-9._~-]+)+", prefix):
        raise GenerationError.at(
            where, f"sdk.prefix {prefix!r} must be empty or like '/twirp', without a slash at its end"
        )
    signer = sdk.get("signer")
    if signer is not None and not re.fullmatch(r"\w+(\.\w+)*:\w+", signer):
        raise GenerationError.at(where, f"sdk.signer {signer!r} must be like 'package.module:Class'")
    env = sdk.get("env", {})
    _check_keys(where, "sdk.env", env, _ENV)
    return SdkFacts(
        package=sdk["package"],
        facade=sdk["facade"],
        summary=sdk.get("summary", f"The {sdk['package']} API"),
        prefix=prefix,
        signer=signer,
        request_id_header=sdk.get("request_id_header"),
        env={name: env[name] for name in sorted(_ENV) if name in env},
    )


def _claims(where: Where, claims: Any) -> Mapping[str, Mapping[str, str]]:
    schema = _tables(where, "claims", claims)
    for claim, names in schema.items():
        for name, kind in names.items():
            if kind not in ("bool", "string", "strings"):
                raise GenerationError.at(
                    where, f"claims.{claim}.{name} must be 'bool', 'string' or 'strings', not {kind!r}"
                )
    return schema


def _tables(where: Where, what: str, value: Any) -> Mapping[str, Mapping[str, Any]]:
    if not isinstance(value, dict) or not all(isinstance(each, dict) for each in value.values()):
        raise GenerationError.at(where, f"{what} must be a table of tables")
    return value


def _strings(where: Where, what: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise GenerationError.at(where, f"{what} must be a list of strings")
    return tuple(value)


def _check_keys(where: Where, what: str, table: Mapping[str, Any], known: Any) -> None:
    if unknown := sorted(set(table) - set(known)):
        raise GenerationError.at(
            where, f"{what} has the unknown key {unknown[0]!r}; it may have {', '.join(sorted(known))}"
        )
