"""Policy rows that a manifest lacks, as TOML to paste, with guesses that are marked as such."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from twirpkit_codegen.schema.manifest import Manifest

__all__ = ["missing_rows"]


def missing_rows(manifest: Manifest, service: str, methods: Mapping[str, str | None]) -> dict[str, list[str]]:
    """Return rows for RPCs of one service, by the line above them: the header of its table, or where that stands.

    TOML refuses a second table of the same name, so rows of a service that has one must be pasted into it.

    The retry class is that of the proto's ``idempotency_level``; without one, it and the grants are those that most
    rows of the manifest have whose RPC begins with the same word (``ListHats``, ``ListHatters``).

    Args:
        manifest: The manifest.
        service: The service's full name.
        methods: The RPCs, each with the retry class that the proto gives it, if it does.
    """
    lines = []
    for method, level in methods.items():
        retry, grants, sources = _guess(manifest, service, method)
        why = "from idempotency_level" if level else sources
        row = {"grants": grants} if manifest.claims is not None else {}
        row["retry"] = level or retry
        lines.append(f"{method} = {_toml(row)} # a guess, {why}")
    header = f'[services."{service}"]'
    if service in manifest.services:
        return {f"# below {header}, {manifest.location('services', service)}": lines}
    return {f"{header} # in {manifest.file}": lines}


def _guess(manifest: Manifest, service: str, method: str) -> tuple[str, Any, str]:
    """Return retry class and grants, and where they come from."""
    word = _verb(method)
    for near in ([service], list(manifest.services)):
        rows = [(name, row) for name, row in _rows(manifest, near) if _verb(name) == word and _is_plain(row)]
        if rows:
            common, _ = Counter(json.dumps(_guessable(row), sort_keys=True) for _, row in rows).most_common(1)[0]
            name = next(name for name, row in rows if json.dumps(_guessable(row), sort_keys=True) == common)
            found = json.loads(common)
            return found["retry"], found["grants"], f"from {name}"
    return "never", {}, "the safest class and no grants"


def _rows(manifest: Manifest, services: list[str]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for service in services:
        for name, row in manifest.services.get(service, {}).items():
            if isinstance(row, dict):
                yield name, row


def _is_plain(row: Mapping[str, Any]) -> bool:
    """Return True for a row whose retry class fits other RPCs: a key is a field of its own request."""
    return row.get("retry") in ("read", "idempotent", "never") and isinstance(row.get("grants", {}), dict)


def _guessable(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what another RPC may share: fields that a grant copies may be missing there, so it is not copied."""
    claims = {
        claim: {name: value for name, value in names.items() if not str(value).startswith("$")}
        for claim, names in row.get("grants", {}).items()
        if isinstance(names, dict)
    }
    return {"retry": row["retry"], "grants": claims}


def _verb(method: str) -> str:
    found = re.match(r"[A-Z]?[a-z]+|[A-Z]+", method)
    return found[0] if found else method


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(key)} = {_toml(each)}" for key, each in value.items()) + " }" if value else "{}"
    return json.dumps(value, ensure_ascii=False)


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key)
