"""Limits of a server's configuration, with the errors of a request that exceeds one."""

from __future__ import annotations

from collections.abc import Mapping

from twirpkit.errors import InvalidArgumentError
from twirpkit.livekit.testing.fake_settings import FakeSettings

__all__ = ["attributes_size", "check_attributes", "check_metadata", "check_name"]


def check_metadata(settings: FakeSettings, metadata: str) -> None:
    """Refuse metadata that is too long."""
    _check("metadata size", len(metadata.encode()), settings.max_metadata)


def check_name(settings: FakeSettings, name: str) -> None:
    """Refuse a participant's name that is too long."""
    _check("name length", len(name.encode()), settings.max_name)


def check_attributes(settings: FakeSettings, attributes: Mapping[str, str]) -> None:
    """Refuse attributes that are too large."""
    _check("attribute size", attributes_size(attributes), settings.max_attributes)


def attributes_size(attributes: Mapping[str, str]) -> int:
    """Return the bytes of all keys and values."""
    return sum(len(key.encode()) + len(value.encode()) for key, value in attributes.items())


def _check(what: str, size: int, limit: int) -> None:
    if size > limit:
        text = f"{what} exceeds limits"
        raise InvalidArgumentError(f"{text} {limit}", meta={"argument": text})
