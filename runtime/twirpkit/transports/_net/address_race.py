"""Order and timing of the connection attempts to the addresses of one name: "happy eyeballs" (RFC 8305).

A name may have an address that answers and one from which no packet ever comes back. Tried one after the other, the
silent one costs its whole share of the deadline on every new connection. Here the next attempt starts after a short
delay, or at once when one fails, and the first that connects wins. The decisions are made here; the two drivers only
open sockets and wait.
"""

from __future__ import annotations

import itertools
import socket
from collections.abc import Iterable
from typing import Any, Final, TypeAlias

from twirpkit.transports._net.connect_failures import ConnectError

__all__ = ["ATTEMPT_DELAY", "Address", "AddressRace", "interleave_families", "look_up", "numeric_addresses"]

ATTEMPT_DELAY: Final = 0.25
"""Seconds between the starts of two attempts (RFC 8305, 5: the recommended value)."""

Address: TypeAlias = tuple[int, int, int, str, Any]
"""Family, kind, protocol, canonical name and address, as `socket.getaddrinfo` gives them."""


def numeric_addresses(name: str, port: int) -> list[Address] | None:
    """Return the address of a host that is given as an IP address; None for a name, which must be looked up."""
    if ":" not in name and not name.replace(".", "").isdigit():
        return None
    try:
        return look_up(name, port, socket.AI_NUMERICHOST)
    except socket.gaierror:
        return None


def look_up(name: str, port: int, flags: int = 0) -> list[Address]:
    """Return the addresses of a host. Raises OSError.

    The name goes as bytes: for a text Python imports a codec, which an exception of a signal handler can leave locked.
    """
    return list(socket.getaddrinfo(name.encode("ascii"), port, type=socket.SOCK_STREAM, flags=flags))


def interleave_families(addresses: Iterable[Address]) -> list[Address]:
    """Order addresses so that their families alternate, beginning with the resolver's first (RFC 8305, 4)."""
    families: dict[int, list[Address]] = {}
    for address in addresses:
        families.setdefault(address[0], []).append(address)
    turns = itertools.zip_longest(*families.values())
    return [address for turn in turns for address in turn if address is not None]


class AddressRace:
    """The attempts to connect to one of several addresses.

    Args:
        addresses: The addresses that a name has.

    Raises:
        ConnectError: There are none.
    """

    def __init__(self, addresses: Iterable[Address]) -> None:
        self._untried = interleave_families(addresses)
        if not self._untried:
            raise ConnectError("the name has no address")
        self._untried.reverse()
        self.next_start: float | None = 0.0
        """The time at which the next attempt may start; None if there is no address left."""

    def start(self, now: float) -> Address | None:
        """Return the address to try now, or None: it is not time for one yet, or none is left."""
        if self.next_start is None or now < self.next_start:
            return None
        address = self._untried.pop()
        self.next_start = now + ATTEMPT_DELAY if self._untried else None
        return address

    def attempt_failed(self) -> None:
        """Let the next attempt start at once."""
        if self.next_start is not None:
            self.next_start = 0.0
