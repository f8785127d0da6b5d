"""Warnings about how a client is set up. Each is a category of its own, so that it can be filtered (rule E4)."""

from __future__ import annotations

__all__ = ["InsecureTransportWarning", "ShortSecretWarning"]


class InsecureTransportWarning(UserWarning):
    """Credentials go over ``http://`` to a host that is not this machine: whoever is in between can read them."""


class ShortSecretWarning(UserWarning):
    """An API secret is shorter than the 32 bytes that HS256 asks for (RFC 7518, section 3.2): it can be guessed."""
