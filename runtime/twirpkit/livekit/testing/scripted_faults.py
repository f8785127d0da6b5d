"""Faults that a test orders: errors of the server, and those of the network on the way to it."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from twirpkit._suggestion import suggestion
from twirpkit.errors import TwirpError

__all__ = ["Faults", "NetworkFault"]


@dataclass(frozen=True, slots=True)
class NetworkFault:
    """A fault of the network."""

    delay: float = 0.0
    """Seconds until the response."""
    dropped: bool = False
    """True if the connection ends without a response."""
    executed: bool = True
    """False if the request does not reach its handler."""


@dataclass(slots=True)
class _Order:
    """A fault, and how often it still happens; None: always."""

    fault: TwirpError | NetworkFault
    times: int | None = field(default=1)


class Faults:
    """Faults by RPC. Several of one RPC happen one after the other, in the order in which they were ordered.

    Args:
        rpcs: Every RPC of the server, ``package.Service/Method``.
    """

    def __init__(self, rpcs: Iterable[str]) -> None:
        self._rpcs = tuple(rpcs)
        self._orders: dict[str, list[_Order]] = {}
        self._lock = threading.Lock()

    def order(self, rpc: str, fault: TwirpError | NetworkFault, times: int | None) -> None:
        """Let a fault happen to the next calls of an RPC.

        Args:
            rpc: ``package.Service/Method``, or ``Method`` alone.
            fault: The fault.
            times: How often; None: always.

        Raises:
            ValueError: The server has no such RPC, several of that name, or `times` is not positive.
        """
        if times is not None and times < 1:
            raise ValueError("times must be above 0, or None for always")
        with self._lock:
            self._orders.setdefault(self._resolve(rpc), []).append(_Order(fault, times))

    def error(self, rpc: str) -> TwirpError | None:
        """Return the error with which the server responds to a call now, None for none."""
        found = self._take(rpc, lambda fault: isinstance(fault, TwirpError))
        if not isinstance(found, TwirpError):
            return None
        error = copy.copy(found)
        error.rpc = ""  # it is this server's, also if a test took it from another call
        return error

    def network(self, rpc: str) -> NetworkFault | None:
        """Return the fault of the network that happens to a call now, None for none."""
        found = self._take(rpc, lambda fault: isinstance(fault, NetworkFault))
        return found if isinstance(found, NetworkFault) else None

    def _take(self, rpc: str, fits: Callable[[TwirpError | NetworkFault], bool]) -> TwirpError | NetworkFault | None:
        if not self._orders:
            return None
        with self._lock:
            orders = self._orders.get(rpc, [])
            for order in orders:
                if fits(order.fault):
                    if order.times is not None:
                        order.times -= 1
                        if order.times == 0:
                            orders.remove(order)
                    return order.fault
        return None

    def _resolve(self, rpc: str) -> str:
        found = [each for each in self._rpcs if rpc in (each, each.rpartition("/")[2])]
        if len(found) == 1:
            return found[0]
        if found:
            raise ValueError(f"several services have {rpc!r}: write one of {', '.join(found)}")
        names = [each.rpartition("/")[2] for each in self._rpcs]
        raise ValueError(f"the fake has no RPC {rpc!r}{suggestion(rpc.rpartition('/')[2], names)}")
