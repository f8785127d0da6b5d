"""The package's names: all there, and loaded when they are asked for."""

from __future__ import annotations

import subprocess
import sys

import pytest

import twirpkit.livekit

SCRIPT = """
import sys, twirpkit.livekit
assert not [name for name in sys.modules if name.startswith("twirpkit.livekit.")]
assert "jwt" not in sys.modules and "google.protobuf.json_format" not in sys.modules
from twirpkit.livekit import AccessToken, TokenVerifier, WebhookError
token = AccessToken(api_key="k", api_secret="s")
assert "jwt" not in sys.modules and "google.protobuf.json_format" not in sys.modules
text = token.to_jwt()
assert "jwt" in sys.modules and "google.protobuf.json_format" not in sys.modules
assert TokenVerifier("k", "s").verify(text).issuer == "k"
assert not [name for name in ("requests", "aiohttp", "livekit_twirp") if name in sys.modules]
"""


def test_load_when_used() -> None:
    subprocess.run([sys.executable, "-W", "error", "-c", SCRIPT], check=True)


@pytest.mark.parametrize("name", twirpkit.livekit.__all__)
def test_are_there(name: str) -> None:
    assert getattr(twirpkit.livekit, name) is vars(twirpkit.livekit)[name]
    assert name in dir(twirpkit.livekit)


def test_are_the_whole_list() -> None:
    assert sorted(twirpkit.livekit._MODULES) == sorted(twirpkit.livekit.__all__)
    with pytest.raises(AttributeError, match=r"^module 'twirpkit.livekit' has no attribute 'Tokens'$"):
        twirpkit.livekit.Tokens  # noqa: B018
