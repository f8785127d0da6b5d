"""The recorded exchanges of a real server, and what they say about grants: what the policy table must answer to."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest
from google.protobuf.message import Message

from livekit_twirp import AsyncLiveKitAPI, LiveKitAPI
from twirpkit import Method
from twirpkit.conformance import Exchange, Mode, SignedTokens, Suite, load
from twirpkit.transports.aiohttp_session import AiohttpTransport
from twirpkit.transports.httpx_client import AsyncHttpxTransport, HttpxTransport
from twirpkit.transports.requests_session import RequestsTransport

__all__ = [
    "BY_ID",
    "CLIENTS",
    "CLOUD",
    "EXCHANGES",
    "KEY",
    "LIBRARIES",
    "MODES",
    "SECRET",
    "TEMPLATES",
    "expected_claims",
    "filled",
    "new_suite",
]

FILES: Final = tuple(f"{name}.jsonl" for name in ("room", "http", "egress", "ingress", "sip", "agent_dispatch", "mock"))
EXCHANGES: Final[list[Exchange]] = [each for name in FILES for each in load(Path(__file__).parent / "fixtures" / name)]
BY_ID: Final = {each.id: each for each in EXCHANGES}
MODES: Final[tuple[Mode, ...]] = ("sync", "async")
LIBRARIES: Final = {
    "sockets": {},
    "requests and aiohttp": {"transport": RequestsTransport, "async_transport": AiohttpTransport},
    "httpx": {"transport": HttpxTransport, "async_transport": AsyncHttpxTransport},
}
"""The transports of a suite, sync and async, by what they use."""
CLIENTS: Final = [
    # Thousands of exchanges: over the transports that nobody chose, and over those of libraries where there is time.
    pytest.param(library, mode, id=f"{mode}-{library}", marks=() if library == "sockets" else pytest.mark.slow)
    for library in LIBRARIES
    for mode in MODES
]

KEY: Final = "devkey"
SECRET: Final = "a secret of this test, and long enough for every HMAC that signs a token here"  # no server knows it


def _template(claims: Any, fields: Mapping[str, Any]) -> Any:
    """Claims with each value that stands in a field of the request replaced by that field's name."""
    if isinstance(claims, dict):
        return {name: _template(value, fields) for name, value in claims.items()}
    names = [name for name, value in fields.items() if isinstance(claims, str) and value == claims]
    if len(names) > 1:
        raise ValueError(f"the fields {names} have one value: the recording cannot tell them apart")
    return f"${names[0]}" if names else claims


def filled(template: Any, message: Message) -> Any:
    """A row's claims for one request."""
    if isinstance(template, dict):
        return {name: filled(value, message) for name, value in template.items()}
    return getattr(message, template[1:]) if isinstance(template, str) and template.startswith("$") else template


TEMPLATES: Final[dict[str, Any]] = {
    each.rpc: _template(each.claims, each.request.message)
    for each in EXCHANGES
    if each.rpc is not None and each.id.endswith("/grants_minimal")
}
"""By RPC: the claims that the real server found to be enough, as the ``grants_minimal`` exchanges have them."""

CLOUD: Final[dict[str, Any]] = {
    f"livekit.Connector/{name}": {"video": {"roomCreate": True}}
    for name in (
        "AcceptWhatsAppCall",
        "ConnectTwilioCall",
        "ConnectWhatsAppCall",
        "DialWhatsAppCall",
        "DisconnectWhatsAppCall",
    )
}
"""The claims of RPCs that the open-source server lacks, and that are recorded all the same."""


def expected_claims(method: Method[Any, Any], message: Message) -> Mapping[str, Any]:
    """The claims of one call, from the recordings alone."""
    claims: Mapping[str, Any] = filled((TEMPLATES | CLOUD)[method.path], message)
    return claims


def own_error(message: str, meta: Mapping[str, Any]) -> str | None:
    """The name of LiveKit's own class of errors."""
    if "sip_status_code" in meta:
        return "SIPCallError"
    return "RpcCallError" if message.startswith("RpcError ") else None


def new_suite(**options: Any) -> Suite:
    """The suite over both clients of the SDK; options go to `Suite`."""
    given = {
        "credentials": {"api_key": KEY, "api_secret": SECRET},
        "authorization": SignedTokens(KEY, SECRET, expected_claims),
        "own_error": own_error,
        **options,
    }
    return Suite(LiveKitAPI, AsyncLiveKitAPI, **given)
