"""What a request's Authorization must be: checked with the standard library alone, so that no signer checks itself."""

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

__all__ = ["Authorization", "SignedTokens"]

CLOCK: Final = frozenset(("iss", "nbf", "exp"))
"""Claims that every token carries beside its row's."""


@dataclass(frozen=True, slots=True)
class SignedTokens:
    """Each call carries ``Bearer`` and a JWT of its own: HS256, short-lived, with exactly the claims that it needs.

    Args:
        issuer: The ``iss`` claim.
        secret: What the token is signed with.
        claims: The claims of a call beside ``iss``, ``nbf`` and ``exp``. For a test that bites they come from
            elsewhere than the clients' own table.
        lifetime: The longest time between ``nbf`` and ``exp`` in seconds.
        backdated: The least seconds that ``nbf`` lies back.
    """

    issuer: str
    secret: str = field(repr=False)
    claims: Callable[[Method[Any, Any], Message], Mapping[str, Any]]
    lifetime: float = 600
    backdated: float = 30

    def mismatches(self, values: list[str], method: Method[Any, Any], message: Message) -> list[str]:
        """What is wrong with the Authorization lines of a request; empty if nothing is."""
        if len(values) != 1 or not values[0].startswith("Bearer "):
            return [f"Authorization: expected one line with Bearer and a token, got {len(values)} line(s)"]
        parts = values[0].removeprefix("Bearer ").split(".")
        try:
            header, payload = (json.loads(_decoded(part)) for part in parts[:2])
        except ValueError:
            header = payload = None
        if len(parts) != 3 or not isinstance(header, dict) or not isinstance(payload, dict):
            return ["Authorization: the token is no JWT"]
        found = [] if header == {"alg": "HS256", "typ": "JWT"} else [f"token header: got {header}"]
        signature = hmac.digest(self.secret.encode(), ".".join(parts[:2]).encode(), hashlib.sha256)
        if not hmac.compare_digest(_encoded(signature), parts[2]):
            found.append("token signature: not made with the secret")
        return found + self._clock(payload) + self._row(payload, self.claims(method, message))

    def _clock(self, payload: Mapping[str, Any]) -> list[str]:
        found = (
            []
            if payload.get("iss") == self.issuer
            else [f"claim iss: expected {self.issuer!r}, got {payload.get('iss')!r}"]
        )
        start, end, now = payload.get("nbf"), payload.get("exp"), time.time()
        if not isinstance(start, int) or not isinstance(end, int):
            return [*found, "claims nbf and exp: expected whole seconds"]
        if not now - self.lifetime < start <= now - self.backdated:
            found.append(f"claim nbf: lies {now - start:.0f} s back")
        if not now < end <= start + self.lifetime:
            found.append(f"claim exp: {end - start} s after nbf, {end - now:.0f} s from now")
        return found

    def _row(self, payload: Mapping[str, Any], expected: Mapping[str, Any]) -> list[str]:
        granted = {name: value for name, value in payload.items() if name not in CLOCK}
        # As text, because in Python True == 1 and in a policy it does not.
        if json.dumps(granted, sort_keys=True) == json.dumps(expected, sort_keys=True):
            return []
        return [f"claims: expected {dict(expected)}, got {granted}"]


Authorization: TypeAlias = SignedTokens | str | None
"""What requests carry: tokens of their own, always this value, or no Authorization at all."""


def _decoded(part: str) -> bytes:
    return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
