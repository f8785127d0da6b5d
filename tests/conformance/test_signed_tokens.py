"""What the token check takes and refuses, beside PyJWT as the other opinion."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from recordings import KEY, SECRET

from livekit_twirp._methods.room import LIST_ROOMS
from twirpkit.conformance import SignedTokens

ROW = {"video": {"roomList": True}}
TOKENS = SignedTokens(KEY, SECRET, lambda method, message: ROW)


def found(value: str, *more: str) -> list[str]:
    return TOKENS.mismatches([value, *more], LIST_ROOMS, LIST_ROOMS.request())


def signed(algorithm: str = "HS256", headers: dict[str, Any] | None = None, **changes: Any) -> str:
    start = int(time.time()) - 60
    claims = {"iss": KEY, "nbf": start, "exp": start + 600, **ROW, **changes}
    claims = {name: value for name, value in claims.items() if value is not None}
    return f"Bearer {jwt.encode(claims, SECRET, algorithm=algorithm, headers=headers)}"


def test_good_token() -> None:
    assert found(signed()) == []


def test_secret_does_not_show() -> None:
    assert SECRET not in repr(TOKENS)


def now() -> int:
    return int(time.time())


BAD = {
    "two lines": (lambda: (signed(), signed()), "got 2 line(s)"),
    "scheme": (lambda: (signed().replace("Bearer", "bearer"),), "expected one line with Bearer"),
    "garbage": (lambda: ("Bearer a.b.c",), "not a JWT"),
    "two parts": (lambda: (signed().rpartition(".")[0],), "not a JWT"),
    "list": (lambda: ("Bearer W10.W10.W10",), "not a JWT"),
    "signature": (lambda: (signed()[:-3] + "AAA",), "signature"),
    "algorithm": (lambda: (signed("HS512"),), "token header: got {'alg': 'HS512'"),
    "key id": (lambda: (signed(headers={"kid": "1"}),), "token header: "),
    "issuer": (lambda: (signed(iss="other"),), "claim iss: expected 'devkey', got 'other'"),
    "no start": (lambda: (signed(nbf=None),), "whole seconds"),
    "half second": (lambda: (signed(exp=now() + 0.5),), "whole seconds"),
    "starts now": (lambda: (signed(nbf=now()),), "claim nbf: is"),
    "expired": (lambda: (signed(nbf=now() - 500, exp=now() - 1),), "claim exp: "),
    "too long": (lambda: (signed(exp=now() + 550),), "claim exp: "),
    "iat": (lambda: (signed(iat=now()),), "claims: expected"),
    "number for true": (lambda: (signed(video={"roomList": 1}),), "claims: expected"),
}


@pytest.mark.parametrize(("values", "problem"), BAD.values(), ids=BAD)
def test_bad_token(values: Callable[[], tuple[str, ...]], problem: str) -> None:
    assert problem in "\n".join(found(*values()))
