"""Signatures of webhooks: the hash of a body inside a token."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import datetime, timedelta
from typing import Any, Final

from twirpkit._secret import conceal
from twirpkit.livekit.access_token import AccessToken
from twirpkit.livekit.webhook_event import WebhookEvent

__all__ = ["body_hash", "sign_webhook"]

LIFETIME: Final = timedelta(minutes=5)
"""Lifetime of a signature, the same as in LiveKit's server."""


def body_hash(body: bytes) -> str:
    """Return the SHA-256 of a body in base64: the claim ``sha256`` of the token that signs it."""
    return base64.b64encode(hashlib.sha256(body).digest()).decode()


def sign_webhook(
    event: WebhookEvent[Any],
    api_key: str | None = None,
    api_secret: str | None = None,
    *,
    at: datetime | None = None,
) -> tuple[bytes, str]:
    """Return body and Authorization header of a delivery, as a LiveKit server sends them: for tests of a handler.

    Args:
        event: The event, for example ``WebhookEvent(event="room_started", room={"name": "standup"})``.
        api_key: The key. Without key and secret, both come from LIVEKIT_API_KEY and LIVEKIT_API_SECRET.
        api_secret: The key's secret.
        at: An aware datetime to use instead of the current time. The signature is valid for five minutes from then.

    Raises:
        TypeError: `event` is not a `WebhookEvent`.
        ValueError: No key or secret.
    """
    api_key, api_secret = conceal(api_key, api_secret)
    if not isinstance(event, WebhookEvent):
        raise TypeError(f"event must be a WebhookEvent, not {type(event).__name__}")
    body = json.dumps(event.raw, ensure_ascii=False, separators=(",", ":")).encode()
    token = AccessToken(api_key, api_secret, sha256=body_hash(body), ttl=LIFETIME)
    return body, token.to_jwt(at=at)
