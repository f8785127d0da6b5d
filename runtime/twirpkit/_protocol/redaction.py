"""Requests in logs and error texts: fields that their proto marks as secret or personal do not show (rule E5)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from google.protobuf.message import Message

from twirpkit._schema.sensitivity import marked_fields
from twirpkit._secret import REDACTED

__all__ = ["sensitive_texts", "shown"]

SHOWN_CHARACTERS: Final = 512
"""Maximum number of characters of a request in a log line."""
SHORTEST: Final = 4
"""Characters of the shortest text that is looked for in a server's words: "no" stands in too many of them."""


def shown(message: Message, option: int | None) -> str:
    """Return a message on one line, with the values of its sensitive fields replaced.

    Args:
        message: Any message.
        option: The number of the field option that marks sensitive fields: any value but 0, known to us or not, does.
            None: the schema has no such option, so no value shows.
    """
    text = ", ".join(f"{name}={value}" for name, value in _fields(message, option))
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"


def sensitive_texts(message: Message, option: int | None) -> list[str]:
    """Return the texts in a message's sensitive fields, longest first: no error shows them."""
    if option is None:
        return []
    found = {text for text in _texts(message, option, marked=False) if len(text) >= SHORTEST}
    return sorted(found, key=lambda text: (-len(text), text))


def _fields(message: Message, option: int | None) -> Iterator[tuple[str, str]]:
    cls = type(message)  # which has the methods for sure: a message's field may be called like one of them
    marked = marked_fields(cls.DESCRIPTOR, option) if option is not None else None
    for field, value in cls.ListFields(message):
        if marked is None or field.name in marked:
            yield field.name, REDACTED
        elif isinstance(value, Message):
            yield field.name, f"{{{shown(value, option)}}}"
        elif isinstance(value, Mapping):
            yield field.name, f"{{{', '.join(f'{key!r}: {_item(each, option)}' for key, each in value.items())}}}"
        elif _is_several(value):
            yield field.name, f"[{', '.join(_item(each, option) for each in value)}]"
        else:
            yield field.name, repr(value)


def _item(value: Any, option: int | None) -> str:
    return f"{{{shown(value, option)}}}" if isinstance(value, Message) else repr(value)


def _texts(message: Message, option: int, *, marked: bool) -> Iterator[str]:
    names = marked_fields(type(message).DESCRIPTOR, option)
    for field, value in type(message).ListFields(message):
        within = marked or field.name in names
        if isinstance(value, Message):
            yield from _texts(value, option, marked=within)
        elif isinstance(value, str):
            if within:
                yield value
        elif isinstance(value, Mapping):
            yield from _texts_of_each(value.values(), option, within)
        elif _is_several(value):
            yield from _texts_of_each(value, option, within)


def _texts_of_each(values: Any, option: int, marked: bool) -> Iterator[str]:
    for each in values:
        if isinstance(each, Message):
            yield from _texts(each, option, marked=marked)
        elif marked and isinstance(each, str):
            yield each


def _is_several(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)
