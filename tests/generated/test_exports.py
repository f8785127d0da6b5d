"""What the package exports beside clients, messages and errors: LiveKit's own classes, one bound to its event."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import livekit_twirp
import twirpkit
import twirpkit.livekit
from livekit_twirp import AccessToken, TokenVerifier, VideoGrants, WebhookError, WebhookEvent, WebhookReceiver
from twirpkit.livekit import ServerTokens

KEY, SECRET = "devkey", "a secret that is long enough for HS256"
DELIVERIES = Path(__file__).parents[1] / "conformance" / "fixtures" / "webhooks.jsonl"
WORKFLOWS = {"change_permissions", "dispatch_once", "find_trunk", "wait_until_active", "wait_until_ended"}
"""Names that methods of the services use."""
PLUG_INS = {"ServerTokens", "TokenEndpoint", "agents_url", "call_error", "sip_call_error", *WORKFLOWS}
"""Names that the manifest uses and does not export."""
BOUND = {"AccessToken", "WebhookEvent", "WebhookReceiver"}
"""Classes of the package that are bound to its messages."""


def signed(body: bytes) -> str:
    """The Authorization header of a delivery."""
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    return f"Bearer {AccessToken(api_key=KEY, api_secret=SECRET, sha256=digest, ttl=timedelta(minutes=5)).to_jwt()}"


def test_receiver_refuses_what_its_base_refuses() -> None:
    body = b'{"event": "room_started"}'
    with pytest.raises(WebhookError, match="not the one that was signed"):
        WebhookReceiver(KEY, SECRET).receive(body + b" ", signed(body))
    with pytest.raises(ValueError, match="LIVEKIT_API_KEY"):
        WebhookReceiver()


@pytest.mark.parametrize("line", DELIVERIES.read_text("utf-8").splitlines(), ids=lambda line: json.loads(line)["id"])
def test_recorded_deliveries_are_read(line: str) -> None:
    request = json.loads(line)["request"]
    token = dict(request["headers"])["Authorization"]
    signed_at = livekit_twirp.decode_unverified(token).not_before
    receiver = WebhookReceiver(KEY, "secret" * 6)
    event = receiver.receive(base64.b64decode(request["body_b64"]), token, at=signed_at)
    assert type(event) is WebhookEvent
    assert event.id == request["message"]["id"] != ""


def test_tokens_are_made_and_verified_by_the_packages_names() -> None:
    token = AccessToken(
        api_key=KEY, api_secret=SECRET, identity="ann", video=VideoGrants(room_join=True, room="standup")
    ).to_jwt()
    claims = TokenVerifier(KEY, SECRET).verify(token, at=datetime.now(UTC))
    assert claims.identity == "ann"
    assert isinstance(claims, livekit_twirp.Claims)


def test_all_of_livekits_own_is_exported() -> None:
    """But for what the manifest plugs in."""
    own = set(twirpkit.livekit.__all__)
    assert own - set(livekit_twirp.__all__) == PLUG_INS
    assert ServerTokens is twirpkit.livekit.ServerTokens
    for name in own - PLUG_INS - BOUND:
        assert getattr(livekit_twirp, name) is getattr(twirpkit.livekit, name)
    for name in BOUND:
        assert issubclass(getattr(livekit_twirp, name), getattr(twirpkit.livekit, name))


RUNTIME = [
    "UNSET",
    "AsyncAuthorize",
    "AsyncTransport",
    "Authorize",
    "CallInfo",
    "Event",
    "Hook",
    "HttpRequest",
    "HttpResponse",
    "Method",
    "Phase",
    "RetryClass",
    "RetryOption",
    "RetryPolicy",
    "Transport",
    "TransportFailure",
    "__version__",
    "call_info",
]
"""Names of the runtime that users need for transports, hooks, options and facts of calls."""


@pytest.mark.parametrize("name", RUNTIME)
def test_names_of_the_runtime_are_exported(name: str) -> None:
    assert name in livekit_twirp.__all__
    assert getattr(livekit_twirp, name) is getattr(twirpkit, name)


@pytest.mark.parametrize("file", sorted((Path(livekit_twirp.__file__).parent / "types").rglob("*.py")), ids=str)
def test_types_of_requests_are_exported(file: Path) -> None:
    names = re.findall(r"^class (\w+)\(|^(\w+Name): TypeAlias", file.read_text("utf-8"), re.MULTILINE)
    for name in (either for pair in names for either in pair if either and not either.endswith("Keywords")):
        assert getattr(livekit_twirp, name).__module__ in (f"livekit_twirp.types.{file.stem}", "typing")


@pytest.mark.parametrize(
    ("name", "unloaded"),
    [
        ("AccessToken", ["jwt", "livekit_twirp.messages", "twirpkit.livekit.webhook_receiver"]),
        ("SIPCallError", ["jwt", "livekit_twirp.messages", "twirpkit.livekit.access_token"]),
        ("WebhookReceiver", ["jwt", "requests", "aiohttp", "livekit_twirp.messages.livekit_sip"]),
    ],
)
def test_exports_load_what_they_need(name: str, unloaded: list[str]) -> None:
    program = f"import sys; from livekit_twirp import {name}; print([m for m in {unloaded} if m in sys.modules])"
    ran = subprocess.run([sys.executable, "-W", "error", "-c", program], check=True, capture_output=True, text=True)
    assert ran.stdout == "[]\n"
