"""The errors that LiveKit's calls raise in place of Twirp's own."""

from __future__ import annotations

from collections.abc import Callable

from twirpkit.errors import TwirpError
from twirpkit.livekit.rpc_errors import rpc_call_error
from twirpkit.livekit.sip_errors import sip_call_error

__all__ = ["call_error"]


def call_error(error: TwirpError, said: str | None, clean: Callable[[str], str]) -> TwirpError:
    """Return the error that a caller sees: the plug-in `errors` of the manifest, whose arguments these are."""
    return rpc_call_error(sip_call_error(error), said, clean)
