"""Requests in logs and error texts: fields that are secret or personal do not show (rule E5)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from google.protobuf.message import Message

from twirpkit._schema.fields import field_of
from twirpkit._schema.sensitivity import is_sensitive, tells_sensitivity
from twirpkit._secret import REDACTED
from twirpkit._url_secrets import url_secrets, without_url_secrets

__all__ = ["sensitive_texts", "shown"]

SHOWN_CHARACTERS: Final = 512
"""Maximum number of characters of a request in a log line."""
SHORTEST: Final = 4
"""Characters of the shortest text that is looked for in a server's words: "no" stands in too many of them."""


def shown(message: Message) -> str:
    """Return a message on one line, with the values of its sensitive fields, and the secrets in URLs, replaced.

    If the schema does not say which fields are sensitive, no value shows.
    """
    text = ", ".join(f"{name}={value}" for name, value in _fields(message))
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"


def sensitive_texts(message: Message) -> list[str]:
    """Return the texts in a message that no error shows, longest first: of sensitive fields, and secrets in URLs."""
    descriptor: Any = type(message).DESCRIPTOR
    if not tells_sensitivity(descriptor):
        return []
    found = {text for text in _texts(message, marked=False) if len(text) >= SHORTEST}
    return sorted(found, key=lambda text: (-len(text), text))


def _fields(message: Message) -> Iterator[tuple[str, str]]:
    cls = type(message)  # which has the methods for sure: a message's field may be called like one of them
    descriptor: Any = cls.DESCRIPTOR
    told = tells_sensitivity(descriptor)
    for live, value in cls.ListFields(message):
        field = field_of(descriptor, live)
        if not told or is_sensitive(descriptor, field):
            yield field.name, REDACTED
        elif isinstance(value, Mapping):
            yield field.name, f"{{{', '.join(f'{key!r}: {_item(each)}' for key, each in value.items())}}}"
        elif _is_several(value):
            yield field.name, f"[{', '.join(map(_item, value))}]"
        else:
            yield field.name, _item(value)


def _item(value: Any) -> str:
    if isinstance(value, Message):
        return f"{{{shown(value)}}}"
    return repr(without_url_secrets(value) if isinstance(value, str) else value)


def _texts(message: Message, *, marked: bool) -> Iterator[str]:
    descriptor: Any = type(message).DESCRIPTOR
    for live, value in type(message).ListFields(message):
        within = marked or is_sensitive(descriptor, field_of(descriptor, live))
        if isinstance(value, Mapping):
            yield from _texts_of_each(value.values(), within)
        elif _is_several(value):
            yield from _texts_of_each(value, within)
        else:
            yield from _texts_of_each((value,), within)


def _texts_of_each(values: Any, marked: bool) -> Iterator[str]:
    for each in values:
        if isinstance(each, Message):
            yield from _texts(each, marked=marked)
        elif isinstance(each, str):
            if marked:
                yield each
            yield from url_secrets(each)


def _is_several(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)
