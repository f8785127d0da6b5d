"""Scripts: functions that choose what happens to a request."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import TypeAlias

from twirpkit.testing.behaviours import Behaviour
from twirpkit.testing.scripted_request import Request

__all__ = ["Script", "by_path", "by_rpc", "mix", "sequence"]

Script: TypeAlias = Callable[[Request], Behaviour]
"""Decides what happens to a request, from the thread of its connection."""


def _chosen(choice: Behaviour | Script, request: Request) -> Behaviour:
    return choice(request) if callable(choice) else choice


def sequence(*behaviours: Behaviour | Script) -> Script:
    """The n-th request gets the n-th of these, all further ones the last."""
    numbers = itertools.count()

    def script(request: Request) -> Behaviour:
        return _chosen(behaviours[min(next(numbers), len(behaviours) - 1)], request)

    if not behaviours:
        raise ValueError("a sequence needs at least one behaviour")
    return script


def by_rpc(rpcs: Mapping[tuple[str, str], Behaviour | Script], otherwise: Behaviour | Script) -> Script:
    """By package and service, and method: ``{("acme.HatService", "MakeHat"): reply(Hat())}``."""
    return lambda request: _chosen(rpcs.get(request.rpc, otherwise), request)


def by_path(paths: Mapping[str, Behaviour | Script], otherwise: Behaviour | Script) -> Script:
    """By the whole path: for what is no RPC, such as the discovery of regions."""
    return lambda request: _chosen(paths.get(request.path, otherwise), request)


def mix(otherwise: Behaviour | Script, *shares: tuple[float, Behaviour | Script], seed: object = 0) -> Script:
    """At random, but the same for the same seed, call and attempt.

    Args:
        otherwise: What happens to the rest of the requests.
        shares: Parts of 1, and what happens to that part of the requests.
        seed: Anything that has a text.
    """
    bounds = list(itertools.accumulate(share for share, _ in shares))
    if bounds and bounds[-1] > 1 + 1e-9:
        raise ValueError(f"the shares add up to {bounds[-1]:g}, which is more than 1")

    def script(request: Request) -> Behaviour:
        drawn = request.random(seed).random()
        hit = next((choice for bound, (_, choice) in zip(bounds, shares, strict=True) if drawn < bound), otherwise)
        return _chosen(hit, request)

    return script
