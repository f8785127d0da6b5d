"""Floating-point numbers of messages as texts and JSON show them."""

from __future__ import annotations

import math
import struct

__all__ = ["shortest"]


def shortest(value: float) -> float:
    """Return the number with the fewest digits that is the same 32-bit ``float``: 0.1 for 0.10000000149011612."""
    if math.isfinite(value):
        for digits in range(6, 9):
            shorter = float(f"{value:.{digits}g}")
            if struct.unpack("<f", struct.pack("<f", shorter))[0] == value:
                return shorter
    return value
