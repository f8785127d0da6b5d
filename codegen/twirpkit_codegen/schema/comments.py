"""Proto comments: their summary, their paragraphs, and marks of deprecation."""

from __future__ import annotations

import re
from typing import Final

from twirpkit_codegen.schema.model import Doc

__all__ = ["add_note", "deprecation_message", "mark_deprecated", "parse"]

_DEPRECATED: Final = re.compile(r"Deprecated(?:: *(.*)|[.]|$)")
"""The beginning of a paragraph that marks something as deprecated, and the advice after it, if any."""


def parse(comment: str) -> Doc:
    """Parse a comment: its first sentence is the summary. Paragraphs are kept, their lines joined."""
    comment = comment.removeprefix("*")  # from `/**`; a list item would have a space before it
    lines = comment.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    paragraphs = _paragraphs(lines)
    if not paragraphs:
        return Doc("", ())
    first, rest = _split_summary(paragraphs[0])
    return Doc(first, tuple(each for each in (rest, *paragraphs[1:]) if each))


def mark_deprecated(doc: Doc, deprecated: bool) -> Doc:
    """Add a paragraph to the comment of something deprecated, unless a paragraph says so already."""
    is_marked = any(_DEPRECATED.match(each) for each in (doc.summary, *doc.body))
    return add_note(doc, "Deprecated.") if deprecated and not is_marked else doc


def add_note(doc: Doc, note: str) -> Doc:
    """Add a paragraph to a comment, unless its text is there already."""
    if note.rstrip(".") in doc.text:
        return doc
    return Doc(doc.summary, (*doc.body, note)) if doc.summary else Doc(note, ())


def deprecation_message(name: str, doc: Doc) -> str:
    """Return the text of a deprecation warning, with the comment's advice if there is any."""
    for paragraph in (doc.summary, *doc.body):
        found = _DEPRECATED.match(paragraph)
        if found is not None and found[1]:
            sentence, _ = _split_summary(found[1])
            return f"{name} is deprecated: {sentence.removesuffix('.')}"
    return f"{name} is deprecated"


def _paragraphs(lines: list[str]) -> list[str]:
    found: list[list[str]] = [[]]
    for line in lines:
        if not line.strip():
            found.append([])
        elif line.lstrip().startswith(("- ", "* ")):
            found.append([line.strip()])
        else:
            found[-1].append(line.strip())
    return [" ".join(each) for each in found if each]


def _split_summary(paragraph: str) -> tuple[str, str]:
    """Return the first sentence and the rest."""
    end = paragraph.find(". ")
    return (paragraph, "") if end < 0 else (paragraph[: end + 1], paragraph[end + 2 :])
