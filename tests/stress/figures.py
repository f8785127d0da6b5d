"""What each scenario gives: rows of what was to be shown and what was, and a main function that prints them."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

__all__ = ["Row", "main", "scaled"]


@dataclass(frozen=True)
class Row:
    """One figure."""

    what: str
    must: str
    shown: str
    passed: bool

    def __str__(self) -> str:
        return f"{'ok  ' if self.passed else 'FAIL'} {self.what}: must show {self.must}; shown {self.shown}"


def scaled(count: int, scale: float) -> int:
    """A count of a scenario at a scale: at least 1."""
    return max(1, round(count * scale))


def main(run: Callable[[float], Iterable[Row]]) -> None:
    """Run a scenario and print its rows as they come. The exit code is 1 where one failed.

    Args:
        run: Yields the rows; its argument scales the counts, 1 for the figures of `docs/reliability.md`.
    """
    parser = argparse.ArgumentParser(description=sys.modules["__main__"].__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="of the counts; 1 is the whole, 0.01 a quick look")
    scale = parser.parse_args().scale
    before = time.monotonic()
    failed = 0
    for row in run(scale):
        print(row, flush=True)
        failed += not row.passed
    print(f"     in {time.monotonic() - before:.0f} s at scale {scale:g}", flush=True)
    sys.exit(1 if failed else 0)
