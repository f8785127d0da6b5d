"""Tokens made by hand: the ones that no honest signer would make."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

from hidden import KEY, SECRET

__all__ = ["b64", "mint", "mint_raw"]


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def mint_raw(header: bytes, payload: bytes, *, secret: str = SECRET, digest: Any = hashlib.sha256) -> str:
    """A token of any two parts, signed."""
    head = f"{b64(header)}.{b64(payload)}"
    return f"{head}.{b64(hmac.new(secret.encode(), head.encode(), digest).digest())}"


def mint(claims: dict[str, Any], *, secret: str = SECRET, digest: Any = hashlib.sha256, **header: Any) -> str:
    """A token of any claims and header, signed. Its issuer is the known key where the claims do not say."""
    head = {"alg": "HS256", "typ": "JWT", **header}
    return mint_raw(
        json.dumps(head).encode(), json.dumps({"iss": KEY, **claims}).encode(), secret=secret, digest=digest
    )
