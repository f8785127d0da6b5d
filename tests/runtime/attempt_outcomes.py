"""Outcomes of single attempts, and an RPC of each retry class, for tests over a scripted transport."""

from __future__ import annotations

from typing import Any

from odd_schema import ODD

from twirpkit import HttpResponse, Method, Phase, RetryClass, RetryPolicy, TransportFailure
from twirpkit._engine.client_config import ClientConfig

__all__ = ["AT_ONCE", "METHODS", "answered", "endpoint", "failed"]

AT_ONCE = RetryPolicy(backoff=0)
METHODS: dict[str, Method[Any, Any]] = {
    each: Method("acme.Hats", each.title(), each, ODD.Thing, ODD.Empty, each) for each in RetryClass
}


def endpoint(**options: Any) -> ClientConfig:
    return ClientConfig("https://h/twirp", "tests/1", **{"retry": AT_ONCE, **options})


def failed(phase: Phase, *, timed_out: bool = False) -> TransportFailure:
    return TransportFailure("it broke", phase=phase, timed_out=timed_out)


def answered(status: int, code: str | None = None, message: str = "no", **headers: str) -> HttpResponse:
    body = b"words" if code is None else f'{{"code":"{code}","msg":"{message}"}}'.encode()
    return HttpResponse(status, {name.replace("_", "-"): value for name, value in headers.items()}, body)
