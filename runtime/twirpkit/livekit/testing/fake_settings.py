"""Settings of a fake server: the limits and options of a LiveKit server's configuration that calls can notice."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["FakeSettings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeSettings:
    """The configuration of a fake server. The defaults are those of livekit-server."""

    max_room_name: int = 256
    """Bytes of a room's name."""
    max_name: int = 256
    """Bytes of a participant's name."""
    max_metadata: int = 512 * 1024
    """Bytes of metadata."""
    max_attributes: int = 64 * 1024
    """Bytes of the keys and values of attributes together."""
    empty_timeout: int = 300
    """Seconds until a room closes that nobody joined, where its request does not say."""
    departure_timeout: int = 20
    """Seconds until a room closes that everybody left, where its request does not say."""
    remote_unmute: bool = False
    """True if a track may be unmuted by a call."""
    redis: bool = True
    """False for a server without Redis, which has no egress, ingress and telephony."""
    workers: bool = True
    """False if no worker for egress, ingress and telephony runs."""
    codecs: tuple[str, ...] = (
        "audio/PCMU",
        "audio/PCMA",
        "audio/opus",
        "audio/red",
        "video/VP8",
        "video/H264",
        "video/VP9",
        "video/AV1",
        "video/H265",
        "video/rtx",
    )
    """Codecs of new rooms."""
    rtmp_url: str = "rtmp://127.0.0.1:1935/live"
    """The address to which RTMP is sent."""
    whip_url: str = "http://127.0.0.1:8080/whip"
    """The address to which WHIP is sent."""
