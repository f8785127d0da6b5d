"""Grant policies: the claims that a call's token carries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from google.protobuf.message import Message

__all__ = ["claims"]


def claims(template: Mapping[str, Any], message: Message) -> dict[str, Any]:
    """The claims of one call: a policy row's template with each ``"$field"`` replaced by that field of the request."""
    return {name: _value(value, message) for name, value in template.items()}


def _value(value: Any, message: Message) -> Any:
    if isinstance(value, Mapping):
        return claims(value, message)
    if isinstance(value, str) and value.startswith("$"):
        return getattr(message, value[1:])
    return value
