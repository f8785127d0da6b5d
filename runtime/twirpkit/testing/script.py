"""Scripts: functions that choose the behaviour for a request."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import TypeAlias

from twirpkit.testing.behaviours import Behaviour
from twirpkit.testing.scripted_request import Request

__all__ = ["Script", "by_path", "by_rpc", "mix", "sequence"]

Script: TypeAlias = Callable[[Request], Behaviour]
"""A function that returns the behaviour for a request. It is called in the thread of the connection."""


def _chosen(choice: Behaviour | Script, request: Request) -> Behaviour:
    return choice(request) if callable(choice) else choice


def sequence(*behaviours: Behaviour | Script) -> Script:
    """Return a script that gives the n-th request the n-th behaviour, and all later requests the last one."""
    numbers = itertools.count()

    def script(request: Request) -> Behaviour:
        return _chosen(behaviours[min(next(numbers), len(behaviours) - 1)], request)

    if not behaviours:
        raise ValueError("a sequence needs at least one behaviour")
    return script


def by_rpc(rpcs: Mapping[tuple[str, str], Behaviour | Script], otherwise: Behaviour | Script) -> Script:
    """Return a script that chooses by RPC.

    Args:
        rpcs: Behaviours by service and method: ``{("acme.HatService", "MakeHat"): reply(Hat())}``.
        otherwise: The behaviour for all other requests.
    """
    return lambda request: _chosen(rpcs.get(request.rpc, otherwise), request)


def by_path(paths: Mapping[str, Behaviour | Script], otherwise: Behaviour | Script) -> Script:
    """Return a script that chooses by the full path, for requests that are not RPCs, such as region discovery.

    Args:
        paths: Behaviours by path.
        otherwise: The behaviour for all other requests.
    """
    return lambda request: _chosen(paths.get(request.path, otherwise), request)


def mix(otherwise: Behaviour | Script, *shares: tuple[float, Behaviour | Script], seed: object = 0) -> Script:
    """Return a script that chooses at random, with the same result for the same seed, call and attempt.

    Args:
        otherwise: The behaviour for the remaining requests.
        shares: Fractions of all requests, each with its behaviour. They add up to 1 at most.
        seed: Any value with a stable `str`.

    Raises:
        ValueError: The shares add up to more than 1.
    """
    bounds = list(itertools.accumulate(share for share, _ in shares))
    if bounds and bounds[-1] > 1 + 1e-9:
        raise ValueError(f"the shares add up to {bounds[-1]:g}, which is more than 1")

    def script(request: Request) -> Behaviour:
        drawn = request.random(seed).random()
        hit = next((choice for bound, (_, choice) in zip(bounds, shares, strict=True) if drawn < bound), otherwise)
        return _chosen(hit, request)

    return script
