"""Tokens that a server must not take: what the error is, and that it says why without saying the token."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pytest
from callers import Caller, every_text, failure_of, transport_with
from livekit_server import Target
from tokens_by_hand import bearer

from livekit_twirp import AuthError, UnauthenticatedError

HOUR: Final = 3600.0
LIST: Final = {"video": {"roomList": True}}
JSON: Final = "eyJ"
"""How a JSON object begins in base64, and so every token."""
OTHER: Final = "a secret that signs nothing else, and long enough for any HMAC"

TOKENS: Final[dict[str, tuple[Callable[[Target], str], str]]] = {
    "expired": (lambda target: bearer(target, LIST, nbf=-2 * HOUR, exp=-HOUR), "token is expired"),
    "not yet valid": (lambda target: bearer(target, LIST, nbf=HOUR, exp=2 * HOUR), "token is not valid yet"),
    "wrong secret": (lambda target: bearer(target, LIST, secret=OTHER), "signature is invalid"),
    "unknown key": (lambda target: bearer(target, LIST, key="twirpkit-unknown"), "invalid API key: twirpkit-unknown"),
    "garbage": (lambda target: "Bearer twirpkit.garbage", "invalid authorization token"),
    "no scheme": (lambda target: bearer(target, LIST).removeprefix("Bearer "), "Must start with Bearer"),
    "no grants": (lambda target: bearer(target, {}), "permissions denied"),
}
"""What is sent, and the server's reason."""

REFUSED_IN: Final = ("livekit.RoomService/ListRooms", "livekit.Egress/ListEgress", "livekit.SIP/ListSIPInboundTrunk")


@pytest.mark.parametrize("rpc", REFUSED_IN)
@pytest.mark.parametrize("token", TOKENS)
def test_bad_token_is_an_error_with_its_reason(
    token: str, rpc: str, target: Target, open_caller: Callable[..., Caller]
) -> None:
    make, reason = TOKENS[token]
    authorization = make(target)
    error = failure_of(open_caller(auth=authorization).call, rpc, {})
    assert type(error) is UnauthenticatedError
    assert isinstance(error, AuthError)
    assert (error.status, error.sent, error.attempts) == (401, "yes", 1)
    assert reason in str(error)
    _does_not_show(error, authorization)


def test_call_without_a_token_is_refused(kind: str, open_caller: Callable[..., Caller]) -> None:
    caller = open_caller(transport=transport_with(kind, lambda headers: headers.pop("Authorization")))
    error = failure_of(caller.call, "livekit.RoomService/ListRooms", {})
    assert type(error) is UnauthenticatedError
    assert error.status == 401
    assert "permissions denied" in str(error)


def test_wrong_secret_of_a_client_does_not_show(
    target: Target, open_caller: Callable[..., Caller], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("DEBUG"):
        error = failure_of(open_caller(api_key=target.key, api_secret=OTHER).call, "livekit.RoomService/ListRooms", {})
    assert type(error) is UnauthenticatedError
    assert "signature is invalid" in str(error)
    for text in (*every_text(error), caplog.text):
        assert OTHER not in text
        assert JSON not in text


def _does_not_show(error: Any, authorization: str) -> None:
    token = authorization.removeprefix("Bearer ")
    for text in every_text(error):
        assert not [each for each in (token, *token.split(".")[2:]) if each in text]  # nor the signature alone
        assert JSON not in text
