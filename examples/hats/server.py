"""The hat shop: a Twirp server, whose handler has one method for each RPC."""

from __future__ import annotations

import threading
from typing import Final

from hats_twirp import (
    GetHatRequest,
    Hat,
    InvalidArgumentError,
    ListHatsRequest,
    ListHatsResponse,
    MakeHatRequest,
    NotFoundError,
    UnauthenticatedError,
)
from hats_twirp.server import HatServiceBase, RequestContext, TwirpApp

TOKEN: Final = "hatters-only"  # noqa: S105  # the shop's door is not worth a better one
PAGE: Final = 2


class Shop(HatServiceBase):
    """The books."""

    def __init__(self) -> None:
        self.hats: list[Hat] = []
        self.lock = threading.Lock()

    def make_hat(self, request: MakeHatRequest, context: RequestContext, /) -> Hat:
        """Put a hat into the books."""
        if not request.shop:
            raise InvalidArgumentError("shop is required")
        with self.lock:
            hat = Hat(id=f"H{len(self.hats) + 1}", shop=request.shop, size=request.size or 22, tags=request.tags)
            self.hats.append(hat)
        return hat

    def get_hat(self, request: GetHatRequest, context: RequestContext, /) -> Hat:
        """Find a hat."""
        for hat in self.hats:
            if hat.id == request.id:
                return hat
        raise NotFoundError(f"no hat {request.id}")

    def list_hats(self, request: ListHatsRequest, context: RequestContext, /) -> ListHatsResponse:
        """Return a page of a shop's hats. The token is the number of hats before it."""
        token = request.page_token or "0"
        if not token.isdecimal():
            raise InvalidArgumentError("no such page")
        start = int(token)
        mine = [hat for hat in self.hats if hat.shop == request.shop]
        more = str(start + PAGE) if len(mine) > start + PAGE else ""
        return ListHatsResponse(hats=mine[start : start + PAGE], next_page_token=more)


def authorize(context: RequestContext, request: object) -> None:
    """Refuse strangers."""
    if context.headers.get("authorization") != f"Bearer {TOKEN}":
        raise UnauthenticatedError("hatters only")


def new_app(prefix: str = "/twirp") -> TwirpApp:
    """Open a shop with empty books: an application for ASGI and WSGI servers.

    Args:
        prefix: The path before the services; empty where a framework mounts the application at that path.
    """
    return TwirpApp([Shop()], prefix=prefix, authorize=authorize)
