"""Grant policies: the claims that a call's token carries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from google.protobuf.message import Message

__all__ = ["claim_fields", "claims"]


def claims(template: Mapping[str, Any], message: Message) -> dict[str, Any]:
    """Return the claims of one call: a policy row's template, with fields of the request for each ``"$field"``."""
    return {name: _value(value, message) for name, value in template.items()}


def claim_fields(template: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of the request's fields that a policy row's template takes."""
    names: list[str] = []
    for value in template.values():
        if isinstance(value, Mapping):
            names += claim_fields(value)
        elif isinstance(value, str) and value.startswith("$"):
            names.append(value[1:])
    return tuple(names)


def _value(value: Any, message: Message) -> Any:
    if isinstance(value, Mapping):
        return claims(value, message)
    if isinstance(value, str) and value.startswith("$"):
        return getattr(message, value[1:])
    return value
