"""Secrets in the frames of what refuses them, which tracebacks with local variables show."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hidden import frames_of
from test_webhook_receiver import Event, Receiver

from twirpkit.livekit import AccessToken, TokenVerifier, VideoGrants, sign_webhook

BAD = "canary-secret-of-more-than-32-characters\n"
QUOTED = '"canary-secret-of-more-than-32-characters"'
GOOD = "canary-secret-of-more-than-32-characters"
KEY = "APIabcdefghijk"


@pytest.mark.parametrize("secret", [BAD, QUOTED])
@pytest.mark.parametrize(
    "refuse",
    [
        lambda secret: AccessToken(KEY, secret),
        lambda secret: AccessToken(api_key=KEY, api_secret=secret, identity="ann"),
        lambda secret: TokenVerifier(KEY, secret),
        lambda secret: TokenVerifier(keys={"other": GOOD, KEY: secret}),
        lambda secret: Receiver(KEY, secret),
        lambda secret: Receiver(keys={KEY: secret}),
        lambda secret: sign_webhook(Event(event="room_started"), KEY, secret),
    ],
)
def test_a_refused_secret_is_in_no_frame(refuse: Callable[[str], Any], secret: str) -> None:
    with pytest.raises(ValueError, match=r"^(the|an) API secret has ") as caught:
        refuse(secret)
    assert "canary" not in frames_of(caught.value)


@pytest.mark.parametrize(
    "refuse",
    [
        lambda: AccessToken(KEY, GOOD, ttl=3),  # type: ignore[arg-type]  # the mistake
        lambda: AccessToken(KEY, GOOD, video=VideoGrants(room_join=True)),
        lambda: AccessToken(KEY, GOOD, identity="ann", idenity="bob"),  # type: ignore[call-arg]  # the mistake
        lambda: TokenVerifier(KEY, GOOD, leeway=3),  # type: ignore[arg-type]  # the mistake
        lambda: Receiver(KEY, GOOD, max_bytes=0),
        lambda: sign_webhook(None, KEY, GOOD),  # type: ignore[arg-type]  # the mistake
    ],
)
def test_another_mistake_shows_no_secret(refuse: Callable[[], Any]) -> None:
    with pytest.raises((TypeError, ValueError)) as caught:
        refuse()
    assert "canary" not in frames_of(caught.value)


@pytest.mark.parametrize("make", [AccessToken, TokenVerifier, Receiver])
def test_swapped_key_and_secret_are_told(make: Callable[[str, str], Any]) -> None:
    with pytest.raises(ValueError, match=r"are they swapped\?$") as caught:
        make(GOOD, KEY)
    assert "canary" not in str(caught.value)
