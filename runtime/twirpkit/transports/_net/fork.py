"""A token for the running process: a child must not use what its parent has open (rule F1)."""

from __future__ import annotations

import contextlib
import os

__all__ = ["process"]

_this = object()


def process() -> object:
    """Return an object that stands for this process. Compare it by ``is``: a process id may be used a second time."""
    return _this


def _after_fork() -> None:
    global _this
    _this = object()


with contextlib.suppress(AttributeError):  # where there is no fork, there are no children
    os.register_at_fork(after_in_child=_after_fork)
