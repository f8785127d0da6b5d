"""LiveKit's rules: tokens, webhooks, regions and telephony errors. No other part of the runtime knows LiveKit.

Names are loaded when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from twirpkit.livekit.access_token import AccessToken
    from twirpkit.livekit.call_errors import call_error
    from twirpkit.livekit.cloud_hosts import agents_url
    from twirpkit.livekit.helpers import (
        change_permissions,
        dispatch_once,
        find_trunk,
        wait_until_active,
        wait_until_ended,
    )
    from twirpkit.livekit.regions import Regions
    from twirpkit.livekit.rpc_errors import RpcCallError
    from twirpkit.livekit.server_tokens import ServerTokens
    from twirpkit.livekit.sip_errors import SIPCallError, sip_call_error
    from twirpkit.livekit.token_endpoint import TokenEndpoint, TokenRequestError, TokenResponse
    from twirpkit.livekit.token_grants import (
        AgentEndpointGrants,
        AgentGrants,
        AgentThreadGrants,
        InferenceGrants,
        ObservabilityGrants,
        SIPGrants,
        VideoGrants,
    )
    from twirpkit.livekit.token_verifier import Claims, TokenError, TokenExpiredError, TokenVerifier, decode_unverified
    from twirpkit.livekit.webhook_event import UNKNOWN_ENUM, WebhookError, WebhookEvent
    from twirpkit.livekit.webhook_receiver import WebhookReceiver
    from twirpkit.livekit.webhook_signature import sign_webhook

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
    "RpcCallError",
    "SIPCallError",
    "SIPGrants",
    "ServerTokens",
    "TokenEndpoint",
    "TokenError",
    "TokenExpiredError",
    "TokenRequestError",
    "TokenResponse",
    "TokenVerifier",
    "VideoGrants",
    "WebhookError",
    "WebhookEvent",
    "WebhookReceiver",
    "agents_url",
    "call_error",
    "change_permissions",
    "decode_unverified",
    "dispatch_once",
    "find_trunk",
    "sign_webhook",
    "sip_call_error",
    "wait_until_active",
    "wait_until_ended",
]

_MODULES: Final = {
    "UNKNOWN_ENUM": "webhook_event",
    "AccessToken": "access_token",
    "AgentEndpointGrants": "token_grants",
    "AgentGrants": "token_grants",
    "AgentThreadGrants": "token_grants",
    "Claims": "token_verifier",
    "InferenceGrants": "token_grants",
    "ObservabilityGrants": "token_grants",
    "Regions": "regions",
    "RpcCallError": "rpc_errors",
    "SIPCallError": "sip_errors",
    "SIPGrants": "token_grants",
    "ServerTokens": "server_tokens",
    "TokenEndpoint": "token_endpoint",
    "TokenError": "token_verifier",
    "TokenExpiredError": "token_verifier",
    "TokenRequestError": "token_endpoint",
    "TokenResponse": "token_endpoint",
    "TokenVerifier": "token_verifier",
    "VideoGrants": "token_grants",
    "WebhookError": "webhook_event",
    "WebhookEvent": "webhook_event",
    "WebhookReceiver": "webhook_receiver",
    "agents_url": "cloud_hosts",
    "call_error": "call_errors",
    "change_permissions": "helpers",
    "decode_unverified": "token_verifier",
    "dispatch_once": "helpers",
    "find_trunk": "helpers",
    "sign_webhook": "webhook_signature",
    "sip_call_error": "sip_errors",
    "wait_until_active": "helpers",
    "wait_until_ended": "helpers",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
