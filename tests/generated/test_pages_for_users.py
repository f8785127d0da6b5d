"""docs/errors.md, docs/paging.md and docs/test-doubles.md: their examples run, and they have what there is."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from typing import Any
from unittest.mock import create_autospec

import httpx
import pytest
from recipes import DOCS, blocks, recipe_module

import livekit_twirp
from livekit_twirp import (
    AsyncLiveKitAPI,
    EgressInfo,
    InvalidArgumentError,
    ListEgressResponse,
    LiveKitAPI,
    NotFoundError,
    PhoneNumber,
    TransportError,
    TwirpError,
    UnauthenticatedError,
)
from livekit_twirp._sdk import PACKAGE


def text_of(page: str) -> str:
    return (DOCS / page).read_text("utf-8")


def lists() -> list[tuple[str, Any]]:
    """The attribute of a service and each of its RPCs that returns pages."""
    found = []
    for facts in PACKAGE.services.values():
        service: Any = getattr(livekit_twirp, facts.class_name)
        found += [(facts.attribute, method) for method in service._methods if method.pages is not None]
    return found


class TestErrors:
    def test_the_tree_is_that_of_the_classes(self) -> None:
        (tree,) = re.findall(r"^```text\n(.*?)^```$", text_of("errors.md"), re.DOTALL | re.MULTILINE)
        path: list[str] = []
        parents: dict[str, str] = {}
        for line in tree.splitlines():
            name = re.findall(r"\w+", line)[0]
            depth = line.index(name) // 4
            path[depth:] = [name]
            parents[name] = path[depth - 1] if depth else "Exception"
        exported = {
            name: getattr(livekit_twirp, name)
            for name in livekit_twirp.__all__
            if isinstance(getattr(livekit_twirp, name), type) and issubclass(getattr(livekit_twirp, name), TwirpError)
        }
        assert parents == {name: cls.__base__.__name__ for name, cls in exported.items()}

    def test_every_attribute_is_explained(self) -> None:
        text = text_of("errors.md")
        for name in vars(NotFoundError("gone")):
            assert f"`{name}`" in text, name

    @pytest.mark.parametrize(
        ("error", "status"),
        [
            (NotFoundError("gone"), 404),
            (InvalidArgumentError("too long"), 400),
            (TransportError("refused", retryable=True), 503),
            (UnauthenticatedError("expired"), 502),
        ],
    )
    def test_a_web_application_answers(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: TwirpError, status: int
    ) -> None:
        lk = create_autospec(LiveKitAPI)("localhost:1")
        lk.room.delete_room.side_effect = NotFoundError("gone")
        module = recipe_module(monkeypatch, "errors.md", "What to catch", lk=lk)
        module.end_meeting("standup")

        @module.app.get("/")  # type: ignore[untyped-decorator]  # of a module that is made at run time
        def fail() -> None:
            raise error

        async def get() -> httpx.Response:
            transport = httpx.ASGITransport(module.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
                return await client.get("/")

        with caplog.at_level(logging.ERROR):
            response = asyncio.run(get())
        assert response.status_code == status
        assert json.loads(response.content)["try_again"] is error.retryable
        assert error.message not in response.text
        assert error.message in caplog.text


class TestPaging:
    def test_the_table_has_every_list(self) -> None:
        rows = re.findall(r"^\| `(\w+)\.(\w+)`.*? \| `(\w+)` \| (.*) \|$", text_of("paging.md"), re.MULTILINE)
        expected = [
            (service, method.py_name, method.pages.py_name, "at a token" if method.pages.next else "after an id")
            for service, method in lists()
        ]
        assert sorted(rows) == sorted(expected)

    def test_examples_run(self, capsys: pytest.CaptureFixture[str]) -> None:
        first, second, third = re.findall(r"^```python\n(.*?)^```$", text_of("paging.md"), re.DOTALL | re.MULTILINE)
        lk = create_autospec(LiveKitAPI)("localhost:1")
        lk.egress.iter_egress.return_value = iter([EgressInfo(egress_id="EG_1")])
        lk.egress.list_egress.return_value = ListEgressResponse(next_page_token={"token": "x"})
        names: dict[str, Any] = {"lk": lk, "start": ""}
        exec(first, names)
        exec(third, names)
        assert names["following"] == "x"

        async def numbers() -> Any:
            yield PhoneNumber(e164_format="+15550100")

        other = create_autospec(AsyncLiveKitAPI)("localhost:1")
        other.phone_number.iter_phone_numbers.return_value = numbers()
        names = {"lk": other}
        exec("async def run():\n" + "".join(f"    {line}\n" for line in second.splitlines()), names)
        asyncio.run(names["run"]())
        assert capsys.readouterr().out == "EG_1\n+15550100\n"


def test_test_doubles_work(monkeypatch: pytest.MonkeyPatch) -> None:
    module = recipe_module(monkeypatch, "test-doubles.md", *blocks("test-doubles.md"))
    tests = [value for name, value in vars(module).items() if name.startswith("test_")]
    assert len(tests) == 6
    for each in tests:
        each()
