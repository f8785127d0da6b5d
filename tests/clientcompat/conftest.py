"""Imports of the client, which is a program and not a package."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE / "generated")]
_spec = importlib.util.spec_from_file_location("clientcompat_main", HERE / "__main__.py")
assert _spec is not None
assert _spec.loader is not None
sys.modules["clientcompat_main"] = _module = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_module)
