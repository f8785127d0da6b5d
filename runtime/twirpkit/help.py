"""Help texts of generated packages, as data: generated modules fill them in, and the command line prints them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Help"]


@dataclass(frozen=True, slots=True)
class Help:
    """The help text of one RPC. Its texts are the proto's comments, as they are in the method's docstring."""

    summary: str
    """The first sentence."""
    body: tuple[str, ...] = ()
    """The paragraphs after it, each without line breaks."""
    fields: Mapping[str, str] = field(default_factory=dict)
    """Comments of the request's fields, by the proto's names."""
    policy: tuple[tuple[str, str], ...] = ()
    """Pairs of title and text: grants, retry class, timeout."""
