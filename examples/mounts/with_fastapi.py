"""A Twirp application below a path of a FastAPI application: ``uvicorn with_fastapi:app``."""

from __future__ import annotations

from fastapi import FastAPI
from fastapi.responses import PlainTextResponse
from hat_shop import new_app

app = FastAPI()
app.mount("/twirp", new_app(prefix=""))  # the mount has the prefix, so the application has none


@app.get("/", response_class=PlainTextResponse)
async def home() -> str:
    """Return the shop's own page."""
    return "hats"
