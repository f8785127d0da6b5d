"""Webhook events: the JSON that a LiveKit server sends, decoded into a message (rule A16)."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Generic, NoReturn, Self, TypeVar

from google.protobuf.message import Message

from twirpkit._schema.request_messages import request_message
from twirpkit.livekit.frozen_json import freeze, thaw
from twirpkit.livekit.token_signing import LATEST, unix_time

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor, FieldDescriptor

__all__ = ["UNKNOWN_ENUM", "WebhookError", "WebhookEvent"]

M = TypeVar("M", bound=Message)

UNKNOWN_ENUM: Final = -1
"""Number of an enum field of a message if the schema does not know the name that the server sent. No enum has a member
with this number, while 0 is a member of each."""


_BAD_TIME: Final = "the event's time is out of range"


class WebhookError(ValueError):
    """A delivery that is not trusted or cannot be read. The text gives the reason, and nothing of the body."""


class WebhookEvent(Generic[M]):
    """Base of the event class of a generated package, which adds a property and an argument for each field.

    An event is immutable, hashable and pickles. Two events are equal if their JSON is.

    Args:
        created_at: When it happened: an aware datetime. It is kept to the second.
        fields: Fields of ``livekit.WebhookEvent``, for events of your own in tests. See `sign_webhook`.

    Raises:
        TypeError: A field is unknown or has the wrong type; the text names it.
        ValueError: A value is out of range, or `created_at` has no time zone.
    """

    __slots__ = ("_message", "_raw", "_unknown")

    _message: M
    _raw: Mapping[str, Any]
    _unknown: Mapping[str, str]

    def __init__(self, *, created_at: datetime | None = None, **fields: Any) -> None:
        from google.protobuf.json_format import MessageToDict

        seconds = None if created_at is None else int(unix_time(created_at, "created_at"))
        message = request_message(self.message_class(), None, {"created_at": seconds, **fields})
        if not _has_good_time(message):
            raise ValueError(_BAD_TIME)
        self._message, self._raw, self._unknown = message, freeze(MessageToDict(message)), freeze({})

    @classmethod
    def message_class(cls) -> type[M]:
        """Return the class of ``livekit.WebhookEvent`` of the generated package."""
        _unbound(cls)

    @classmethod
    def from_raw(cls, raw: Mapping[str, Any]) -> Self:
        """Return the event from its JSON, for example in a task queue that was given `raw`.

        The JSON is trusted: the signature of a delivery is checked by `WebhookReceiver` alone.

        Args:
            raw: `raw` of another event, also after it went through JSON.

        Raises:
            WebhookError: It is not the JSON of an event.
        """
        if not isinstance(raw, Mapping):
            raise WebhookError(f"raw must be the event's JSON as a mapping, not {type(raw).__name__}")
        decoded = _decoded(cls.message_class(), raw)
        if decoded is None:
            raise WebhookError(f"the body is not a {cls.message_class().DESCRIPTOR.full_name} in JSON")
        event = cls.__new__(cls)
        event._message, event._raw, event._unknown = decoded
        if not _has_good_time(event._message):
            raise WebhookError(_BAD_TIME)
        return event

    @property
    def message(self) -> M:
        """The event as a message."""
        return self._message

    @property
    def raw(self) -> Mapping[str, Any]:
        """The event as JSON, with fields that the schema does not know; read-only."""
        return self._raw

    @property
    def unknown(self) -> Mapping[str, str]:
        """Names of enum values that the schema does not know, by their path: ``{"participant.kind": "HOLOGRAM"}``.

        The message has `UNKNOWN_ENUM` there.
        """
        return self._unknown

    @property
    def created_at(self) -> datetime:
        """Time of the event in UTC, to the second; 1970 if the server does not say."""
        message: Any = self._message
        return datetime.fromtimestamp(message.created_at, UTC)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, WebhookEvent):
            return NotImplemented
        return type(self) is type(other) and self._raw == other._raw

    def __hash__(self) -> int:
        message: Any = self._message
        return hash((message.event, message.id, message.created_at))

    def __repr__(self) -> str:
        message: Any = self._message
        unknown = f", unknown={dict(self._unknown)!r}" if self._unknown else ""
        facts = f"event={message.event!r}, id={message.id!r}, created_at={self.created_at!r}{unknown}"
        return f"{type(self).__name__}({facts})"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self).from_raw, (self._raw,)


def _unbound(cls: type) -> NoReturn:
    raise TypeError(f"{cls.__name__} of twirpkit.livekit has no messages: take {cls.__name__} of the generated package")


def _has_good_time(message: Any) -> bool:
    return 0 <= int(message.created_at) <= LATEST


def _decoded(cls: type[M], raw: Mapping[str, Any]) -> tuple[M, Any, Any] | None:
    """Return the message of JSON, the JSON made read-only, and the names that the schema does not know; or None."""
    from google.protobuf.json_format import ParseDict, ParseError

    unknown: dict[str, str] = {}
    descriptor: Any = cls.DESCRIPTOR
    try:
        marked = _marked(descriptor, thaw(raw), "", unknown)
        return ParseDict(marked, cls(), ignore_unknown_fields=True), freeze(raw), freeze(unknown)
    except (ParseError, TypeError, ValueError, AttributeError, RecursionError):
        # Besides its own ParseError, protobuf lets errors of Python about odd values through.
        return None


def _marked(descriptor: Descriptor, value: Any, path: str, unknown: dict[str, str]) -> Any:
    """Return JSON of a message with `UNKNOWN_ENUM` for enum names that the schema does not know; add them to `unknown`.

    protobuf's parser drops such names, and the field reads as 0, which is another member. It also takes a text for an
    object without fields that it knows; that is a ValueError here.
    """
    if descriptor.file.package == "google.protobuf":
        return value
    if not isinstance(value, dict):
        raise ValueError("a message must be an object")
    known = _fields(descriptor)
    return {
        key: _marked_field(known[key], each, f"{path}{key}", unknown) if key in known else each
        for key, each in value.items()
    }


def _marked_field(each: FieldDescriptor, value: Any, path: str, unknown: dict[str, str]) -> Any:
    if value is None:
        return None
    if each.message_type is not None and each.message_type.GetOptions().map_entry:
        of_values = each.message_type.fields_by_name["value"]
        if not isinstance(value, dict):
            raise ValueError("a map must be an object")
        return {key: _marked_field(of_values, one, f"{path}[{json.dumps(key)}]", unknown) for key, one in value.items()}
    if isinstance(value, list):
        return [_marked_field(each, one, f"{path}[{index}]", unknown) for index, one in enumerate(value)]
    if each.message_type is not None:
        return _marked(each.message_type, value, f"{path}.", unknown)
    if each.enum_type is not None and isinstance(value, float | bool):
        raise ValueError("an enum must be a name or an integer")
    if each.enum_type is not None and isinstance(value, str) and value not in each.enum_type.values_by_name:
        unknown[path] = value
        return UNKNOWN_ENUM
    return value


@functools.cache
def _fields(descriptor: Descriptor) -> dict[str, FieldDescriptor]:
    """Return the fields by both spellings: that of JSON, and that of the proto."""
    return dict(_spelled(descriptor))


def _spelled(descriptor: Descriptor) -> Iterator[tuple[str, FieldDescriptor]]:
    for each in descriptor.fields:
        yield each.name, each
        yield each.json_name, each
