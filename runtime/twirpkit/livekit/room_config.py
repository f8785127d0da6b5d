"""A room's configuration inside a token: kept as JSON, and looked through for credentials."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from google.protobuf.message import Message

from twirpkit.livekit.frozen_json import freeze
from twirpkit.livekit.token_grants import camel, checked_text

__all__ = ["room_config_json", "sensitive_paths"]

_SECRET_KEYS: Final = frozenset(
    ("secret", "sessionToken", "assumeRoleExternalId", "credentials", "accountKey", "password")
)
"""What a room configuration's storage settings hold that a participant must not see. An S3 access key alone, without
its secret, may be there: LiveKit's server lets it pass too."""
_STREAM_KEYS: Final = frozenset(("stream", "streamOutputs", "urls"))
"""Where it holds addresses to stream to, which carry stream keys."""
_SENSITIVE_KEYS: Final = _SECRET_KEYS | _STREAM_KEYS
_FREE_MAPS: Final = frozenset(("attributes", "metadata", "tags"))
"""Its maps, whose keys belong to the user."""


def room_config_json(value: object) -> Any:
    """A room configuration as JSON (camelCase) that does not change. Raises TypeError and ValueError."""
    if value is None:
        return None
    if not isinstance(value, Message | Mapping):
        raise TypeError(f"AccessToken: room_config must be a message or a mapping, not {type(value).__name__}")
    return freeze(_json(value, "AccessToken: room_config"))


def _json(value: Any, where: str, *, free: bool = False) -> Any:
    """Protobuf's JSON of what a user wrote. The keys of a free map stay as they are."""
    if isinstance(value, Message):
        from google.protobuf.json_format import MessageToDict

        return MessageToDict(value)
    if isinstance(value, Mapping):
        pairs = {checked_text(key, f"a key of {where}"): each for key, each in value.items() if each is not None}
        names = {key: key if free else camel(key) for key in pairs}
        return {names[key]: _json(each, f"{where}.{key}", free=names[key] in _FREE_MAPS) for key, each in pairs.items()}
    if isinstance(value, list | tuple):
        return [_json(each, f"an element of {where}") for each in value]
    if isinstance(value, str):
        return checked_text(value, where)
    if not isinstance(value, bool | int | float):
        raise TypeError(f"{where}: no room configuration holds a {type(value).__name__}")
    return value


def sensitive_paths(value: Any, path: str) -> Iterator[str]:
    """Where JSON data under ``egress`` holds credentials."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            if key in _SENSITIVE_KEYS and each:
                yield f"{path}.{key}"
            elif key not in _FREE_MAPS:
                yield from sensitive_paths(each, f"{path}.{key}")
    elif isinstance(value, tuple):
        for index, each in enumerate(value):
            yield from sensitive_paths(each, f"{path}[{index}]")
