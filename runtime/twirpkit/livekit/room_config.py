"""Room configurations inside tokens: checked against the schema, kept as JSON, and searched for credentials."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from google.protobuf.message import Message

from twirpkit._schema.json_reader import from_dict
from twirpkit._schema.request_messages import request_message
from twirpkit.livekit.frozen_json import FrozenDict, freeze

__all__ = ["room_config_json", "sensitive_paths"]

_FULL_NAME: Final = "livekit.RoomConfiguration"
_SECRET_KEYS: Final = frozenset(
    ("secret", "sessionToken", "assumeRoleExternalId", "credentials", "accountKey", "password")
)
"""Keys of storage settings that a participant must not see. An S3 access key without its secret is allowed, as in
LiveKit's server."""
_STREAM_KEYS: Final = frozenset(("stream", "streamOutputs", "urls"))
"""Keys of addresses to stream to, which hold stream keys."""
_SENSITIVE_KEYS: Final = _SECRET_KEYS | _STREAM_KEYS
_FREE_MAPS: Final = frozenset(("attributes", "metadata", "tags"))
"""Maps whose keys belong to the user."""


def room_config_json(value: object, message_class: type[Message] | None) -> FrozenDict:
    """Return a room configuration as immutable JSON (camelCase).

    Args:
        value: A ``livekit.RoomConfiguration`` of any library, or a mapping.
        message_class: The class that a mapping is checked against; None if there is none.

    Raises:
        TypeError: It is neither, a field is unknown or has the wrong type, or there is no class for a mapping.
        ValueError: A value is out of range, or it is nested too deeply.
    """
    from google.protobuf.json_format import MessageToDict

    if isinstance(value, Mapping):
        if message_class is None:
            raise TypeError(
                "AccessToken: a room_config that is a mapping needs messages to check it: "
                "take AccessToken of the generated package"
            )
        # What is frozen was JSON before: of another AccessToken, or of the claims of a token.
        is_json = isinstance(value, FrozenDict)
        value = from_dict(message_class, value) if is_json else request_message(message_class, value, {})
    if not isinstance(value, Message):
        raise TypeError(f"AccessToken: room_config must be a message or a mapping, not {type(value).__name__}")
    if value.DESCRIPTOR.full_name != _FULL_NAME:
        raise TypeError(f"AccessToken: room_config must be a {_FULL_NAME}, not a {value.DESCRIPTOR.full_name}")
    return FrozenDict(freeze(MessageToDict(value)))


def sensitive_paths(value: Any, path: str) -> Iterator[str]:
    """Yield the paths of credentials in JSON data of ``egress``."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            if key in _SENSITIVE_KEYS and each:
                yield f"{path}.{key}"
            elif key not in _FREE_MAPS:
                yield from sensitive_paths(each, f"{path}.{key}")
    elif isinstance(value, tuple):
        for index, each in enumerate(value):
            yield from sensitive_paths(each, f"{path}[{index}]")
