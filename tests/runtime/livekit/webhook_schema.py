"""LiveKit's messages in a private pool, as a generated package has them, out of livekit-protocol's descriptors."""

from __future__ import annotations

import sys
import types
from typing import Any

import livekit.protocol.room
import livekit.protocol.webhook

from twirpkit._schema.message_pool import MessagePool

__all__ = ["CreateRoomRequest", "RoomConfiguration", "WebhookEvent"]

_POOL = MessagePool()
_MODULES: dict[str, Any] = {}


def _load(file: Any) -> Any:
    if file.name not in _MODULES:
        for dependency in file.dependencies:
            if not dependency.name.startswith("google/protobuf/"):
                _load(dependency)
        module = types.ModuleType(f"webhook_schema_{len(_MODULES)}")
        sys.modules[module.__name__] = _MODULES[file.name] = module
        _POOL.load(file.serialized_pb, vars(module))
    return _MODULES[file.name]


WebhookEvent: Any = _load(livekit.protocol.webhook.DESCRIPTOR).WebhookEvent
RoomConfiguration: Any = _load(livekit.protocol.room.DESCRIPTOR).RoomConfiguration
CreateRoomRequest: Any = _load(livekit.protocol.room.DESCRIPTOR).CreateRoomRequest
