"""Python names of proto names."""

from __future__ import annotations

import keyword
from collections.abc import Mapping
from typing import Any, TypeAlias

__all__ = ["Names", "safe_name", "top_name", "unescaped"]

Names: TypeAlias = Mapping[str, str]
"""Python names by the full names of the proto, of what does not have the name that `safe_name` gives it."""


def safe_name(name: str) -> str:
    """Return a proto name as a Python name: a keyword gets an underscore at its end."""
    return f"{name}_" if keyword.iskeyword(name) else name


def top_name(descriptor: Any, names: Names) -> str:
    """Return the Python name of a type, a field or an extension, without those of what is around it."""
    return names.get(descriptor.full_name) or safe_name(descriptor.name)


def unescaped(key: str) -> str:
    """Return ``from`` for ``from_``: the inverse of `safe_name`."""
    return key[:-1] if key.endswith("_") and keyword.iskeyword(key[:-1]) else key
