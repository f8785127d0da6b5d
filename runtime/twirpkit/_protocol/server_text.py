"""A server's words, made fit to be kept and shown: no secret in them, bounded, printable (rules A8, E1, E5).

Everything here takes time that grows linearly with the size of a text and of the secrets, because a server chooses the
one and a caller the other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, Final
from urllib.parse import quote

from twirpkit._secret import REDACTED, Secret

__all__ = ["META_BYTES", "redact", "text_cleaner"]

META_BYTES: Final = 64 * 1024
"""Bytes of a server's text, as UTF-8, that an error keeps."""
SHORTEST_SECRET: Final = 16
"""Characters of the shortest secret that is looked for: a shorter one is a part of too many words (rule E2)."""
_DEPTH: Final = 256
"""Characters by which a private text is found. What follows is compared once."""

_TOKEN_RUN: Final = re.compile(r"[A-Za-z0-9_.=-]{12,}")
_TOKEN_START: Final = re.compile(r"eyJ|eyA|ewo|ewk|ew0")
_UPPER: Final = re.compile(r"[A-Z]")
_VALUE_START: Final = re.compile(r"(?<!\w).", re.DOTALL)
_WORD: Final = re.compile(r"\w")
_VALUE: Final = ""
"""The key under which a node of the tree holds the text that ends there."""


def text_cleaner(secret: Secret | None = None, private: Iterable[str] = ()) -> Callable[[str], str]:
    """Return a function that makes a server's text fit to be kept.

    Args:
        secret: The Authorization header that was sent: should a text repeat it, it is replaced.
        private: Texts of the request that must not show (rule E5): should a text repeat one of them as a whole value,
            and not as a part of a word, it is replaced.
    """
    tree = _tree(private)

    def clean(text: str) -> str:
        # Replaced before it is cut: half a token is not recognized. What a replacement makes shorter is not filled up
        # with text that was not looked at. Lone surrogates, which JSON can spell, become question marks.
        text = redact(_without_values(text, tree), secret)
        return text.encode(errors="replace")[:META_BYTES].decode(errors="ignore")

    return clean


def redact(text: str, secret: Secret | None = None) -> str:
    """Return a text in which a secret, and everything that looks like a JWT, is replaced (rules A8, E1)."""
    if secret is not None:
        for spelling in _spellings(secret.reveal()):
            text = text.replace(spelling, "<token>")
    return _TOKEN_RUN.sub(_mask, text)


def _spellings(authorization: str) -> list[str]:
    """Return the header and the credential in it as a server may repeat them: plain, in a URL, in PHP's JSON."""
    credential = authorization.partition(" ")[2] or authorization
    if len(credential) < SHORTEST_SECRET:
        return []
    forms = [(each, quote(each, safe=""), each.replace("/", r"\/")) for each in (authorization, credential)]
    return list(dict.fromkeys(spelling for form in forms for spelling in form))


def _mask(run: re.Match[str]) -> str:
    # A JWT starts with the base64 of '{"', or of '{' and white space, and has dots in it; its first part has capital
    # letters, unlike "viewonly.example.com". A run is looked at once, so a hostile text costs no more than its length.
    text = run.group()
    *before_dots, _ = text.split(".")
    position = 0
    for part in before_dots:
        start = _TOKEN_START.search(part)
        if start is not None and _UPPER.search(part, start.start()) is not None:
            return text[: position + start.start()] + "<token>"
        position += len(part) + 1
    return text


def _tree(private: Iterable[str]) -> dict[str, Any]:
    """Return the texts as a tree of their characters, the first `_DEPTH` of each."""
    tree: dict[str, Any] = {}
    for text in private:
        node = tree
        for character in text[:_DEPTH]:
            node = node.setdefault(character, {})
        if len(text) > len(node.get(_VALUE, "")):
            node[_VALUE] = text
    return tree


def _without_values(text: str, tree: dict[str, Any]) -> str:
    if not tree:
        return text
    kept: list[str] = []
    position = 0
    for start in _VALUE_START.finditer(text, 0, META_BYTES):
        if start.start() < position or start.group() not in tree:
            continue
        end = _end_of_value(text, start.start(), tree)
        if end is not None:
            kept += text[position : start.start()], REDACTED
            position = end
    kept.append(text[position : max(position, META_BYTES)])
    return "".join(kept)


def _end_of_value(text: str, start: int, tree: dict[str, Any]) -> int | None:
    """Return where the longest private text that starts at a position ends, None if none does."""
    node = tree
    end: int | None = None
    for index in range(start, min(start + _DEPTH, len(text))):
        if text[index] not in node:
            break
        node = node[text[index]]
        if _VALUE in node:
            found = _extended(text, start, node[_VALUE])
            if _WORD.match(text, found) is None or found < start + len(node[_VALUE]):
                end = found
    return end


def _extended(text: str, start: int, value: str) -> int:
    """Return the end of what a text and a value have in common from a position on, beyond the first `_DEPTH`."""
    end = start + min(len(value), _DEPTH)
    while end < len(text) and end - start < len(value) and text[end] == value[end - start]:
        end += 1
    return end
