"""docs/webhooks.md: each recipe runs in its framework, takes a signed delivery, and refuses another body."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from livekit_twirp import WebhookEvent, sign_webhook

PAGE = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text(encoding="utf-8")
KEY, SECRET = "devkey", "a secret that is long enough for HS256"
EVENT = WebhookEvent(
    event="participant_joined", id="EV_1", room={"name": "standup"}, participant={"identity": "ann", "name": "Ännchen"}
)

Post = Callable[[bytes, "str | None"], int]
"""Sends a body with an Authorization header, and returns the response's status."""


def example(title: str) -> str:
    """The code under a heading of the page."""
    found = re.search(rf"^##? {title}\n.*?^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    assert found is not None, title
    return found[1]


@pytest.fixture
def recipe(monkeypatch: pytest.MonkeyPatch) -> Callable[..., types.ModuleType]:
    """Makes a module of the page's first lines and the recipes under some headings."""
    monkeypatch.setenv("LIVEKIT_API_KEY", KEY)
    monkeypatch.setenv("LIVEKIT_API_SECRET", SECRET)

    def made(*titles: str) -> types.ModuleType:
        module = types.ModuleType("webhook_recipe")
        monkeypatch.setitem(sys.modules, module.__name__, module)
        for title in ("Webhooks", *titles):
            exec(compile(example(title), f"docs/webhooks.md: {title}", "exec"), vars(module))
        return module

    return made


def flask(module: Any) -> Post:
    client = module.app.test_client()

    def post(body: bytes, authorization: str | None) -> int:
        headers = {"Content-Type": "application/webhook+json"}
        if authorization is not None:
            headers["Authorization"] = authorization
        status: int = client.post("/livekit", data=body, headers=headers).status_code
        return status

    return post


def fastapi(module: Any) -> Post:
    async def send(body: bytes, headers: dict[str, str]) -> int:
        transport = httpx.ASGITransport(module.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return (await client.post("/livekit", content=body, headers=headers)).status_code

    return lambda body, auth: asyncio.run(send(body, {} if auth is None else {"Authorization": auth}))


def django(module: Any) -> Post:
    from django.conf import settings

    if not settings.configured:
        settings.configure(ROOT_URLCONF=module.__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="only-here")
    import django
    from django.test import Client
    from django.urls import clear_url_caches

    django.setup()
    clear_url_caches()
    client = Client(enforce_csrf_checks=True)

    def post(body: bytes, authorization: str | None) -> int:
        headers = {} if authorization is None else {"Authorization": authorization}
        response = client.post("/livekit", body, content_type="application/webhook+json", headers=headers)
        status: int = response.status_code
        return status

    return post


def function(module: Any, *, encoded: bool) -> Post:
    def post(body: bytes, authorization: str | None) -> int:
        text = base64.b64encode(body).decode() if encoded else body.decode()
        headers = {} if authorization is None else {"authorization": authorization}
        event = {"version": "2.0", "headers": headers, "body": text, "isBase64Encoded": encoded}
        status: int = module.handler(json.loads(json.dumps(event)), None)["statusCode"]
        return status

    return post


def celery(module: Any) -> Post:
    """The queue runs tasks at once, but carries their arguments as JSON as any broker does."""
    module.queue.conf.update(broker_url="memory://", task_always_eager=True, task_eager_propagates=True)
    return flask(module)


RECIPES: list[tuple[str, Callable[[Any], Post]]] = [
    ("Flask", flask),
    ("FastAPI", fastapi),
    ("Django", django),
    ("AWS Lambda", lambda module: function(module, encoded=False)),
    ("AWS Lambda", lambda module: function(module, encoded=True)),
    ("Task queue", celery),
]
IDS = ["flask", "fastapi", "django", "lambda, text", "lambda, base64", "celery"]


@pytest.mark.parametrize(("title", "client"), RECIPES, ids=IDS)
def test_recipe_takes_a_signed_delivery_and_no_other(
    recipe: Callable[..., types.ModuleType],
    capsys: pytest.CaptureFixture[str],
    title: str,
    client: Callable[[Any], Post],
) -> None:
    post = client(recipe(title))
    body, authorization = sign_webhook(EVENT)

    assert post(body, authorization) == 204
    assert capsys.readouterr().out == "standup ann\n"
    assert post(body + b" ", authorization) == 401
    assert post(body, None) == 401
    assert post(b"", authorization) == 401
    assert "standup ann" not in capsys.readouterr().out


def test_the_example_of_a_test_passes(
    recipe: Callable[..., types.ModuleType], capsys: pytest.CaptureFixture[str]
) -> None:
    recipe("Flask", "Test a handler").test_a_participant_joins(capsys)


def test_the_options_of_a_receiver_are_taken(recipe: Callable[..., types.ModuleType]) -> None:
    recipe("Rejected requests")


def headings() -> Iterator[str]:
    for section in re.split(r"^##? ", PAGE, flags=re.MULTILINE):
        if "```python" in section:
            yield section.partition("\n")[0]


def test_every_example_is_run() -> None:
    run = {title for title, _ in RECIPES}
    assert set(headings()) == {"Webhooks", "Rejected requests", "Test a handler"} | run
