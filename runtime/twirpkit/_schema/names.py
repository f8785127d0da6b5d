"""Python names of proto names."""

from __future__ import annotations

import keyword

__all__ = ["safe_name", "unescaped"]


def safe_name(name: str) -> str:
    """Return a proto name as a Python name: a keyword gets an underscore at its end."""
    return f"{name}_" if keyword.iskeyword(name) else name


def unescaped(key: str) -> str:
    """Return ``from`` for ``from_``: the inverse of `safe_name`."""
    return key[:-1] if key.endswith("_") and keyword.iskeyword(key[:-1]) else key
