"""A Twirp application below a path of a Starlette application: ``uvicorn with_starlette:app``."""

from __future__ import annotations

from hat_shop import new_app
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route


async def home(request: Request) -> PlainTextResponse:
    """Return the shop's own page."""
    return PlainTextResponse("hats")


# The mount has the prefix, so the application has none.
app = Starlette(routes=[Route("/", home), Mount("/twirp", app=new_app(prefix=""))])
