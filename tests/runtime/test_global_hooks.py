"""Hooks of every client: their order, their number, and what is refused (rule C8)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from scripted_transport import Opened

from twirpkit import Event, HttpResponse
from twirpkit.events import add_global_hook, global_hooks, remove_global_hook

Livekit = Callable[..., Opened]

OK = HttpResponse(200, {"content-type": "application/protobuf"}, b"")


def test_runs_once_and_before_those_of_the_client(livekit: Livekit) -> None:
    order: list[str] = []

    def everywhere(event: Event) -> None:
        order.append(f"global {event.kind}")

    add_global_hook(everywhere)
    add_global_hook(everywhere)
    try:
        livekit(OK, hooks=[lambda event: order.append(f"client {event.kind}")]).room()
    finally:
        remove_global_hook(everywhere)

    assert order[:2] == ["global start", "client start"]
    assert order.count("global end") == 1


def test_that_was_never_added_can_be_removed() -> None:
    remove_global_hook(print)
    assert global_hooks() == ()


def test_coroutine_function_is_refused() -> None:
    async def hook(event: Event) -> None:
        """Never run."""

    with pytest.raises(TypeError, match="coroutine function"):
        add_global_hook(hook)  # type: ignore[arg-type]  # the mistake that is shown
    assert global_hooks() == ()


def test_reaches_clients_that_exist_and_leaves_calls_under_way_alone(livekit: Livekit) -> None:
    def add(event: Event) -> None:
        if event.kind == "request":
            add_global_hook(record)

    def record(event: Event) -> None:
        kinds.append(event.kind)

    kinds: list[str] = []
    opened = livekit(OK)
    try:
        opened.with_options(hooks=[add]).room()
        assert kinds == []
        opened.room()
    finally:
        remove_global_hook(record)
    opened.room()

    assert kinds == ["start", "request", "response", "end"]
