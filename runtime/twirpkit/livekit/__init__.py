"""What is LiveKit's own: the one part of the runtime that knows a service by name.

The names here are loaded when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from twirpkit.livekit.access import AccessToken
    from twirpkit.livekit.grants import (
        AgentEndpointGrants,
        AgentGrants,
        AgentThreadGrants,
        InferenceGrants,
        ObservabilityGrants,
        SIPGrants,
        VideoGrants,
    )
    from twirpkit.livekit.hosts import agents_url
    from twirpkit.livekit.regions import Regions
    from twirpkit.livekit.sip import SIPCallError, sip_call_error
    from twirpkit.livekit.tokens import ServerTokens
    from twirpkit.livekit.verifier import Claims, TokenError, TokenExpiredError, TokenVerifier, decode_unverified
    from twirpkit.livekit.webhooks import UNKNOWN_ENUM, WebhookError, WebhookEvent, WebhookReceiver

__all__ = [
    "UNKNOWN_ENUM",
    "AccessToken",
    "AgentEndpointGrants",
    "AgentGrants",
    "AgentThreadGrants",
    "Claims",
    "InferenceGrants",
    "ObservabilityGrants",
    "Regions",
    "SIPCallError",
    "SIPGrants",
    "ServerTokens",
    "TokenError",
    "TokenExpiredError",
    "TokenVerifier",
    "VideoGrants",
    "WebhookError",
    "WebhookEvent",
    "WebhookReceiver",
    "agents_url",
    "decode_unverified",
    "sip_call_error",
]

_MODULES: Final = {
    "UNKNOWN_ENUM": "webhooks",
    "AccessToken": "access",
    "AgentEndpointGrants": "grants",
    "AgentGrants": "grants",
    "AgentThreadGrants": "grants",
    "Claims": "verifier",
    "InferenceGrants": "grants",
    "ObservabilityGrants": "grants",
    "Regions": "regions",
    "SIPCallError": "sip",
    "SIPGrants": "grants",
    "ServerTokens": "tokens",
    "TokenError": "verifier",
    "TokenExpiredError": "verifier",
    "TokenVerifier": "verifier",
    "VideoGrants": "grants",
    "WebhookError": "webhooks",
    "WebhookEvent": "webhooks",
    "WebhookReceiver": "webhooks",
    "agents_url": "hosts",
    "decode_unverified": "verifier",
    "sip_call_error": "sip",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
