"""Policy rows of the manifest, checked against the protos: every RPC has a row, and every row an RPC."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from twirpkit_codegen.errors import GenerationError, Location, Problems
from twirpkit_codegen.schema.manifest import Manifest
from twirpkit_codegen.schema.message_model import Field
from twirpkit_codegen.schema.missing_rows import missing_rows
from twirpkit_codegen.schema.model import Policy

__all__ = ["ServiceRows", "check_note", "check_services", "policy_of"]

_ROW: Final = frozenset(("cloud_only", "grants", "retry", "key", "note", "optional", "timeout"))
_WAIT: Final = frozenset(("field", "default", "margin", "when", "unit"))
_SECTION: Final = frozenset(("attribute", "class", "cloud_only", "helpers", "host", "note", "optional"))
_INTEGERS: Final = ("int",)
RETRY_CLASSES: Final = ("read", "idempotent", "keyed", "never")


@dataclass(frozen=True, slots=True)
class ServiceRows:
    """A service of the protos, as far as the manifest's rows are compared with it."""

    full_name: str
    location: Location
    methods: Mapping[str, str | None]
    """Those of its RPCs that the SDK has, with the retry class of their ``idempotency_level``, if they have one."""


def check_services(manifest: Manifest, services: Sequence[ServiceRows], known: Mapping[str, Collection[str]]) -> None:
    """Check that the sections of the manifest and the services of the protos match.

    Args:
        manifest: The manifest.
        services: The services that the SDK has.
        known: The RPCs of each service in the protos, also of those that ``only`` leaves out.

    Raises:
        GenerationError: A service has no section and is not skipped, a section or a skipped name has no service, or a
            row has no RPC.
    """
    problems = Problems()
    rpcs = {f"{name}/{method}" for name, methods in known.items() for method in methods}
    for name, section in manifest.services.items():
        if name not in known and not _is_optional(section):
            text = f"no service {name} in the protos: remove it from the manifest, or mark it with optional = true"
            problems.add(manifest.location("services", name), text)
    for name in manifest.skip:
        if name not in {*known, *rpcs}:
            problems.add(manifest.location("skip"), f"no service {name} in the protos: remove it from the manifest")
    for service in services:
        problems.attempt(partial(_check_section, manifest, service, known[service.full_name]), None)
    problems.raise_all()


def _check_section(manifest: Manifest, service: ServiceRows, known: Collection[str]) -> None:
    """Compare one service with its section; `known` are all of its RPCs. Raises GenerationError."""
    problems, name = Problems(), service.full_name
    section = manifest.services.get(name)
    missing = [each for each in service.methods if f"{name}/{each}" not in manifest.skip]
    if section is not None and name in manifest.skip:
        problems.add(manifest.location("services", name), f"{name} has a section and is skipped: choose one")
    elif section is None and name not in manifest.skip and manifest.claims is not None:
        text = f"{name} has no policy section: add one to {manifest.file}, or skip the service"
        advice = missing_rows(manifest, name, {each: service.methods[each] for each in missing})
        problems.found.append(GenerationError(f"{service.location}: {text}", places=(service.location,), advice=advice))
    for row in sorted(set(section or {}) - _SECTION - set(known)):
        if not _is_optional((section or {})[row]):
            text = f"the row {row} of {name} has no RPC: remove it, or mark it with optional = true"
            problems.add(manifest.location("services", name, row), text)
    if section is not None and not isinstance(section.get("optional", False), bool):
        problems.add(manifest.location("services", name, "optional"), f"{name}: optional must be true or false")
    problems.raise_all()


def _is_optional(table: object) -> bool:
    return isinstance(table, Mapping) and table.get("optional") is True


def policy_of(
    manifest: Manifest, service: str, method: str, fields: tuple[Field, ...], idempotency: str | None, proto: Location
) -> Policy:
    """Return the policy of one RPC.

    Args:
        manifest: The manifest with the row.
        service: The service's full name.
        method: The RPC's name.
        fields: The fields of the request.
        idempotency: The retry class of the proto's ``idempotency_level``, which counts if there is no policy; None if
            it has none.
        proto: The RPC's place.

    Raises:
        GenerationError: The row is missing or invalid; the text names it.
    """
    section = manifest.services.get(service, {})
    row = section.get(method)
    if row is None:
        if manifest.claims is None or service not in manifest.services:  # a service without a section is told as one
            return Policy(retry=idempotency or "never")
        text = f"{service}/{method} has no policy row: add one to {manifest.location('services', service)}"
        advice = missing_rows(manifest, service, {method: idempotency})
        raise GenerationError(f"{proto}: {text}", places=(proto,), advice=advice)
    location, name = manifest.location("services", service, method), f"the row {method} of {service}"
    if not isinstance(row, dict) or set(row) - _ROW:
        raise GenerationError.at(location, f"{name} must be a table with {', '.join(sorted(_ROW))} and nothing else")
    problems = Problems()
    default = (idempotency or "never") if manifest.claims is None else None
    retry, key = problems.attempt(lambda: _retry(row, default, location, name, fields), ("never", None))
    grants = problems.attempt(lambda: _grants(manifest, row, location, name, fields), None)
    note = problems.attempt(lambda: check_note(row, location, name), None)
    cloud_only = row.get("cloud_only", section.get("cloud_only", False))
    for switch, value in (("cloud_only", cloud_only), ("optional", row.get("optional", False))):
        if not isinstance(value, bool):
            problems.add(location, f"{name}: {switch} must be true or false")
    timeout, wait = problems.attempt(lambda: _timeout(row.get("timeout"), location, name, fields), (None, None))
    problems.raise_all()
    return Policy(
        retry=retry, grants=grants, key=key, note=note, timeout=timeout, wait=wait, cloud_only=bool(cloud_only)
    )


def _timeout(
    timeout: Any, location: Location, name: str, fields: tuple[Field, ...]
) -> tuple[float | None, Mapping[str, Any] | None]:
    """Return the timeout of a row, and how long its server waits."""
    if isinstance(timeout, dict):
        _check_wait(location, name, timeout, fields)
        return None, timeout
    if timeout is not None and not _is_seconds(timeout):
        raise GenerationError.at(
            location, f"{name}: timeout must be a number of seconds above 0, or a table with field, default and margin"
        )
    return timeout, None


def _retry(
    row: Mapping[str, Any], default: str | None, location: Location, name: str, fields: tuple[Field, ...]
) -> tuple[str, str | None]:
    """Return the retry class of a row, and its key."""
    retry = row.get("retry", default)
    if retry not in RETRY_CLASSES:
        raise GenerationError.at(
            location, f"{name} needs a retry class, one of {', '.join(RETRY_CLASSES)}; it has {retry!r}"
        )
    key = row.get("key")
    if (retry == "keyed") is (key is None):
        raise GenerationError.at(location, f"{name}: 'keyed' and key = \"<bytes field>\" belong together")
    if key is not None and not any(field.name == key and _is_singular(field, "bytes") for field in fields):
        raise GenerationError.at(location, f"{name}: key {key!r} is not a singular bytes field of the request")
    return retry, key


def check_note(table: Mapping[str, Any], location: Location, name: str) -> str | None:
    """Return the note of a section or a row. Raises GenerationError if it is not a line of text."""
    note = table.get("note")
    if note is None:
        return None
    if not (isinstance(note, str) and note.strip() and note.isprintable()):
        raise GenerationError.at(location, f"{name}: note {note!r} must be a line of text")
    return note


def _check_wait(location: Location, name: str, wait: Mapping[str, Any], fields: tuple[Field, ...]) -> None:
    if set(wait) - _WAIT or not {"field", "default", "margin"} <= set(wait):
        raise GenerationError.at(
            location, f"{name}: a timeout table has field, default, margin and optionally when and unit"
        )
    if not _is_seconds(wait["default"]) or not _is_seconds(wait["margin"]):
        raise GenerationError.at(location, f"{name}: default and margin of a timeout are numbers of seconds above 0")
    unit = wait.get("unit")
    if unit is None:
        kinds, problem = (
            ("google.protobuf.Duration",),
            "is not a Duration field of the request (an integer needs a unit)",
        )
    elif _is_seconds(unit):
        kinds, problem = _INTEGERS, "is not an integer field of the request (only those have a unit)"
    else:
        raise GenerationError.at(location, f"{name}: unit is the number of seconds that 1 stands for, such as 0.001")
    if not any(each.name == wait["field"] and _is_one_of(each, kinds) for each in fields):
        raise GenerationError.at(location, f"{name}: {wait['field']!r} {problem}")
    when = wait.get("when")
    if when is not None and not any(field.name == when and _is_singular(field, "bool") for field in fields):
        raise GenerationError.at(location, f"{name}: {when!r} is not a bool field of the request")


def _is_one_of(field: Field, kinds: tuple[str, ...]) -> bool:
    """Return True if a field is singular and of one of these message or scalar types."""
    return not field.repeated and field.map_key is None and (field.type.full_name in kinds or field.type.name in kinds)


def _is_seconds(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0


def _grants(
    manifest: Manifest, row: Mapping[str, Any], location: Location, name: str, fields: tuple[Field, ...]
) -> Mapping[str, Any] | None:
    if manifest.claims is None:
        if "grants" in row:
            raise GenerationError.at(location, f"{name} has grants, but the manifest has no [claims] schema: add one")
        return None
    grants = row.get("grants")
    if not isinstance(grants, dict):
        raise GenerationError.at(location, f"{name} needs grants; for an RPC that needs none, write grants = {{}}")
    for claim, names in grants.items():
        schema = manifest.claims.get(claim)
        if schema is None:
            raise GenerationError.at(
                location, f"{name}: unknown claim {claim!r}; [claims] has {', '.join(manifest.claims)}"
            )
        if not isinstance(names, dict):
            raise GenerationError.at(location, f"{name}: the claim {claim} must be a table")
        for each, value in names.items():
            _check_claim(location, f"{name}: {claim}.{each}", schema.get(each), value, fields)
    return {claim: dict(names) for claim, names in grants.items()}


def _check_claim(location: Location, name: str, kind: str | None, value: Any, fields: tuple[Field, ...]) -> None:
    if kind is None:
        raise GenerationError.at(location, f"{name} is an unknown claim: [claims] does not have it")
    fits = {
        "bool": isinstance(value, bool),
        "string": isinstance(value, str),
        "strings": isinstance(value, list) and all(isinstance(each, str) for each in value),
    }
    if not fits[kind]:
        raise GenerationError.at(location, f"{name} must be a {kind}, not {value!r}")
    if kind == "strings" and any(each.startswith("$") for each in value):
        raise GenerationError.at(location, f"{name}: a list cannot copy a field: {value!r}")
    copied = value[1:] if isinstance(value, str) and value.startswith("$") else None
    if copied is not None and not any(field.name == copied and _is_singular(field, "str") for field in fields):
        raise GenerationError.at(location, f"{name}: {value!r} names no singular string field of the request")


def _is_singular(field: Field, scalar: str) -> bool:
    return field.type.name == scalar and field.type.kind == "scalar" and not field.repeated and field.map_key is None
