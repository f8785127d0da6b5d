"""Tokens with any claims, signed by the standard library: our own signer neither helps nor stands in the way."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any

from livekit_server import Target

__all__ = ["bearer"]


def bearer(target: Target, claims: Mapping[str, Any], *, nbf: float = -60, exp: float = 540, **parts: str) -> str:
    """An Authorization value.

    Args:
        target: Whose key and secret sign it; ``key=`` and ``secret=`` put others in their place.
        claims: Beside ``iss``, ``nbf`` and ``exp``.
        nbf: Seconds from now.
        exp: Seconds from now.
        parts: ``key`` and ``secret``.
    """
    now = int(time.time())
    payload = {"iss": parts.get("key", target.key), "nbf": int(now + nbf), "exp": int(now + exp), **claims}
    signed = f"{_encoded(json.dumps({'alg': 'HS256', 'typ': 'JWT'}))}.{_encoded(json.dumps(payload))}"
    digest = hmac.digest(parts.get("secret", target.secret).encode(), signed.encode(), hashlib.sha256)
    return f"Bearer {signed}.{_encoded(digest)}"


def _encoded(data: str | bytes) -> str:
    raw = data.encode() if isinstance(data, str) else data
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
