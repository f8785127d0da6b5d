"""docs/webhooks.md: each recipe runs in its framework, takes a signed delivery, and refuses another body."""

from __future__ import annotations

import types
from collections.abc import Callable
from functools import partial

import pytest
from recipes import FRAMEWORKS, blocks, recipe_module

from livekit_twirp import WebhookEvent, sign_webhook

PAGE = "webhooks.md"
EVENT = WebhookEvent(
    event="participant_joined", id="EV_1", room={"name": "standup"}, participant={"identity": "ann", "name": "Ännchen"}
)

Recipe = Callable[..., types.ModuleType]


@pytest.fixture
def recipe(monkeypatch: pytest.MonkeyPatch) -> Recipe:
    """Makes a module of the page's first lines and the recipes below some headings."""
    monkeypatch.setenv("LIVEKIT_API_KEY", "devkey")
    monkeypatch.setenv("LIVEKIT_API_SECRET", "a secret that is long enough for HS256")
    return partial(recipe_module, monkeypatch, PAGE, "Webhooks")


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_recipe_takes_a_signed_delivery_and_no_other(
    recipe: Recipe, capsys: pytest.CaptureFixture[str], framework: str
) -> None:
    title, client = FRAMEWORKS[framework]
    post = client(recipe(title))
    body, authorization = sign_webhook(EVENT)

    assert post("/livekit", body, {"Authorization": authorization}).status == 204
    assert capsys.readouterr().out == "standup ann\n"
    assert post("/livekit", body + b" ", {"Authorization": authorization}).status == 401
    assert post("/livekit", body, {}).status == 401
    assert post("/livekit", b"", {"Authorization": authorization}).status == 401
    assert "standup ann" not in capsys.readouterr().out


def test_the_example_of_a_test_passes(recipe: Recipe, capsys: pytest.CaptureFixture[str]) -> None:
    recipe("Flask", "Test a handler").test_a_participant_joins(capsys)


def test_the_options_of_a_receiver_are_taken(recipe: Recipe) -> None:
    recipe("Rejected requests")


def test_every_example_is_run() -> None:
    others = {"Webhooks", "Rejected requests", "Test a handler"}
    assert blocks(PAGE).keys() == others | {title for title, _ in FRAMEWORKS.values()}
