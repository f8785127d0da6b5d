"""Proto comments taken apart: a summary, the paragraphs after it, and whether they say that something is deprecated."""

from __future__ import annotations

import re
from typing import Final

from twirpkit_codegen.schema.model import Doc

__all__ = ["add_note", "deprecation_message", "mark_deprecated", "parse"]

_DEPRECATED: Final = re.compile(r"Deprecated(?:: *(.*)|[.]|$)")
"""How a paragraph begins that says that something is deprecated, and maybe what to do."""


def parse(comment: str) -> Doc:
    """A comment's first sentence as the summary, the rest as the body. Paragraphs are kept, lines are joined."""
    comment = comment.removeprefix("*")  # of `/**`; a list would have a space before it
    lines = comment.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    paragraphs = _paragraphs(lines)
    if not paragraphs:
        return Doc("", ())
    first, rest = _split_summary(paragraphs[0])
    return Doc(first, tuple(each for each in (rest, *paragraphs[1:]) if each))


def mark_deprecated(doc: Doc, deprecated: bool) -> Doc:
    """A comment that says so where its subject is deprecated."""
    told = any(_DEPRECATED.match(each) for each in (doc.summary, *doc.body))
    return add_note(doc, "Deprecated.") if deprecated and not told else doc


def add_note(doc: Doc, note: str) -> Doc:
    """A comment with one paragraph more, unless it says that already."""
    if note.rstrip(".") in doc.text:
        return doc
    return Doc(doc.summary, (*doc.body, note)) if doc.summary else Doc(note, ())


def deprecation_message(name: str, doc: Doc) -> str:
    """What a warning says of something deprecated: in the comment's words, if it says what to use instead."""
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
    """The first sentence, and what follows it."""
    end = paragraph.find(". ")
    return (paragraph, "") if end < 0 else (paragraph[: end + 1], paragraph[end + 2 :])
