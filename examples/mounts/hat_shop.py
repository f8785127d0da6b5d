"""The hat shop of `examples/hats`, for the frameworks of this folder."""

from __future__ import annotations

import sys
from pathlib import Path

HATS = Path(__file__).parents[1] / "hats"
sys.path[:0] = [str(HATS), str(HATS / "generated")]

from server import TOKEN, new_app  # noqa: E402  # found by the line above

__all__ = ["TOKEN", "new_app"]
