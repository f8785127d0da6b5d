"""A small SDK as the generator emits them, by hand: no signer, no request id, another prefix, odd fields."""

from __future__ import annotations

from typing import Any, ClassVar

from hats._methods.hats import MAKE_HAT
from twirpkit.sdk import (
    UNSET,
    AsyncClient,
    CallOptions,
    Client,
    PackageInfo,
    ServiceInfo,
    async_transport,
    client_config,
    sync_transport,
)

__all__ = ["AsyncHatsAPI", "HatsAPI"]

SDK = PackageInfo(
    name="hats", facade="HatsAPI", services={"acme.HatService": ServiceInfo("hats", "HatService")}, prefix="/api/v1"
)


def _endpoint(url: str, **options: Any) -> Any:
    return client_config(SDK, **{"url": url, "token": None, "auth": None, "timeout": UNSET, **options})


class HatService:
    """Makes hats; of both worlds, because it only passes on what the client's ``call`` returns."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def make_hat(
        self, request: Any = None, /, *, timeout: Any = UNSET, extra_headers: Any = None, **fields: Any
    ) -> Any:
        """Make a hat."""
        return self._client.call(MAKE_HAT, request, fields, CallOptions(timeout, UNSET, extra_headers))


class HatsAPI(Client):
    """The sync facade."""

    package: ClassVar[PackageInfo] = SDK

    def __init__(self, url: str, *, transport: Any = None, **options: Any) -> None:
        super().__init__(_endpoint(url, **options), sync_transport(self, None, transport))
        self.hats = HatService(self)


class AsyncHatsAPI(AsyncClient):
    """The async facade."""

    package: ClassVar[PackageInfo] = SDK

    def __init__(self, url: str, *, transport: Any = None, **options: Any) -> None:
        super().__init__(_endpoint(url, **options), async_transport(self, None, transport))
        self.hats = HatService(self)
