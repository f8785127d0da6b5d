"""What must not show, and every place where it could."""

from __future__ import annotations

import traceback

__all__ = ["KEY", "SECRET", "frames_of", "texts_of"]

KEY = "key-canary"
SECRET = "secret-canary-that-is-long-enough-for-hs256"


def texts_of(error: BaseException) -> str:
    """Every text that an error, its chain and its attributes give."""
    seen: list[str] = []
    link: BaseException | None = error
    while link is not None:
        seen += [str(link), repr(link), repr(link.args), repr(vars(link))]
        link = link.__cause__ or link.__context__
    return "\n".join([*seen, *traceback.format_exception(error)])


def frames_of(error: BaseException) -> str:
    """The local variables of every frame between the test and the place that raised."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    return "\n".join(repr(frame.f_locals) for frame in frames if "/tests/" not in frame.f_code.co_filename)
