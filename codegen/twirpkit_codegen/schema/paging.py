"""Detection of RPCs that return a list page by page, by their fields."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from twirpkit_codegen.schema.message_model import Field, Message
from twirpkit_codegen.schema.model import PageFields

__all__ = ["page_fields"]

_START: Final = "page_token"
_NEXT: Final = "next_page_token"
_AFTER: Final = "after_id"
_IDS: Final = re.compile(r"(?:\w+_)?s?id")


def page_fields(
    iterator: str, request: Message | None, response: Message | None, messages: Mapping[str, Message]
) -> PageFields | None:
    """Return the paging fields of an RPC, or None if it does not return a list page by page; `iterator` is their name.

    The items are the only repeated message of the response; with several, the RPC is not paged. There are two ways to
    say where a page starts:

    * The request has a `page_token` and the response a `next_page_token`. Each is a string, or a message whose only
      field is a string.
    * The request has a string `after_id`, or a message with one: the id of the last item of the page before. The first
      field of an item is its id.
    """
    if request is None or response is None:
        return None
    lists = [field for field in response.fields if field.repeated and field.type.kind == "message"]
    if len(lists) != 1:
        return None
    items = lists[0]
    start, then = _token(request, _START, messages), _token(response, _NEXT, messages)
    if start is not None and then is not None:
        return PageFields(iterator, start, then, items.name, items.type)
    after, item_id = _after_id(request, messages), _id_of(messages.get(items.type.full_name))
    if after is not None and item_id is not None:
        return PageFields(iterator, after, "", items.name, items.type, item_id)
    return None


def _after_id(message: Message, messages: Mapping[str, Message]) -> str | None:
    """Return the path of the string `after_id` in a request, or in a message of it; None if there is none."""
    for field in message.fields:
        if field.name == _AFTER and _is_string(field):
            return field.name
        inner = None if field.repeated or field.map_key is not None else messages.get(field.type.full_name)
        if inner is not None and any(each.name == _AFTER and _is_string(each) for each in inner.fields):
            return f"{field.name}.{_AFTER}"
    return None


def _id_of(item: Message | None) -> str | None:
    """Return the field that holds the id of an item: its first one, if that is a string with the name of an id."""
    first = None if item is None else min(item.fields, key=lambda field: field.number, default=None)
    return first.name if first is not None and _is_string(first) and _IDS.fullmatch(first.name) else None


def _token(message: Message, name: str, messages: Mapping[str, Message]) -> str | None:
    """Return the path of the string in the field `name`, or None."""
    found = next((field for field in message.fields if field.name == name), None)
    if found is None:
        return None
    if _is_string(found):
        return found.name
    inner = messages.get(found.type.full_name)
    if inner is None or found.repeated or found.map_key is not None:
        return None
    if len(inner.fields) != 1 or not _is_string(inner.fields[0]):
        return None
    return f"{found.name}.{inner.fields[0].name}"


def _is_string(field: Field) -> bool:
    singular = not field.repeated and field.map_key is None
    return singular and field.type.kind == "scalar" and field.type.name == "str"
