"""The two modes that a client's templates are rendered in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["MODES", "Mode"]


@dataclass(frozen=True, slots=True)
class Mode:
    """Everything in which the sync and the async rendering of a template differ."""

    name: str
    folder: str
    prefix: str
    """The beginning of the names of classes: ``Async`` or nothing."""
    def_: str
    await_: str
    with_: str
    close: str
    session: str
    """The class of sessions that a client accepts."""
    transport: str
    make_transport: str
    iterate: str
    iterator: str
    reuse: str
    """One sentence that says where a client may be used."""


MODES: Final = (
    Mode(
        name="sync",
        folder="_sync",
        prefix="",
        def_="def",
        await_="",
        with_="with",
        close="close",
        session="requests.Session",
        transport="Transport",
        make_transport="sync_transport",
        iterate="iterate",
        iterator="Iterator",
        reuse="One client may serve all threads.",
    ),
    Mode(
        name="async",
        folder="_async",
        prefix="Async",
        def_="async def",
        await_="await ",
        with_="async with",
        close="aclose",
        session="aiohttp.ClientSession",
        transport="AsyncTransport",
        make_transport="async_transport",
        iterate="aiterate",
        iterator="AsyncIterator",
        reuse="It may be made outside a loop, and used in several loops one after the other.",
    ),
)
