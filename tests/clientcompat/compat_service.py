"""The service of Twirp's client test, as the test's own program serves it, in Python."""

from __future__ import annotations

from clientcompat_twirp import Empty, Req, Resp, TwirpError
from clientcompat_twirp.server import AsyncCompatServiceBase, CompatServiceBase, RequestContext, TwirpApp

__all__ = ["AsyncService", "Service", "app", "async_app", "outcome"]


def outcome(request: Req) -> Resp:
    """Return the length of a text; a text that begins with ``error:`` is the error to raise."""
    if request.v.startswith("error:"):
        raise TwirpError(request.v.removeprefix("error:"), "as the request says")
    return Resp(v=len(request.v))


class Service(CompatServiceBase):
    """The handler."""

    def method(self, request: Req, context: RequestContext, /) -> Resp:
        """Answer a text with a number."""
        return outcome(request)

    def noop_method(self, request: Empty, context: RequestContext, /) -> Empty:
        """Do nothing."""
        return Empty()


class AsyncService(AsyncCompatServiceBase):
    """The same, async."""

    async def method(self, request: Req, context: RequestContext, /) -> Resp:
        """Answer a text with a number."""
        return outcome(request)

    async def noop_method(self, request: Empty, context: RequestContext, /) -> Empty:
        """Do nothing."""
        return Empty()


app = TwirpApp([Service()])
async_app = TwirpApp([AsyncService()])
