"""Detection of RPCs that return a list page by page, by their fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from twirpkit_codegen.schema.model import Field, Message, PageFields

__all__ = ["page_fields"]

_START: Final = "page_token"
_NEXT: Final = "next_page_token"


def page_fields(
    iterator: str, request: Message | None, response: Message | None, messages: Mapping[str, Message]
) -> PageFields | None:
    """Return the paging fields of an RPC, or None if it does not return a list page by page; `iterator` is their name.

    The request has a `page_token` and the response a `next_page_token`. Each is a string, or a message whose only field
    is a string. The items are the only repeated message of the response; with several, the RPC is not paged.
    """
    if request is None or response is None:
        return None
    start, then = _token(request, _START, messages), _token(response, _NEXT, messages)
    lists = [field for field in response.fields if field.repeated and field.type.kind == "message"]
    if start is None or then is None or len(lists) != 1:
        return None
    return PageFields(iterator, start, then, lists[0].name, lists[0].type)


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
