"""Detection of a clock that differs from the server's, which makes signed tokens invalid (rule C11)."""

from __future__ import annotations

from typing import Final, Protocol, runtime_checkable

from twirpkit._engine.client_config import ClientConfig
from twirpkit._protocol.constants import DATE
from twirpkit._protocol.twirp_responses import seconds_until
from twirpkit.events import LOGGER
from twirpkit.transports.base import HttpResponse

__all__ = ["ClockedSigner", "correct_clock"]

LEEWAY: Final = 30.0
"""Seconds by which two clocks may differ before a token that was refused is signed again by the server's clock."""
LONGEST: Final = 86_400.0
"""Seconds of the longest skew that is corrected. A server must not choose the day on which a token holds."""


@runtime_checkable
class ClockedSigner(Protocol):
    """A signer whose tokens hold for a time, so that it must know the time as the server does."""

    def set_clock_skew(self, seconds: float, /) -> bool:
        """Sign by a clock that is so many seconds ahead of ours. Returns False if it did so already."""
        ...


def correct_clock(config: ClientConfig, response: HttpResponse) -> bool:
    """Correct the signer's clock by the ``Date`` of a response that refused a token.

    Returns:
        True if the signer's clock is now as the server's is, whether it was before or not.
    """
    signer = config.authorize
    if not isinstance(signer, ClockedSigner):
        return False
    skew = _skew(response)
    if skew is None or abs(skew) > LONGEST:
        return False
    skew = skew if abs(skew) > LEEWAY else 0.0  # 0 where somebody has put this machine's clock right since
    if signer.set_clock_skew(skew) and skew:
        ahead = "behind" if skew > 0 else "ahead of"
        text = f"this machine's clock is {abs(skew):.0f} s {ahead} the server's"
        LOGGER.warning("%s: tokens are signed by the server's clock; correct the clock of this machine", text)
    return True


def _skew(response: HttpResponse) -> float | None:
    """Return the seconds that the server's clock is ahead of ours, None if the response does not tell."""
    return seconds_until(response.headers.get(DATE.lower(), ""))
