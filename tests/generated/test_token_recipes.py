"""docs/tokens.md: the examples run, and each recipe of a token endpoint serves and refuses tokens in its framework."""

from __future__ import annotations

import json
from typing import Any

import pytest
from recipes import FRAMEWORKS, blocks, recipe_module

from livekit_twirp import AccessToken, TokenVerifier, VideoGrants

PAGE = "tokens.md"
KEY, SECRET = "devkey", "a secret that is long enough for HS256"
ENDPOINTS = [name for name, (title, _) in FRAMEWORKS.items() if title != "Task queue"]


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVEKIT_API_KEY", KEY)
    monkeypatch.setenv("LIVEKIT_API_SECRET", SECRET)
    monkeypatch.setenv("LIVEKIT_URL", "https://hats.livekit.cloud")


def user_id(request: Any) -> str | None:
    """The authentication of the examples: a header."""
    headers = request["headers"] if isinstance(request, dict) else request.headers
    user: str | None = headers.get("x-user")
    return user


@pytest.mark.parametrize("framework", ENDPOINTS)
def test_recipe_serves_and_refuses_tokens(monkeypatch: pytest.MonkeyPatch, framework: str) -> None:
    title, client = FRAMEWORKS[framework]
    post = client(recipe_module(monkeypatch, PAGE, "Serve tokens to clients", title, user_id=user_id))

    response = post("/token", b'{"room_name": "standup", "participant_name": "Ann"}', {"X-User": "ann"})
    assert response.status == 201
    body = json.loads(response.body)
    assert body.keys() == {"server_url", "participant_token"}
    assert body["server_url"] == "wss://hats.livekit.cloud"
    claims = TokenVerifier().verify(body["participant_token"])
    assert (claims.identity, claims.name) == ("ann", "Ann")
    assert claims.video == VideoGrants(room_join=True, room="standup")

    assert post("/token", b"", {"X-User": "ann"}).status == 201
    assert post("/token", b"{}", {}).status == 401
    for refused, status in (
        (b"{", 400),
        (b'{"room_nam": "standup"}', 400),
        (b'{"participant_identity": "bob"}', 403),
        (b'{"room_config": {"max_participants": 9}}', 403),
    ):
        response = post("/token", refused, {"X-User": "ann"})
        assert response.status == status
        assert b"participant_token" not in response.body


def test_the_other_examples_run(monkeypatch: pytest.MonkeyPatch) -> None:
    made = recipe_module(monkeypatch, PAGE, "Make a token", "Room configuration")
    assert TokenVerifier().verify(made.token).identity == "alice"
    recipe_module(monkeypatch, PAGE, "Serve tokens to clients", "Who decides", body=b'{"participant_identity": "ann"}')

    token = AccessToken(identity="alice", video=VideoGrants(room_join=True, room="standup")).to_jwt()
    with pytest.raises(KeyError, match="my_own_claim"):  # the example's last line reads a claim that ours do not have
        recipe_module(monkeypatch, PAGE, "Verify a token", token=token, api_key=KEY, api_secret=SECRET)


def test_every_example_is_run() -> None:
    others = {"Make a token", "Room configuration", "Serve tokens to clients", "Who decides", "Verify a token"}
    assert blocks(PAGE).keys() == others | {FRAMEWORKS[name][0] for name in ENDPOINTS}
