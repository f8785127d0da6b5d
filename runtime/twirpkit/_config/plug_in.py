"""Plug-ins that a manifest names as ``module:attribute``."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

__all__ = ["load_plug_in"]


def load_plug_in(name: str) -> Callable[..., Any]:
    """Import and return the attribute that ``module:attribute`` names."""
    module, _, attribute = name.partition(":")
    found: Callable[..., Any] = getattr(importlib.import_module(module), attribute)
    return found
