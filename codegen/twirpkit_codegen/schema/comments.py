"""Proto comments: their summary, their paragraphs, and marks of deprecation."""

from __future__ import annotations

import re
from typing import Final

from twirpkit_codegen.schema.message_model import Doc

__all__ = ["add_note", "deprecation_message", "mark_deprecated", "parse"]

_DEPRECATED: Final = re.compile(r"Deprecated(?:: *(.*)|[.]|$)")
"""The beginning of a paragraph that marks something as deprecated, and the advice after it, if any."""

_FOR_LINTERS: Final = re.compile(r"\(-- .*? --\)", re.DOTALL)
"""Remarks for Google's API linter, which may have several lines."""
_DIRECTIVE: Final = re.compile(
    r"(buf:lint:|buf:breaking:|@@protoc_insertion_point|protolint:|prototool:|api-linter:|cspell:|clang-format (on|off)"
    r"|NOLINT|LINT[.:]|nolint\b)"
)
"""The beginning of a line for a linter or another tool."""
_RULER: Final = re.compile(r"[-=*#~_/+]{3,}")
_TO_DO: Final = re.compile(r"(TODO|FIXME|XXX)\b")
_ITEM: Final = re.compile(r"([-*+]|\d+[.)]) ")
"""The beginning of a list item."""
_CODE: Final = "    "
_END: Final = re.compile(r"[.] +(?![a-z])|[!?] +(?=[A-Z])")
"""The end of a sentence, by the letter that follows."""
_ABBREVIATIONS: Final = frozenset(
    ("e.g.", "i.e.", "etc.", "vs.", "cf.", "approx.", "incl.", "resp.", "no.", "dr.", "mr.", "ms.", "st.", "al.")
)


def parse(comment: str) -> Doc:
    """Parse a comment: its first sentence is the summary.

    Lines of a paragraph and of a list item are joined. Code and tables keep their lines: see `Doc.body`. What is for
    tools or for the authors of the proto is left out: directives of linters, rulers of characters, what is to be done.
    """
    comment = comment.removeprefix("*")  # from `/**`; a list item would have a space before it
    comment = _FOR_LINTERS.sub("", comment.replace("\r\n", "\n").replace("\r", "\n"))
    paragraphs = _paragraphs(comment.split("\n"))
    if not paragraphs:
        return Doc("", ())
    if Doc.is_verbatim(paragraphs[0]):
        return Doc("", tuple(paragraphs))
    first, rest = _split_summary(paragraphs[0])
    return Doc(first, tuple(each for each in (rest, *paragraphs[1:]) if each))


def mark_deprecated(doc: Doc, deprecated: bool) -> Doc:
    """Add a paragraph to the comment of something deprecated, unless a paragraph says so already."""
    is_marked = any(_DEPRECATED.match(each) for each in (doc.summary, *doc.body))
    return add_note(doc, "Deprecated.") if deprecated and not is_marked else doc


def add_note(doc: Doc, note: str) -> Doc:
    """Add a paragraph to a comment, unless its text is there already. A last sentence without a full stop gets one."""
    if note.rstrip(".") in doc.text or not note:
        return doc
    if not doc.summary:
        return Doc(note, doc.body)
    parts = [doc.summary, *doc.body]
    if parts[-1][-1].isalnum() and not Doc.is_verbatim(parts[-1]) and not _ITEM.match(parts[-1]):
        parts[-1] += "."
    return Doc(parts[0], (*parts[1:], note))


def deprecation_message(name: str, doc: Doc) -> str:
    """Return the text of a deprecation warning, with the comment's advice if there is any."""
    for paragraph in (doc.summary, *doc.body):
        found = _DEPRECATED.match(paragraph)
        if found is not None and found[1]:
            sentence, _ = _split_summary(found[1])
            return f"{name} is deprecated: {sentence.removesuffix('.')}"
    return f"{name} is deprecated"


def _paragraphs(lines: list[str]) -> list[str]:
    """Return paragraphs and list items as one line each, and blocks of code and tables as they are."""
    found: list[list[str]] = [[]]
    verbatim = fenced = False
    for line in (line.removeprefix(" ") for line in lines):
        text = line.strip()
        if fenced or text.startswith("```"):
            if not fenced:
                found.append([])
            found[-1].append(line.rstrip())
            fenced = fenced is not text.startswith("```")
            verbatim = True
            if not fenced:
                found.append([])
            continue
        if not text or _RULER.fullmatch(text) or _DIRECTIVE.match(text):
            if text or not (verbatim and found[-1] and found[-1][0].startswith(_CODE)):
                found.append([])
            else:
                found[-1].append("")
            continue
        is_item = _ITEM.match(text) is not None
        is_code = line.startswith(_CODE) and not is_item and (verbatim or not found[-1])
        if is_code or text.startswith("|"):
            if not verbatim or not found[-1] or found[-1][0].startswith("|") is is_code:
                found.append([])
            found[-1].append(line.rstrip() if is_code else text)
            verbatim = True
            continue
        if verbatim or is_item:
            found.append([])
        verbatim = False
        found[-1].append(text)
    return [each for each in map(_joined, found) if each and not _TO_DO.match(each)]


def _joined(lines: list[str]) -> str:
    block = "\n".join(lines).rstrip()
    return block if Doc.is_verbatim(block) else " ".join(lines)


def _split_summary(paragraph: str) -> tuple[str, str]:
    """Return the first sentence and the rest."""
    for end in _END.finditer(paragraph):
        sentence, rest = paragraph[: end.start() + 1], paragraph[end.end() :]
        word = sentence.rpartition(" ")[2].lstrip("(")
        is_within = sentence.count("(") > sentence.count(")") and ")" in rest
        if word.lower() not in _ABBREVIATIONS and not is_within:
            return sentence, rest
    return paragraph, ""
