"""Twirp servers: an application for ASGI and WSGI servers, made of handlers with one method for each RPC.

```python
from hats_twirp import Hat, MakeHatRequest
from hats_twirp.server import HatServiceBase, RequestContext, TwirpApp


class Shop(HatServiceBase):
    def make_hat(self, request: MakeHatRequest, context: RequestContext, /) -> Hat:
        return Hat(shop=request.shop, size=request.size)


app = TwirpApp([Shop()])      # for uvicorn, gunicorn and others; or app.transport(), without a socket
```

The guide is `docs/server.md`.
"""

from twirpkit.server.application import TwirpApp
from twirpkit.server.handlers import AsyncHandler, BoundHandler, Handler, bind, unimplemented
from twirpkit.server.incoming_request import IncomingRequest
from twirpkit.server.request_context import RequestContext

__all__ = [
    "AsyncHandler",
    "BoundHandler",
    "Handler",
    "IncomingRequest",
    "RequestContext",
    "TwirpApp",
    "bind",
    "unimplemented",
]
