"""Types of arguments that generated clients share."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias, Union

if TYPE_CHECKING:
    from google.protobuf.internal.containers import RepeatedScalarFieldContainer

__all__ = ["Strings"]

Strings: TypeAlias = Union[list[str], tuple[str, ...], "RepeatedScalarFieldContainer[str]"]
"""Several strings. Not ``Sequence[str]``, which a bare ``str`` is too."""
