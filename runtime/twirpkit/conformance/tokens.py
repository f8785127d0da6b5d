"""Checks of a request's Authorization header, with the standard library only: no signer checks its own tokens."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from google.protobuf.message import Message

from twirpkit.rpc import Method

__all__ = ["ExpectedAuthorization", "SignedTokens"]

REGISTERED: Final = frozenset(("iss", "nbf", "exp"))
"""The claims of every token besides those of the call."""


@dataclass(frozen=True, slots=True)
class SignedTokens:
    """The expectation that each request has its own JWT: HS256, short-lived, with exactly the claims of the call.

    Args:
        issuer: The ``iss`` claim.
        secret: The key that tokens are signed with.
        claims: Returns the claims of a call besides ``iss``, ``nbf`` and ``exp``. They must come from another source
            than the clients' own policy table, or the check compares that table with itself.
        lifetime: The maximum number of seconds from ``nbf`` to ``exp``.
        backdated: The minimum age of ``nbf`` in seconds.
    """

    issuer: str
    secret: str = field(repr=False)
    claims: Callable[[Method[Any, Any], Message], Mapping[str, Any]]
    lifetime: float = 600
    backdated: float = 30

    def mismatches(self, values: list[str], method: Method[Any, Any], message: Message) -> list[str]:
        """Return the mismatches of the Authorization headers of a request, empty if there are none."""
        if len(values) != 1 or not values[0].startswith("Bearer "):
            return [f"Authorization: expected one line with Bearer and a token, got {len(values)} line(s)"]
        parts = values[0].removeprefix("Bearer ").split(".")
        try:
            header, payload = (json.loads(_decoded(part)) for part in parts[:2])
        except ValueError:
            header = payload = None
        if len(parts) != 3 or not isinstance(header, dict) or not isinstance(payload, dict):
            return ["Authorization: the token is not a JWT"]
        found = [] if header == {"alg": "HS256", "typ": "JWT"} else [f"token header: got {header}"]
        signature = hmac.digest(self.secret.encode(), ".".join(parts[:2]).encode(), hashlib.sha256)
        if not hmac.compare_digest(_encoded(signature), parts[2]):
            found.append("token signature: not made with the secret")
        return found + self._time_mismatches(payload) + self._claim_mismatches(payload, self.claims(method, message))

    def _time_mismatches(self, payload: Mapping[str, Any]) -> list[str]:
        found = (
            []
            if payload.get("iss") == self.issuer
            else [f"claim iss: expected {self.issuer!r}, got {payload.get('iss')!r}"]
        )
        start, end, now = payload.get("nbf"), payload.get("exp"), time.time()
        if not isinstance(start, int) or not isinstance(end, int):
            return [*found, "claims nbf and exp: expected whole seconds"]
        if not now - self.lifetime < start <= now - self.backdated:
            found.append(f"claim nbf: is {now - start:.0f} s old")
        if not now < end <= start + self.lifetime:
            found.append(f"claim exp: {end - start} s after nbf, {end - now:.0f} s from now")
        return found

    def _claim_mismatches(self, payload: Mapping[str, Any], expected: Mapping[str, Any]) -> list[str]:
        granted = {name: value for name, value in payload.items() if name not in REGISTERED}
        # Compared as text, because True == 1 in Python but not in a policy.
        if json.dumps(granted, sort_keys=True) == json.dumps(expected, sort_keys=True):
            return []
        return [f"claims: expected {dict(expected)}, got {granted}"]


ExpectedAuthorization: TypeAlias = SignedTokens | str | None
"""The expected Authorization of requests: a token of their own, a fixed value, or None for no header."""


def _decoded(part: str) -> bytes:
    return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
