"""Receiving webhooks: deliveries that a LiveKit server signs with an API key (rule A16).

A delivery is a body of protobuf's JSON, and in its Authorization header a token whose claim ``sha256`` is the body's
hash. So the body must come here as the bytes that arrived: parsed and written again it is another one.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, NoReturn, TypeVar, cast

from google.protobuf.message import Message

from twirpkit.livekit.frozen_json import freeze
from twirpkit.livekit.token_signing import LATEST, unix_time
from twirpkit.livekit.token_verifier import LEEWAY, Claims, TokenError, TokenVerifier, check_duration, parse_json

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor, FieldDescriptor

__all__ = ["UNKNOWN_ENUM", "WebhookError", "WebhookEvent", "WebhookReceiver"]

M = TypeVar("M", bound=Message)

MAX_BYTES: Final = 1024 * 1024
"""The largest body where nothing else is said."""
UNKNOWN_ENUM: Final = -1
"""What an enum field of a message holds whose name the schema does not know: no member of any enum, 0 least of all."""


class WebhookError(ValueError):
    """A delivery is not to be trusted, or cannot be read. The text says why, and holds nothing of the body."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookEvent(Generic[M]):
    """One delivery whose signature is good.

    The fields of its message can be read here too: ``event.room`` is ``event.message.room``.
    """

    event: str
    """What happened, such as ``room_started``; also a name that we do not know yet."""
    id: str
    """The event's own id. What is not answered with 2xx is sent again: the same id is the same event."""
    created_at: datetime
    """When it happened, in UTC, to the second. 1970 where the server does not say."""
    message: M = field(repr=False)
    """The whole event."""
    unknown: Mapping[str, str] = field(default_factory=dict)
    """Names of enum values that the schema does not know, by where they stand: ``{"participant.kind": "HOLOGRAM"}``.
    The message has `UNKNOWN_ENUM` there."""
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """The body's JSON, with the fields that the schema does not know."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "unknown", freeze(self.unknown))
        object.__setattr__(self, "raw", freeze(self.raw))

    def __getattr__(self, name: str) -> Any:
        # Only what is not found otherwise comes here. While a copy is made, the message is not there yet.
        if name == "message" or name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.message, name)


class WebhookReceiver(Generic[M]):
    """Checks and decodes deliveries. One for the whole program; it may be used from many threads.

    A generated package binds it to its message class:
    ``class WebhookReceiver(twirpkit.livekit.WebhookReceiver[WebhookEvent]): event_class = WebhookEvent``.

    Args:
        api_key: The key that signs. Without key, secret and `keys`, both come from LIVEKIT_API_KEY and
            LIVEKIT_API_SECRET.
        api_secret: The key's secret.
        keys: Secrets by API key, instead: while keys are rotated, or for several projects.
        event_class: The class of ``livekit.WebhookEvent``, where the receiver's own class does not say it.
        max_age: How long ago a delivery may have been signed. None: its token's ``exp`` alone counts, which LiveKit
            sets to five minutes.
        max_bytes: The largest body. A larger one is refused before anything is done with it.
        leeway: How far the clocks of the server and of this machine may differ.

    Raises:
        ValueError: Keys are missing, given twice, or refused (rule E3); or a limit is out of range.
        TypeError: Something has the wrong type, or there is no `event_class`.
    """

    event_class: ClassVar[type[Message] | None] = None
    """The message class of a bound subclass."""

    def __init__(
        self,
        api_key: str | None = None,
        api_secret: str | None = None,
        *,
        keys: Mapping[str, str] | None = None,
        event_class: type[M] | None = None,
        max_age: timedelta | None = None,
        max_bytes: int = MAX_BYTES,
        leeway: timedelta = LEEWAY,
    ) -> None:
        message_class = event_class or self.event_class
        if message_class is None:
            raise TypeError("no event_class: pass the class of livekit.WebhookEvent")
        if max_bytes < 1:
            raise ValueError("max_bytes must be above 0")
        self._verifier = TokenVerifier(api_key, api_secret, keys=keys, leeway=leeway)
        self._message_class = cast("type[M]", message_class)
        self._max_age = None if max_age is None else check_duration("max_age", max_age) + leeway
        self._max_bytes = max_bytes

    def receive(self, body: bytes | str, authorization: str | None, *, at: datetime | None = None) -> WebhookEvent[M]:
        """The event in a delivery.

        Args:
            body: The request's body as it arrived. Its type is ``application/webhook+json``, so frameworks leave it
                alone; take the bytes, not their JSON.
            authorization: The Authorization header, with or without ``Bearer``; None if there was none.
            at: An aware datetime to take for now: for recorded deliveries, and for tests.

        Raises:
            WebhookError: The delivery is not good. Answer 401 or 400; which of the reasons it was helps nobody but
                whoever reads your logs.
            TypeError: `body` is neither bytes nor str.
            ValueError: `at` has no time zone.
        """
        if not isinstance(body, bytes | str):
            raise TypeError(f"body must be the bytes that arrived, not {type(body).__name__}")
        now = unix_time(at)
        data = self._bytes(body)
        claims = self._verified(authorization, datetime.fromtimestamp(now, UTC))
        self._check_signature(data, claims)
        self._check_age(claims, now)
        return self._event(data)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a WebhookReceiver holds secrets and is not pickled or copied")

    def _bytes(self, body: bytes | str) -> bytes:
        if len(body) <= self._max_bytes:
            data = body if isinstance(body, bytes) else body.encode("utf-8", "surrogatepass")
            if len(data) <= self._max_bytes:
                return data
        raise WebhookError(f"the body is larger than {self._max_bytes} bytes")

    def _verified(self, authorization: str | None, at: datetime) -> Claims:
        if authorization is None:
            raise WebhookError("no Authorization header")
        if not isinstance(authorization, str):
            raise WebhookError(f"the Authorization header must be a str, not {type(authorization).__name__}")
        scheme, _, token = authorization.strip().partition(" ")
        try:
            return self._verifier.verify(token.strip() if scheme.lower() == "bearer" else authorization.strip(), at=at)
        except TokenError as error:
            problem = str(error)
        raise WebhookError(problem)

    @staticmethod
    def _check_signature(data: bytes, claims: Claims) -> None:
        if claims.sha256 is None:
            raise WebhookError("the token signs no body (no sha256): it is no webhook's")
        if claims.video is not None and claims.video.room_join:
            raise WebhookError("the token is a participant's, not a webhook's")
        # As text: base64 that decodes to the same hash but is spelled otherwise was not written by the server.
        expected = base64.b64encode(hashlib.sha256(data).digest())
        if not hmac.compare_digest(expected, claims.sha256.encode()):
            raise WebhookError("the body is not the one that was signed")

    def _check_age(self, claims: Claims, now: float) -> None:
        if self._max_age is None:
            return
        signed_at = claims.issued_at or claims.not_before
        if signed_at is None:
            raise WebhookError("the token does not say when it was signed (no iat, no nbf)")
        if now - signed_at.timestamp() > self._max_age.total_seconds():
            raise WebhookError("the delivery was signed too long ago")

    def _event(self, data: bytes) -> WebhookEvent[M]:
        json_data = parse_json(data)
        read = None if json_data is None else self._read(json_data)
        if read is None:
            raise WebhookError(f"the body is no {self._message_class.DESCRIPTOR.full_name} in JSON")
        message, unknown, raw = read
        if not 0 <= message.created_at <= LATEST:
            raise WebhookError("the event's time is out of range")
        created_at = datetime.fromtimestamp(message.created_at, UTC)
        return WebhookEvent(
            event=message.event,
            id=message.id,
            created_at=created_at,
            message=message,
            unknown=unknown,
            raw=raw,
        )

    def _read(self, json_data: dict[str, Any]) -> tuple[Any, dict[str, str], Any] | None:
        """The message, the names that its schema does not know, and the JSON made read-only."""
        from google.protobuf.json_format import ParseDict, ParseError

        descriptor: Any = self._message_class.DESCRIPTOR
        unknown: dict[str, str] = {}
        try:
            marked = _marked(descriptor, json_data, "", unknown)
            message = ParseDict(marked, self._message_class(), ignore_unknown_fields=True)
            return message, unknown, freeze(json_data)
        except (ParseError, TypeError, ValueError, AttributeError, RecursionError):
            # Beside its own ParseError, protobuf lets what Python says of odd values through.
            return None


def _marked(descriptor: Descriptor, value: Any, path: str, unknown: dict[str, str]) -> Any:
    """JSON of a message in which enum names that its schema does not know are `UNKNOWN_ENUM`; they go into `unknown`.

    Left to itself, protobuf's parser drops them, and the field reads as 0, which is some other member. It also takes a
    text for an object without fields that it knows; that is a ValueError here.
    """
    if descriptor.file.package == "google.protobuf":
        return value
    if not isinstance(value, dict):
        raise ValueError("a message is no object")
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
            raise ValueError("a map is no object")
        return {key: _marked_field(of_values, one, f"{path}[{json.dumps(key)}]", unknown) for key, one in value.items()}
    if isinstance(value, list):
        return [_marked_field(each, one, f"{path}[{index}]", unknown) for index, one in enumerate(value)]
    if each.message_type is not None:
        return _marked(each.message_type, value, f"{path}.", unknown)
    if each.enum_type is not None and isinstance(value, float | bool):
        raise ValueError("an enum is neither a name nor a whole number")
    if each.enum_type is not None and isinstance(value, str) and value not in each.enum_type.values_by_name:
        unknown[path] = value
        return UNKNOWN_ENUM
    return value


@functools.cache
def _fields(descriptor: Descriptor) -> dict[str, FieldDescriptor]:
    """The fields by both spellings: of JSON, and of the proto."""
    return dict(_spelled(descriptor))


def _spelled(descriptor: Descriptor) -> Iterator[tuple[str, FieldDescriptor]]:
    for each in descriptor.fields:
        yield each.name, each
        yield each.json_name, each
