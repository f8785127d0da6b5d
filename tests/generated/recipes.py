"""Recipes of a page, made into modules and called through the test clients of their frameworks."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

__all__ = ["DOCS", "FRAMEWORKS", "Post", "Response", "blocks", "recipe_module"]

DOCS = Path(__file__).parents[2] / "docs"


class Response(NamedTuple):
    """A response: its status and its body."""

    status: int
    body: bytes


Post = Callable[[str, bytes, dict[str, str]], Response]
"""Sends a body with headers to a path."""


def blocks(page: str) -> dict[str, str]:
    """The Python code below each heading of a page, in its order."""
    found: dict[str, str] = {}
    for section in re.split(r"^#+ ", (DOCS / page).read_text(encoding="utf-8"), flags=re.MULTILINE):
        if code := re.findall(r"^```python\n(.*?)^```$", section, re.DOTALL | re.MULTILINE):
            found[section.partition("\n")[0]] = "\n".join(code)
    return found


def recipe_module(monkeypatch: pytest.MonkeyPatch, page: str, *titles: str, **names: Any) -> types.ModuleType:
    """A module of the code below some headings, with further names."""
    module = types.ModuleType("recipe_of_a_page")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    vars(module).update(names)
    for title in titles:
        exec(compile(blocks(page)[title], f"docs/{page}: {title}", "exec"), vars(module))
    return module


def flask(module: Any) -> Post:
    client = module.app.test_client()

    def post(path: str, body: bytes, headers: dict[str, str]) -> Response:
        response = client.post(path, data=body, headers=headers)
        return Response(response.status_code, response.data)

    return post


def fastapi(module: Any) -> Post:
    async def send(path: str, body: bytes, headers: dict[str, str]) -> Response:
        transport = httpx.ASGITransport(module.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            response = await client.post(path, content=body, headers=headers)
            return Response(response.status_code, response.content)

    return lambda path, body, headers: asyncio.run(send(path, body, headers))


def django(module: Any) -> Post:
    import django
    from django.conf import settings
    from django.test import Client
    from django.urls import clear_url_caches

    if not settings.configured:
        settings.configure(ROOT_URLCONF=module.__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="only-here")
        django.setup()
    clear_url_caches()
    client = Client(enforce_csrf_checks=True)

    def post(path: str, body: bytes, headers: dict[str, str]) -> Response:
        response = client.post(path, body, content_type="application/octet-stream", headers=headers)
        return Response(response.status_code, response.content)

    return post


def aws_lambda(module: Any, *, encoded: bool) -> Post:
    def post(path: str, body: bytes, headers: dict[str, str]) -> Response:
        text = base64.b64encode(body).decode() if encoded else body.decode()
        event = {
            "version": "2.0",
            "rawPath": path,
            "headers": {name.lower(): value for name, value in headers.items()},
            "body": text,
            "isBase64Encoded": encoded,
        }
        response = module.handler(json.loads(json.dumps(event)), None)
        return Response(response["statusCode"], response.get("body", "").encode())

    return post


def celery(module: Any) -> Post:
    """The queue runs tasks at once, but carries their arguments as JSON as any broker does."""
    module.queue.conf.update(broker_url="memory://", task_always_eager=True, task_eager_propagates=True)
    return flask(module)


FRAMEWORKS: dict[str, tuple[str, Callable[[Any], Post]]] = {
    "flask": ("Flask", flask),
    "fastapi": ("FastAPI", fastapi),
    "django": ("Django", django),
    "lambda, text": ("AWS Lambda", lambda module: aws_lambda(module, encoded=False)),
    "lambda, base64": ("AWS Lambda", lambda module: aws_lambda(module, encoded=True)),
    "celery": ("Task queue", celery),
}
"""The heading of each recipe, and its client."""
