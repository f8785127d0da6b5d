"""Our two sides against each other: generated clients and generated handlers, over all codes and in both modes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from compat_service import app, async_app

from clientcompat_twirp import AsyncCompatAPI, Code, CompatAPI, TwirpError
from twirpkit import error_class
from twirpkit.server import TwirpApp

URL = "http://localhost"


def call_sync(application: TwirpApp, text: str) -> Any:
    with CompatAPI(URL, transport=application.transport(), retry=False) as api:
        api.compat.noop_method()
        return api.compat.method(v=text).v


def call_async(application: TwirpApp, text: str) -> Any:
    async def scene() -> Any:
        async with AsyncCompatAPI(URL, transport=application.async_transport(), retry=False) as api:
            await api.compat.noop_method()
            return (await api.compat.method(v=text)).v

    return asyncio.run(scene())


SIDES = [
    pytest.param(call_sync, app, id="sync to sync"),
    pytest.param(call_async, app, id="async to sync"),
    pytest.param(call_async, async_app, id="async to async"),
]


@pytest.mark.parametrize(("call", "application"), SIDES)
def test_a_response_arrives(call: Callable[[TwirpApp, str], Any], application: TwirpApp) -> None:
    assert call(application, "four") == 4


@pytest.mark.parametrize(("call", "application"), SIDES)
@pytest.mark.parametrize("code", Code)
def test_an_error_arrives_as_it_was_raised(
    code: Code, call: Callable[[TwirpApp, str], Any], application: TwirpApp
) -> None:
    # A server's "canceled" is our deadline (rule B4): each call tells its own.
    expected = Code.DEADLINE_EXCEEDED if code is Code.CANCELED else code
    with pytest.raises(TwirpError) as caught:
        call(application, f"error:{code}")
    assert type(caught.value) is error_class(expected)
    assert (caught.value.code, caught.value.message, caught.value.sent) == (expected, "as the request says", "yes")
