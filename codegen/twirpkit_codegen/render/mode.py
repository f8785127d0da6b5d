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
    sessions: tuple[str, ...]
    """The classes of sessions that a client can use; each begins with the name of its library."""
    transport: str
    make_transport: str
    iterate: str
    iterator: str
    run_workflow: str
    reuse: str
    """One sentence that says where a client may be used."""

    @property
    def libraries(self) -> tuple[str, ...]:
        """The libraries of the sessions."""
        return tuple(session.partition(".")[0] for session in self.sessions)


MODES: Final = (
    Mode(
        name="sync",
        folder="_sync",
        prefix="",
        def_="def",
        await_="",
        with_="with",
        close="close",
        sessions=("requests.Session", "httpx.Client"),
        transport="Transport",
        make_transport="sync_transport",
        iterate="iterate",
        iterator="Iterator",
        run_workflow="run_workflow",
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
        sessions=("aiohttp.ClientSession", "httpx.AsyncClient"),
        transport="AsyncTransport",
        make_transport="async_transport",
        iterate="aiterate",
        iterator="AsyncIterator",
        run_workflow="arun_workflow",
        reuse="It may be made outside a loop, and used in several loops one after the other.",
    ),
)
